/**
 * Random straight-line programs that end on every machine that is right, and record what they did.
 *
 * An image holds many cases. Each case has a block of memory: the registers it starts with, the registers it ends with, a
 * log of its traps, and a window that its loads and stores go to. Branches and jumps go forward only, to the beginning
 * of an instruction, so that every case comes to its end; a jump to nowhere is caught by the trap handler, which goes on
 * at the end of the case.
 */
import { assemble, disassemble } from '../../src/assembler/index.js';
import { insertField } from '../../src/isa/index.js';
import type { InstructionSpec, Operand } from '../../src/isa/index.js';
import { decode, INSTRUCTIONS } from '../../src/isa/index.js';

import { corners, RandomFloats } from '../isa/float-values.js';
import { DOUBLE, HALF, SINGLE } from '../model/float-model.js';

export const RAM_BASE = 0x8000_0000;

export const BLOCK_BYTES = 4096;
export const BLOCK_INITIAL = 0;
export const BLOCK_RESULT = 256;
export const BLOCK_TRAP_COUNT = 512;
export const BLOCK_TRAPS = 520;
export const TRAP_BYTES = 24;
export const MAX_TRAPS = 40;
/** After 40 traps of 24 bytes. */
const BLOCK_RECOVERY = 1480;
const BLOCK_SAVED = 1488;
export const BLOCK_WINDOW = 1536;
export const WINDOW_BYTES = 512;
/** f registers and fcsr that a case starts and ends with. */
const BLOCK_FLOAT = 2048;
export const BLOCK_FLOAT_RESULT = BLOCK_FLOAT + 256;
const BLOCK_FCSR = BLOCK_FLOAT + 512;
export const BLOCK_FCSR_RESULT = BLOCK_FCSR + 8;

/** Registers that point into the window, and are never written. x8 and x9 are in reach of compressed instructions. */
const WINDOW_REGISTERS = [2, 8, 9, 30] as const;
/** The one that is aligned, for load-reserved and store-conditional. */
const ALIGNED_REGISTER = 30;
/** Holds an address where nothing is. */
const WILD_REGISTER = 27;
const RESERVED = new Set<number>([...WINDOW_REGISTERS, WILD_REGISTER]);
const WRITABLE = Array.from({ length: 32 }, (_, register) => register).filter(
  (register) => !RESERVED.has(register),
);

const CORNERS = [
  0n, 1n, 2n, 3n, 7n, 8n, 31n, 32n, 63n, 64n, 0x7ffn, 0x800n, 0xfffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn,
  0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0x8000_0000_0000_0001n, 0xffff_ffff_8000_0000n,
  0xffff_ffff_7fff_ffffn, 0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_ffffn,
]; // prettier-ignore

const WILD_ADDRESSES = [
  0x200n,
  0x7ffn,
  0x0123_4567_89ab_cdefn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_f000n,
];

/** Registers that hold what is written to them, whatever the implementation: two of the supervisor, and those of fcsr. */
const STORAGE_CSRS = [0x140, 0x143, 1, 2, 3];

/** Would leave the case, wait for ever, or change a register that the cases need. */
const EXCLUDED = new Set(['mret', 'sret', 'wfi', 'c.addi16sp']);

/** 32 random bits a call; the same sequence for the same seed. */
export class Random {
  #state: number;

  readonly #floats: RandomFloats;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
    this.#floats = new RandomFloats(seed);
  }

  bits(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    // The plain sequence has visible structure in neighbouring outputs; a multiplication hides it.
    return Math.imul(this.#state, 0x9e37_79b1) >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.bits() / 2 ** 32) * limit);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** What an f register may hold: values of either format, in boxes and out of them. */
  float(): bigint {
    const format = this.pick([DOUBLE, SINGLE, HALF]);
    const bits = this.#floats.value(format, corners(format));
    const unboxed = this.chance(5) ? BigInt(this.bits()) << 32n : -1n;
    return format === DOUBLE ? bits : BigInt.asUintN(64, (unboxed << BigInt(format.width)) | bits);
  }

  value(): bigint {
    if (this.chance(50)) return this.pick(CORNERS);
    const wide = (BigInt(this.bits()) << 32n) | BigInt(this.bits());
    return this.chance(50) ? wide : BigInt.asUintN(64, BigInt.asIntN(32, wide));
  }
}

/** An instruction of a case; `target` is the number of the instruction it goes to. */
interface Piece {
  bits: number;
  readonly length: 2 | 4;
  /** Belongs to the instruction before it, so that nothing may jump to it. */
  readonly joined?: true;
  readonly target?: { readonly operand: Operand; readonly index: number; readonly from?: number };
}

export interface RandomCase {
  readonly initial: readonly bigint[];
  /** f registers, then fcsr. */
  readonly floats: readonly bigint[];
  readonly pieces: readonly Piece[];
  readonly window: Uint8Array;
}

const CONTROL = INSTRUCTIONS.filter(({ operands }) => operands.some(({ kind }) => kind === 'target'));
const CSR = INSTRUCTIONS.filter(({ extension }) => extension === 'Zicsr');
const INDIRECT = new Set(['jalr', 'c.jr', 'c.jalr']);
const MEMORY = INSTRUCTIONS.filter(({ name, syntax }) => syntax.includes('(') && !INDIRECT.has(name));
const CONDITIONAL = MEMORY.filter(({ name }) => /^(lr|sc)\./.test(name));
const ACCESS = MEMORY.filter((spec) => !CONDITIONAL.includes(spec));
const PLAIN = INSTRUCTIONS.filter(
  (spec) =>
    ![CONTROL, CSR, MEMORY].some((group) => group.includes(spec)) &&
    !INDIRECT.has(spec.name) &&
    !EXCLUDED.has(spec.name),
);
const named = (name: string): InstructionSpec => INSTRUCTIONS.find((spec) => spec.name === name)!;

/**
 * QEMU 10 declares its fround and froundnx free of side effects. Where nothing reads the result before it is overwritten it
 * leaves the whole instruction out, with its flags; so here the result is always stored.
 */
const ROUND = PLAIN.filter(({ name }) => /^fround/.test(name));

/** Builds cases. Adds to `counts` how often each instruction was generated. */
export class CaseGenerator {
  readonly counts: Map<string, number>;
  readonly #random: Random;

  constructor(random: Random, counts = new Map<string, number>()) {
    this.#random = random;
    this.counts = counts;
  }

  make(windowAddress: number, count: number): RandomCase {
    const random = this.#random;
    const initial = Array.from({ length: 32 }, () => random.value());
    initial[0] = 0n;
    for (const register of WINDOW_REGISTERS) {
      const place = register === ALIGNED_REGISTER ? 256 : 128 + random.below(256);
      initial[register] = BigInt(windowAddress + place);
    }
    initial[WILD_REGISTER] = random.pick(WILD_ADDRESSES);
    const pieces: Piece[] = [];
    while (pieces.length < count) this.#append(pieces, count);
    resolve(pieces);
    const window = Uint8Array.from({ length: WINDOW_BYTES }, () => random.bits() & 0xff);
    const floats = Array.from({ length: 32 }, () => random.float());
    // Mostly a rounding mode that there is, and often with the inexact flag set.
    const mode = random.chance(95) ? random.below(5) : random.below(8);
    floats.push(BigInt((mode << 5) | (random.chance(50) ? 1 : random.below(32))));
    return { initial, floats, pieces, window };
  }

  #append(pieces: Piece[], count: number): void {
    const random = this.#random;
    const kind = random.below(100);
    if (kind < 50) this.#appendPlain(pieces);
    else if (kind < 75) pieces.push(this.#encode(random.pick(ACCESS)));
    else if (kind < 80) this.#appendConditional(pieces);
    else if (kind < 90) pieces.push(this.#jump(random.pick(CONTROL), pieces.length, count));
    else if (kind < 93) this.#appendIndirect(pieces, count);
    else if (kind < 97) pieces.push(this.#encode(random.pick(CSR)));
    else pieces.push(this.#illegal());
  }

  #appendPlain(pieces: Piece[]): void {
    const spec = this.#random.pick(PLAIN);
    const piece = this.#encode(spec);
    pieces.push(piece);
    if (!ROUND.includes(spec)) return;
    const fixed = new Map([['rs2', (piece.bits >>> 7) & 31], ['rs1', ALIGNED_REGISTER]]); // prettier-ignore
    pieces.push({ ...this.#encode(named('fsd'), fixed), joined: true });
  }

  /** A reservation and its use, with nothing in between that could end it; or a use without a reservation. */
  #appendConditional(pieces: Piece[]): void {
    const suffix = this.#random.pick(['w', 'd']);
    const use = this.#encode(named(`sc.${suffix}`));
    if (this.#random.chance(25)) {
      pieces.push(use);
      return;
    }
    pieces.push(this.#encode(named(`lr.${suffix}`)));
    if (this.#random.chance(50)) pieces.push({ ...this.#encode(named('xor')), joined: true });
    pieces.push({ ...use, joined: true });
  }

  /** A jump relative to an `auipc`; or a jump to where nothing is. */
  #appendIndirect(pieces: Piece[], count: number): void {
    const random = this.#random;
    const jalr = named('jalr');
    if (random.chance(20)) {
      pieces.push(this.#encode(jalr, new Map([['rs1', 0]])));
      return;
    }
    const register = random.pick(WRITABLE.filter((candidate) => candidate !== 0));
    const from = pieces.length;
    const short = random.chance(50) ? named(random.pick(['c.jr', 'c.jalr'])) : undefined;
    const relative = short === undefined ? jalr : named('addi');
    const operand = relative.operands.find(({ name }) => name === 'imm')!;
    const fixed = new Map([['rs1', register], ['imm', 0]]); // prettier-ignore
    if (short !== undefined) fixed.set('rd', register);
    pieces.push(this.#encode(named('auipc'), new Map([['rd', register], ['imm', 0]]))); // prettier-ignore
    const index = this.#after(from + 2, count);
    pieces.push({ ...this.#encode(relative, fixed), joined: true, target: { operand, index, from } });
    if (short !== undefined)
      pieces.push({ ...this.#encode(short, new Map([['rs1', register]])), joined: true });
  }

  #jump(spec: InstructionSpec, index: number, count: number): Piece {
    const operand = spec.operands.find(({ kind }) => kind === 'target')!;
    const piece = this.#encode(spec, new Map([[operand.name, 0]]));
    return { ...piece, target: { operand, index: this.#after(index, count) } };
  }

  /** A few instructions on, so that most of the case runs. */
  #after(index: number, count: number): number {
    return Math.min(index + 1 + this.#random.below(4), count);
  }

  #illegal(): Piece {
    for (;;) {
      const bits = this.#random.bits();
      const short = (bits & 3) !== 3;
      const encoding = short ? bits & 0xffff : bits;
      // Encodings longer than 32 bits begin like this; how much of them a trap reports is not for this test.
      if ((bits & 0x1f) === 0x1f || decode(encoding) !== undefined) continue;
      this.#count('illegal');
      return { bits: encoding, length: short ? 2 : 4 };
    }
  }

  #encode(spec: InstructionSpec, fixed: ReadonlyMap<string, number> = new Map()): Piece {
    const isMemory = MEMORY.includes(spec);
    for (;;) {
      let bits = spec.match;
      for (const operand of spec.operands) {
        let encoded: number | undefined;
        while (encoded === undefined)
          encoded = insertField(
            operand.field,
            fixed.get(operand.name) ?? this.#operand(spec, operand, isMemory),
          );
        bits |= encoded;
      }
      bits >>>= 0;
      // What the constraints of a compressed instruction exclude is something else, or nothing.
      if (decode(bits) !== spec) continue;
      this.#count(spec.name);
      return { bits, length: spec.length };
    }
  }

  #operand(spec: InstructionSpec, operand: Operand, isMemory: boolean): number {
    const random = this.#random;
    if (operand.name === 'csr') return random.pick(STORAGE_CSRS);
    if (operand.kind === 'x') {
      if (operand.name === 'rd') return random.pick(WRITABLE);
      if (!isMemory || operand.name !== 'rs1') return random.below(32);
      if (CONDITIONAL.includes(spec)) return ALIGNED_REGISTER;
      // Outside RAM these raise access faults here, and do nothing on QEMU.
      if (spec.extension === 'Zicbom') return random.pick(WINDOW_REGISTERS);
      const base = random.pick([
        ...WINDOW_REGISTERS,
        ...WINDOW_REGISTERS,
        ...WINDOW_REGISTERS,
        WILD_REGISTER,
        0,
      ]);
      return base;
    }
    if (operand.kind === 'f') return random.below(32);
    const { bits, signed } = operand.field;
    const low = signed ? -(2 ** (bits - 1)) : 0;
    // Addresses stay inside the window, whose registers point at least 128 bytes from its ends.
    if (isMemory && operand.name === 'imm') return random.below(257) - 128;
    if (random.chance(30)) return random.pick([low, 0, 1, -1, low + 2 ** bits - 1]);
    const step = 2 ** Math.min(...operand.field.slices.map(({ to }) => to));
    return Math.floor((low + random.below(2 ** bits)) / step) * step;
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** Puts distances into jumps, now that every instruction has its place. */
function resolve(pieces: Piece[]): void {
  const offsets = [0];
  for (const { length } of pieces) offsets.push(offsets.at(-1)! + length);
  pieces.forEach((piece, index) => {
    if (piece.target === undefined) return;
    const { operand, index: wanted, from = index } = piece.target;
    let to = Math.min(wanted, pieces.length);
    while (pieces[to]?.joined === true) to++;
    const end = offsets[to];
    piece.bits = (piece.bits | insertField(operand.field, end - offsets[from])!) >>> 0;
  });
}

/** Saves and loads every register of a case; x31 is the pointer to the block, and comes last. */
const registerLines = (name: string, offset: number): string =>
  Array.from({ length: 30 }, (_, i) => `${name} x${i + 1}, ${offset + 8 * (i + 1)}(x31)`).join('\n');

const floatLines = (name: string, offset: number): string =>
  Array.from({ length: 32 }, (_, i) => `${name} f${i}, ${offset - BLOCK_FLOAT + 8 * i}(x30)`).join('\n');

/** x30 points to where the f registers are. */
const POINT_TO_FLOATS = `
  addi x30, x31, ${BLOCK_FLOAT / 2}
  addi x30, x30, ${BLOCK_FLOAT / 2}`;

const PROLOGUE = `
  csrr x31, mscratch
  ${POINT_TO_FLOATS}
  ${floatLines('fld', BLOCK_FLOAT)}
  ld x1, ${BLOCK_FCSR - BLOCK_FLOAT}(x30)
  fscsr x1
  ${registerLines('ld', BLOCK_INITIAL)}
  ld x31, ${BLOCK_INITIAL + 248}(x31)`;

const EPILOGUE = `
  csrrw x31, mscratch, x31
  ${registerLines('sd', BLOCK_RESULT)}
  csrr x1, mscratch
  sd x1, ${BLOCK_RESULT + 248}(x31)
  ${POINT_TO_FLOATS}
  ${floatLines('fsd', BLOCK_FLOAT_RESULT)}
  frcsr x1
  sd x1, ${BLOCK_FCSR_RESULT - BLOCK_FLOAT}(x30)
  li x1, ${BLOCK_BYTES}
  add x31, x31, x1
  csrw mscratch, x31`;

const RUNTIME = `
  # The first page may be overwritten by cases that use 0x80000000 as an address.
  j start
  .org 4096
  .balign 4
handler:
  csrrw x31, mscratch, x31
  sd x1, ${BLOCK_SAVED}(x31)
  sd x2, ${BLOCK_SAVED + 8}(x31)
  sd x3, ${BLOCK_SAVED + 16}(x31)
  ld x1, ${BLOCK_TRAP_COUNT}(x31)
  li x2, ${MAX_TRAPS}
  bgeu x1, x2, give_up
  addi x2, x1, 1
  sd x2, ${BLOCK_TRAP_COUNT}(x31)
  li x2, ${TRAP_BYTES}
  mul x2, x2, x1
  add x2, x2, x31
  csrr x1, mcause
  sd x1, ${BLOCK_TRAPS}(x2)
  csrr x3, mtval
  sd x3, ${BLOCK_TRAPS + 8}(x2)
  csrr x3, mepc
  sd x3, ${BLOCK_TRAPS + 16}(x2)
  addi x1, x1, -1
  beqz x1, give_up
  lhu x2, 0(x3)
  andi x2, x2, 3
  addi x2, x2, -3
  addi x3, x3, 2
  bnez x2, 1f
  addi x3, x3, 2
1:
  csrw mepc, x3
2:
  ld x1, ${BLOCK_SAVED}(x31)
  ld x2, ${BLOCK_SAVED + 8}(x31)
  ld x3, ${BLOCK_SAVED + 16}(x31)
  csrrw x31, mscratch, x31
  mret
give_up:
  ld x3, ${BLOCK_RECOVERY}(x31)
  csrw mepc, x3
  j 2b
start:
  li t0, BLOCKS
  csrw mscratch, t0
  # Floating point is off after reset.
  li t0, 0x6000
  csrs mstatus, t0
  la t0, handler
  # Where there is physical memory protection, it denies other modes everything until an entry allows it.
  la t1, 1f
  csrw mtvec, t1
  li t1, -1
  csrw pmpaddr0, t1
  li t1, 0x1f
  csrw pmpcfg0, t1
  .balign 4
1:
  csrw mtvec, t0`;

const FINISH = `
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b`;

/** Where the blocks begin, from the start of RAM; code has to end before. */
const BLOCKS_OFFSET = 0x40_0000;

export interface RandomImage {
  readonly image: Uint8Array;
  readonly cases: readonly RandomCase[];
  /** Offset in RAM of the first case's block. */
  readonly blocks: number;
  /** Address of the first instruction of each case. */
  readonly starts: readonly number[];
  readonly ramBytes: number;
}

/** An image with this many cases of this many instructions. */
export function makeImage(generator: CaseGenerator, caseCount: number, instructions: number): RandomImage {
  const code: Uint8Array[] = [];
  let offset = 0;
  const append = (bytes: Uint8Array): void => {
    code.push(bytes);
    offset += bytes.length;
  };
  const prologue = assemble(PROLOGUE).bytes;
  const epilogue = assemble(EPILOGUE).bytes;
  append(assemble(RUNTIME, { origin: RAM_BASE, symbols: { BLOCKS: RAM_BASE + BLOCKS_OFFSET } }).bytes);

  const ramBytes = Math.ceil((BLOCKS_OFFSET + caseCount * BLOCK_BYTES) / 2 ** 20 + 1) * 2 ** 20;
  const image = new Uint8Array(BLOCKS_OFFSET + caseCount * BLOCK_BYTES);
  const view = new DataView(image.buffer);
  const cases: RandomCase[] = [];
  const starts: number[] = [];
  for (let index = 0; index < caseCount; index++) {
    const block = BLOCKS_OFFSET + index * BLOCK_BYTES;
    const made = generator.make(RAM_BASE + block + BLOCK_WINDOW, instructions);
    cases.push(made);
    append(prologue);
    starts.push(RAM_BASE + offset);
    append(encodePieces(made.pieces));
    made.initial.forEach((value, register) => view.setBigUint64(block + 8 * register, value, true));
    made.floats.forEach((value, index) =>
      view.setBigUint64(block + (index === 32 ? BLOCK_FCSR : BLOCK_FLOAT + 8 * index), value, true),
    );
    view.setBigUint64(block + BLOCK_RECOVERY, BigInt(RAM_BASE + offset), true);
    image.set(made.window, block + BLOCK_WINDOW);
    append(epilogue);
  }
  append(assemble(FINISH).bytes);
  if (offset > BLOCKS_OFFSET) throw new Error('the code does not fit before the blocks');
  let at = 0;
  for (const bytes of code) {
    image.set(bytes, at);
    at += bytes.length;
  }
  return { image, cases, blocks: BLOCKS_OFFSET, starts, ramBytes };
}

function encodePieces(pieces: readonly Piece[]): Uint8Array {
  const bytes: number[] = [];
  for (const { bits, length } of pieces) {
    for (let i = 0; i < length; i++) bytes.push((bits >>> (8 * i)) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** A case as text, to be read when two machines disagree. */
export function listCase(made: RandomCase, start: number): string {
  let pc = start;
  return made.pieces
    .map(({ bits, length }) => {
      const line = `${pc.toString(16)}: ${disassemble(bits, pc).text}`;
      pc += length;
      return line;
    })
    .join('\n');
}
