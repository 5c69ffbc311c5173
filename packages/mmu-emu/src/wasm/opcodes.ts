/**
 * Opcodes of the WebAssembly instructions in use, by their names in the text format.
 *
 * @see WebAssembly Core Specification, "Binary Format", "Instructions"
 */

/** Instructions without immediates. */
export const NUMERIC_OPCODES: Readonly<Record<string, number>> = {
  unreachable: 0x00,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_s': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.gt_u': 0x4b,
  'i32.le_s': 0x4c,
  'i32.le_u': 0x4d,
  'i32.ge_s': 0x4e,
  'i32.ge_u': 0x4f,
  'i64.eqz': 0x50,
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.lt_s': 0x53,
  'i64.lt_u': 0x54,
  'i64.gt_s': 0x55,
  'i64.gt_u': 0x56,
  'i64.le_s': 0x57,
  'i64.le_u': 0x58,
  'i64.ge_s': 0x59,
  'i64.ge_u': 0x5a,
  'i32.clz': 0x67,
  'i32.ctz': 0x68,
  'i32.popcnt': 0x69,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.div_s': 0x6d,
  'i32.div_u': 0x6e,
  'i32.rem_s': 0x6f,
  'i32.rem_u': 0x70,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_s': 0x75,
  'i32.shr_u': 0x76,
  'i32.rotl': 0x77,
  'i32.rotr': 0x78,
  'i64.clz': 0x79,
  'i64.ctz': 0x7a,
  'i64.popcnt': 0x7b,
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.div_s': 0x7f,
  'i64.div_u': 0x80,
  'i64.rem_s': 0x81,
  'i64.rem_u': 0x82,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.xor': 0x85,
  'i64.shl': 0x86,
  'i64.shr_s': 0x87,
  'i64.shr_u': 0x88,
  'i64.rotl': 0x89,
  'i64.rotr': 0x8a,
  'f64.add': 0xa0,
  'i32.wrap_i64': 0xa7,
  'i64.extend_i32_s': 0xac,
  'i64.extend_i32_u': 0xad,
  'i64.reinterpret_f64': 0xbd,
  'f64.reinterpret_i64': 0xbf,
  'i64.extend8_s': 0xc2,
  'i64.extend16_s': 0xc3,
  'i64.extend32_s': 0xc4,
};

/** Loads and stores: opcode, and log2 of the width as the alignment hint of an aligned access. */
export const MEMORY_OPCODES: Readonly<Record<string, { readonly opcode: number; readonly align: number }>> = {
  'i32.load': { opcode: 0x28, align: 2 },
  'i64.load': { opcode: 0x29, align: 3 },
  'i32.load8_u': { opcode: 0x2d, align: 0 },
  'i32.load16_u': { opcode: 0x2f, align: 1 },
  'i64.load8_s': { opcode: 0x30, align: 0 },
  'i64.load8_u': { opcode: 0x31, align: 0 },
  'i64.load16_s': { opcode: 0x32, align: 1 },
  'i64.load16_u': { opcode: 0x33, align: 1 },
  'i64.load32_s': { opcode: 0x34, align: 2 },
  'i64.load32_u': { opcode: 0x35, align: 2 },
  'i32.store': { opcode: 0x36, align: 2 },
  'i64.store': { opcode: 0x37, align: 3 },
  'i32.store8': { opcode: 0x3a, align: 0 },
  'i32.store16': { opcode: 0x3b, align: 1 },
  'i64.store8': { opcode: 0x3c, align: 0 },
  'i64.store16': { opcode: 0x3d, align: 1 },
  'i64.store32': { opcode: 0x3e, align: 2 },
};

/** Loads of 1, 2, 4 or 8 bytes as an i64, by width and by whether they are sign-extended. */
export const LOAD_NAMES: Readonly<Record<string, string>> = {
  '1s': 'i64.load8_s',
  '1u': 'i64.load8_u',
  '2s': 'i64.load16_s',
  '2u': 'i64.load16_u',
  '4s': 'i64.load32_s',
  '4u': 'i64.load32_u',
  '8s': 'i64.load',
  '8u': 'i64.load',
};

/** Stores of the low bytes of an i64, by width. */
export const STORE_NAMES = { 1: 'i64.store8', 2: 'i64.store16', 4: 'i64.store32', 8: 'i64.store' } as const;

/** Types of values. */
export const VALUE_TYPES = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const;
/** The types in use. */
export type WasmType = keyof typeof VALUE_TYPES;
