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

/** Bit by bit, as the manual's pseudocode defines these. */
const bits = (v: bigint, width = 64): bigint[] =>
  Array.from({ length: width }, (_, i) => (v >> BigInt(i)) & 1n);
const fromBits = (list: readonly bigint[]): bigint => list.reduceRight((sum, bit) => sum * 2n + bit, 0n);
const bytes = (v: bigint): bigint[] => Array.from({ length: 8 }, (_, i) => (v >> BigInt(8 * i)) & 255n);
const fromBytes = (list: readonly bigint[]): bigint => list.reduceRight((sum, byte) => sum * 256n + byte, 0n);
const firstOne = (list: readonly bigint[]): bigint => {
  const found = list.indexOf(1n);
  return BigInt(found < 0 ? list.length : found);
};
const rotateLeft = (v: bigint, count: bigint, width: number): bigint => {
  const list = bits(v, width);
  const by = Number(count % BigInt(width));
  return fromBits([...list.slice(width - by), ...list.slice(0, width - by)]);
};
const rotateRight = (v: bigint, count: bigint, width: number): bigint =>
  rotateLeft(v, BigInt(width) - (count % BigInt(width)), width);
const carryLess = (a: bigint, b: bigint): bigint =>
  bits(b).reduce((sum, bit, i) => (bit ? sum ^ (a << BigInt(i)) : sum), 0n);

/** Results of operations on one register, by name. */
export const UNARY: Readonly<Record<string, (a: bigint) => bigint>> = {
  clz: (a) => firstOne(bits(a).reverse()),
  ctz: (a) => firstOne(bits(a)),
  cpop: (a) => bits(a).reduce((x, y) => x + y),
  clzw: (a) => firstOne(bits(a, 32).reverse()),
  ctzw: (a) => firstOne(bits(a, 32)),
  cpopw: (a) => bits(a, 32).reduce((x, y) => x + y),
  'sext.b': (a) => u64(BigInt.asIntN(8, a)),
  'sext.h': (a) => u64(BigInt.asIntN(16, a)),
  'zext.h': (a) => BigInt.asUintN(16, a),
  'orc.b': (a) => fromBytes(bytes(a).map((byte) => (byte === 0n ? 0n : 255n))),
  rev8: (a) => fromBytes(bytes(a).reverse()),
};

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
  'czero.eqz': (a, b) => (b === 0n ? 0n : a),
  'czero.nez': (a, b) => (b !== 0n ? 0n : a),
  sh1add: (a, b) => u64(a * 2n + b),
  sh2add: (a, b) => u64(a * 4n + b),
  sh3add: (a, b) => u64(a * 8n + b),
  'add.uw': (a, b) => u64(u32(a) + b),
  'sh1add.uw': (a, b) => u64(u32(a) * 2n + b),
  'sh2add.uw': (a, b) => u64(u32(a) * 4n + b),
  'sh3add.uw': (a, b) => u64(u32(a) * 8n + b),
  'sll.uw': (a, b) => u64(u32(a) << (b & 63n)),
  andn: (a, b) => a & (MASK64 - b),
  orn: (a, b) => a | (MASK64 - b),
  xnor: (a, b) => MASK64 - (a ^ b),
  max: (a, b) => (s64(a) > s64(b) ? a : b),
  maxu: (a, b) => (a > b ? a : b),
  min: (a, b) => (s64(a) < s64(b) ? a : b),
  minu: (a, b) => (a < b ? a : b),
  rol: (a, b) => rotateLeft(a, b & 63n, 64),
  ror: (a, b) => rotateRight(a, b & 63n, 64),
  rolw: (a, b) => word(rotateLeft(u32(a), b & 31n, 32)),
  rorw: (a, b) => word(rotateRight(u32(a), b & 31n, 32)),
  clmul: (a, b) => u64(carryLess(a, b)),
  clmulh: (a, b) => carryLess(a, b) >> 64n,
  clmulr: (a, b) => u64(carryLess(a, b) >> 63n),
  bclr: (a, b) => fromBits(bits(a).map((bit, i) => (BigInt(i) === (b & 63n) ? 0n : bit))),
  bset: (a, b) => fromBits(bits(a).map((bit, i) => (BigInt(i) === (b & 63n) ? 1n : bit))),
  binv: (a, b) => fromBits(bits(a).map((bit, i) => (BigInt(i) === (b & 63n) ? 1n - bit : bit))),
  bext: (a, b) => bits(a)[Number(b & 63n)],
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
    'slli.uw': { operation: 'sll.uw', shift: 64 },
    rori: { operation: 'ror', shift: 64 },
    roriw: { operation: 'rorw', shift: 32 },
    bclri: { operation: 'bclr', shift: 64 },
    bexti: { operation: 'bext', shift: 64 },
    binvi: { operation: 'binv', shift: 64 },
    bseti: { operation: 'bset', shift: 64 },
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
