/**
 * What the integer instructions compute, written from the manual with bigints and nothing of the machine's own table.
 * Operands and results are unsigned 64-bit values.
 */

const MASK64 = (1n << 64n) - 1n;
const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);
const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);
const s32 = (v: bigint): bigint => BigInt.asIntN(32, v);
const u32 = (v: bigint): bigint => BigInt.asUintN(32, v);
const word = (v: bigint): bigint => u64(s32(v));
const bool = (v: boolean): bigint => (v ? 1n : 0n);

function divide(a: bigint, b: bigint, whenZero: bigint): bigint {
  return b === 0n ? whenZero : a / b;
}

function remainder(a: bigint, b: bigint): bigint {
  return b === 0n ? a : a % b;
}

/** Results of register-register operations, by name. Immediate forms give the immediate as the second operand. */
export const OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  add: (a, b) => u64(a + b),
  sub: (a, b) => u64(a - b),
  sll: (a, b) => u64(a << (b & 63n)),
  slt: (a, b) => bool(s64(a) < s64(b)),
  sltu: (a, b) => bool(a < b),
  xor: (a, b) => a ^ b,
  srl: (a, b) => a >> (b & 63n),
  sra: (a, b) => u64(s64(a) >> (b & 63n)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  addw: (a, b) => word(a + b),
  subw: (a, b) => word(a - b),
  sllw: (a, b) => word(a << (b & 31n)),
  srlw: (a, b) => word(u32(a) >> (b & 31n)),
  sraw: (a, b) => word(s32(a) >> (b & 31n)),
  mul: (a, b) => u64(a * b),
  mulh: (a, b) => u64((s64(a) * s64(b)) >> 64n),
  mulhsu: (a, b) => u64((s64(a) * b) >> 64n),
  mulhu: (a, b) => (a * b) >> 64n,
  div: (a, b) => u64(divide(s64(a), s64(b), -1n)),
  divu: (a, b) => divide(a, b, MASK64),
  rem: (a, b) => u64(remainder(s64(a), s64(b))),
  remu: (a, b) => remainder(a, b),
  mulw: (a, b) => word(a * b),
  divw: (a, b) => word(divide(s32(a), s32(b), -1n)),
  divuw: (a, b) => word(divide(u32(a), u32(b), 0xffff_ffffn)),
  remw: (a, b) => word(remainder(s32(a), s32(b))),
  remuw: (a, b) => word(remainder(u32(a), u32(b))),
};

/** Immediate instructions: the operation they are, and their immediates. */
export const IMMEDIATES: Readonly<Record<string, { readonly operation: string; readonly shift?: 32 | 64 }>> =
  {
    addi: { operation: 'add' },
    slti: { operation: 'slt' },
    sltiu: { operation: 'sltu' },
    xori: { operation: 'xor' },
    ori: { operation: 'or' },
    andi: { operation: 'and' },
    slli: { operation: 'sll', shift: 64 },
    srli: { operation: 'srl', shift: 64 },
    srai: { operation: 'sra', shift: 64 },
    addiw: { operation: 'addw' },
    slliw: { operation: 'sllw', shift: 32 },
    srliw: { operation: 'srlw', shift: 32 },
    sraiw: { operation: 'sraw', shift: 32 },
  };

export const BRANCHES: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  beq: (a, b) => a === b,
  bne: (a, b) => a !== b,
  blt: (a, b) => s64(a) < s64(b),
  bge: (a, b) => s64(a) >= s64(b),
  bltu: (a, b) => a < b,
  bgeu: (a, b) => a >= b,
};

/** What an atomic leaves in memory, of the old value and the operand, both taken as `bits` wide. */
export function atomicResult(name: string, old: bigint, operand: bigint, bits: 32 | 64): bigint {
  const a = BigInt.asUintN(bits, old);
  const b = BigInt.asUintN(bits, operand);
  const signedLess = BigInt.asIntN(bits, a) < BigInt.asIntN(bits, b);
  switch (name) {
    case 'amoswap':
      return b;
    case 'amoadd':
      return BigInt.asUintN(bits, a + b);
    case 'amoxor':
      return a ^ b;
    case 'amoand':
      return a & b;
    case 'amoor':
      return a | b;
    case 'amomin':
      return signedLess ? a : b;
    case 'amomax':
      return signedLess ? b : a;
    case 'amominu':
      return a < b ? a : b;
    case 'amomaxu':
      return a < b ? b : a;
    default:
      throw new Error(`no atomic ${name}`);
  }
}

/** Values that break things. */
export const CORNERS: readonly bigint[] = [
  0n, 1n, 2n, 3n, 31n, 32n, 33n, 63n, 64n, 0x7fn, 0x80n, 0x7ffn, 0xfffn, 0x7fff_ffffn, 0x8000_0000n, 0x8000_0001n,
  0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0x8000_0000_0000_0001n,
  0xffff_ffff_0000_0000n, 0xffff_ffff_7fff_ffffn, 0xffff_ffff_8000_0000n, 0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
]; // prettier-ignore
