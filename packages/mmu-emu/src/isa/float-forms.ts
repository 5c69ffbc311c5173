/**
 * How the instructions of F and D are written down: the same for both, by format.
 *
 * Arithmetic has a shortcut: WebAssembly's operation, where the rounding mode is to nearest, the inexact flag is set
 * already or the result is seen to be exact, and the result shows that no other flag is due. Everything else is a routine's.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "F Extension for Single-Precision Floating-Point" and "D Extension for
 * Double-Precision Floating-Point"
 */

import type { FloatFormat } from './float-formats.js';
import { instruction } from './forms.js';
import { fusedDouble, fusedSingle } from './fused-multiply-add.js';
import type { Extension, InstructionSpec, Operand, OperandConstraint } from './instruction.js';
import { FRD, FRS1, FRS2, FRS3, IMM_I, IMM_S, RD, ROUNDING, ROUNDING_EXACT, RS1 } from './operands.js';
import { f64, FORMAT_DOUBLE, i32, i64 } from './semantics.js';
import type { I32, I64, MemoryWidth, RoutineName, SemanticsBuilder } from './semantics.js';

/** Rounding modes that no instruction may name. */
const RESERVED_MODES: OperandConstraint = { name: 'rm', not: [5, 6] };
const OP_FP = 0x53;
const MASK_FUNCT7_FUNCT3 = 0xfe00707f;
const MASK_FUNCT7_RS2 = 0xfff0007f;
const MASK_FUNCT7_RS2_FUNCT3 = 0xfff0707f;
const TOWARDS_ZERO = i64.const(1);

/** A floating-point instruction. `semantics` follows the check of mstatus.FS. */
export function floatSpec(
  name: string,
  extension: Extension,
  match: number,
  mask: number,
  operands: readonly Operand[],
  semantics: (s: SemanticsBuilder) => void,
  syntax?: string,
): InstructionSpec {
  const checked = (s: SemanticsBuilder): void => {
    s.requireFloat();
    semantics(s);
  };
  return {
    ...instruction(extension, name, match, mask, operands, checked, syntax),
    constraints: operands.some((operand) => operand.name === 'rm') ? [RESERVED_MODES] : [],
  };
}

const all = (...conditions: readonly I32[]): I32 => conditions.reduce((a, b) => i32.and(a, b));
const flagsInexact = (s: SemanticsBuilder): I64 => i64.and(s.fcsr, i64.const(1));
/** Zero, of either sign. */
const isNought = (format: FloatFormat, a: I64): I32 => i64.eqz(i64.and(a, i64.const(format.sign - 1n)));
/** Rounds to nearest, and inexact results change no flag. */
export const nearest = (s: SemanticsBuilder, mode: I64): I32 =>
  i64.eqz(i64.or(mode, i64.xor(flagsInexact(s), i64.const(1))));
/** Rounds to nearest, and sets no flag: NX is set already, or the result is exact. */
const unflagged = (s: SemanticsBuilder, mode: I64, exact: I32): I32 =>
  i32.and(i64.eqz(mode), i32.choose(i32.wrap(flagsInexact(s)), i32.const(1), exact));
const wide = (condition: I32): I64 => i64.extendU(condition);

/** Encoding of an operation of a format. */
export const opFp = (format: { readonly code: number }, funct5: number, funct3 = 0, rs2 = 0): number =>
  (OP_FP | (funct5 << 27) | (format.code << 25) | (rs2 << 20) | (funct3 << 12)) >>> 0;

/** Loads and stores. `box` is what is set beside what was read. */
export function floatMemory(
  extension: Extension,
  suffix: string,
  funct3: number,
  width: MemoryWidth,
  box: bigint,
): InstructionSpec[] {
  return [
    floatSpec(`fl${suffix}`, extension, 0x07 | (funct3 << 12), 0x707f, [FRD, RS1, IMM_I], (s) => s.writeFd(i64.or(s.load(i64.add(s.rs1, s.imm), width, false), i64.const(box))), 'rd, imm(rs1)'), // prettier-ignore
    floatSpec(`fs${suffix}`, extension, 0x27 | (funct3 << 12), 0x707f, [RS1, FRS2, IMM_S], (s) => s.store(i64.add(s.rs1, s.imm), width, s.frs2), 'rs2, imm(rs1)'), // prettier-ignore
  ];
}

/** Everything that F and D have alike, but for loads, stores and moves to and from integer registers. */
export function floatInstructions(format: FloatFormat): InstructionSpec[] {
  const code = i64.const(format.code);
  const { suffix, extension } = format;

  const arithmetic = (
    name: string,
    funct5: number,
    routine: RoutineName,
    native: 'add' | 'sub' | 'mul' | 'div',
    exactWhenSmall: boolean,
  ): InstructionSpec =>
    floatSpec(`${name}.${suffix}`, extension, opFp(format, funct5), 0xfe00007f, [FRD, FRS1, FRS2, ROUNDING], (s) => {
      const mode = s.roundingMode();
      const a = s.let(s.frs1);
      const b = s.let(s.frs2);
      const value = s.let(format.native(native, a, b));
      // Sums that are small are exact.
      const zeroOperand = i32.or(isNought(format, a), native === 'mul' ? isNought(format, b) : i32.const(0));
      const exactZero = i32.and(isNought(format, value), zeroOperand);
      const harmless = exactWhenSmall ? format.finite(value) : i32.or(format.plain(value), exactZero);
      const exact = i32.or(zeroOperand, format.exact[native](a, b, value));
      const condition = all(unflagged(s, mode, exact), format.boxed(a), format.boxed(b), harmless);
      s.writeFd(s.computeUnless({ condition, value }, routine, a, b, mode, code));
    }); // prettier-ignore

  const fused = (name: string, opcode: number, negations: number): InstructionSpec =>
    floatSpec(`${name}.${suffix}`, extension, opcode | (format.code << 25), 0x0600007f, [FRD, FRS1, FRS2, FRS3, ROUNDING], (s) => {
      const mode = s.roundingMode();
      const [a, b, c] = [s.let(s.frs1), s.let(s.frs2), s.let(s.frs3)];
      const flip = (value: I64, bit: number): I64 =>
        (negations & bit) === 0 ? value : s.let(i64.xor(value, i64.const(format.sign)));
      const fuse = format.code === FORMAT_DOUBLE ? fusedDouble : fusedSingle;
      const { condition, value, exact } = fuse(s, flip(a, 1), b, flip(c, 2));
      const applies = all(format.boxed(a), format.boxed(b), format.boxed(c), condition, unflagged(s, mode, exact));
      s.writeFd(s.computeUnless({ condition: applies, value }, 'floatMultiplyAdd', a, b, c, mode, code, i64.const(negations)));
    }); // prettier-ignore

  const withSign = (name: string, funct3: number, sign: (a: I64, b: I64) => I64): InstructionSpec =>
    floatSpec(`${name}.${suffix}`, extension, opFp(format, 4, funct3), MASK_FUNCT7_FUNCT3, [FRD, FRS1, FRS2], (s) => {
      const a = s.let(format.unboxed(s.frs1));
      const b = s.let(format.unboxed(s.frs2));
      const bit = i64.const(format.sign);
      s.writeFd(i64.or(i64.and(a, i64.const(~format.sign)), i64.and(sign(a, b), bit)));
    }); // prettier-ignore

  const toInteger = (kind: number, name: string): InstructionSpec =>
    floatSpec(`fcvt.${name}.${suffix}`, extension, opFp(format, 0x18, 0, kind), MASK_FUNCT7_RS2, [RD, FRS1, ROUNDING], (s) => {
      const mode = s.roundingMode();
      const a = s.let(s.frs1);
      const x = s.let(format.wide(a));
      const value = s.let(f64.toI64(x));
      const exact = f64.eq(f64.fromI64(value), x);
      const inexact = all(i64.eq(mode, TOWARDS_ZERO), i32.wrap(flagsInexact(s)), f64.eq(x, x));
      const condition = all(format.boxed(a), isInteger[kind](value), i32.or(exact, inexact));
      const shortcut = { condition, value: kind < 2 ? i64.extend32S(value) : value };
      s.writeRd(s.computeUnless(shortcut, 'floatToInteger', a, mode, i64.const(kind), code));
    }); // prettier-ignore

  const fromInteger = (kind: number, name: string): InstructionSpec => {
    const signed = kind % 2 === 0;
    const always = kind < 2 && format.exactIntegers > 2n ** 32n;
    const convert = signed ? format.fromSigned : format.fromUnsigned;
    return floatSpec(`fcvt.${suffix}.${name}`, extension, opFp(format, 0x1a, 0, kind), MASK_FUNCT7_RS2, [FRD, RS1, always ? ROUNDING_EXACT : ROUNDING], (s) => {
      const mode = s.roundingMode();
      const x = s.let(widened[kind](s.rs1));
      if (always) {
        s.writeFd(convert(x));
        return;
      }
      const limit = i64.const(format.exactIntegers);
      const small = signed ? i64.ltU(i64.add(x, limit), i64.const(2n * format.exactIntegers)) : i64.ltU(x, limit);
      const shortcut = { condition: i32.or(small, nearest(s, mode)), value: convert(x) };
      s.writeFd(s.computeUnless(shortcut, 'integerToFloat', x, mode, i64.const(kind), code));
    }); // prettier-ignore
  };

  return [
    fused('fmadd', 0x43, 0),
    fused('fmsub', 0x47, 2),
    fused('fnmsub', 0x4b, 1),
    fused('fnmadd', 0x4f, 3),
    arithmetic('fadd', 0, 'floatAdd', 'add', true),
    arithmetic('fsub', 1, 'floatSubtract', 'sub', true),
    arithmetic('fmul', 2, 'floatMultiply', 'mul', false),
    arithmetic('fdiv', 3, 'floatDivide', 'div', false),
    floatSpec(`fsqrt.${suffix}`, extension, opFp(format, 0x0b), MASK_FUNCT7_RS2, [FRD, FRS1, ROUNDING], (s) => {
      const mode = s.roundingMode();
      const a = s.let(s.frs1);
      const value = s.let(format.sqrt(a));
      const condition = all(unflagged(s, mode, format.exact.sqrt(a, value)), format.boxed(a), format.plain(value));
      s.writeFd(s.computeUnless({ condition, value }, 'floatSquareRoot', a, mode, code));
    }), // prettier-ignore
    withSign('fsgnj', 0, (_, b) => b),
    withSign('fsgnjn', 1, (_, b) => i64.xor(b, i64.const(-1))),
    withSign('fsgnjx', 2, i64.xor),
    floatMinMax(format, extension, 'fmin', 0, 'min'),
    floatMinMax(format, extension, 'fmax', 1, 'max'),
    floatCompare(format, extension, 'fle', 0, 'le'),
    floatCompare(format, extension, 'flt', 1, 'lt'),
    floatCompare(format, extension, 'feq', 2, 'eq'),
    floatSpec(`fclass.${suffix}`, extension, opFp(format, 0x1c, 1), MASK_FUNCT7_RS2_FUNCT3, [RD, FRS1], (s) =>
      s.writeRd(s.compute('floatClass', s.frs1, code)),
    ),
    ...INTEGERS.map((name, kind) => toInteger(kind, name)),
    ...INTEGERS.map((name, kind) => fromInteger(kind, name)),
  ];
}

/** Names of the integer kinds. */
const INTEGERS = ['w', 'wu', 'l', 'lu'] as const;

/** Whether a number rounded towards zero to 64 signed bits, ends of the range left out, is one of the kind. */
const isInteger: readonly ((a: I64) => I32)[] = [
  (a) => i64.eq(i64.extend32S(a), a),
  (a) => i64.eqz(i64.shrU(a, i64.const(32))),
  (a) => i64.ltU(i64.add(a, i64.const((1n << 63n) - 1n)), i64.const(-2n)),
  (a) => i64.ltU(a, i64.const((1n << 63n) - 1n)),
];

/** An integer of the kind, from a register. */
const widened: readonly ((a: I64) => I64)[] = [
  i64.extend32S,
  (a) => i64.and(a, i64.const(0xffff_ffff)),
  (a) => a,
  (a) => a,
];

/** Neither is a NaN, and both are in their boxes. */
const ordered = (format: FloatFormat, a: I64, b: I64): I32 =>
  all(format.boxed(a), format.boxed(b), format.compare('eq', a, a), format.compare('eq', b, b));

/** The least or greatest of two. `funct3` says which, as the routine has it. */
export function floatMinMax(
  format: FloatFormat,
  extension: Extension,
  name: string,
  funct3: number,
  native: 'min' | 'max',
): InstructionSpec {
  return floatSpec(`${name}.${format.suffix}`, extension, opFp(format, 5, funct3), MASK_FUNCT7_FUNCT3, [FRD, FRS1, FRS2], (s) => {
    const a = s.let(s.frs1);
    const b = s.let(s.frs2);
    const shortcut = { condition: ordered(format, a, b), value: format.native(native, a, b) };
    s.writeFd(s.computeUnless(shortcut, 'floatMinMax', a, b, i64.const(funct3), i64.const(format.code)));
  }); // prettier-ignore
}

/** A comparison. `funct3` says which, and whether quiet NaNs are invalid, as the routine has it. */
export function floatCompare(
  format: FloatFormat,
  extension: Extension,
  name: string,
  funct3: number,
  relation: 'eq' | 'lt' | 'le',
): InstructionSpec {
  return floatSpec(`${name}.${format.suffix}`, extension, opFp(format, 0x14, funct3), MASK_FUNCT7_FUNCT3, [RD, FRS1, FRS2], (s) => {
    const a = s.let(s.frs1);
    const b = s.let(s.frs2);
    const shortcut = { condition: ordered(format, a, b), value: wide(format.compare(relation, a, b)) };
    s.writeRd(s.computeUnless(shortcut, 'floatCompare', a, b, i64.const(funct3), i64.const(format.code)));
  }); // prettier-ignore
}
