/**
 * Expressions of the language in which instructions say what they do: pure values over integers and floating-point numbers.
 *
 * The operations are WebAssembly's of the same names.
 */

/** Widths that expressions have. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64';

/** What an instruction and its encoding give: all i64; registers and fcsr are read when evaluated. */
export type OperandValueName =
  | 'rs1'
  | 'rs2'
  | 'frs1'
  | 'frs2'
  | 'frs3'
  | 'fcsr'
  | 'imm'
  | 'pc'
  | 'nextPc'
  | 'bits'
  | 'csr'
  | 'rs1Index'
  | 'rdIndex';

/** An expression of type T. */
export type Value<T extends ValueType = ValueType> = { readonly type: T } & (
  | { readonly kind: 'const'; readonly value: bigint }
  | { readonly kind: 'operand'; readonly name: OperandValueName }
  | { readonly kind: 'local'; readonly index: number }
  | { readonly kind: 'op'; readonly op: string; readonly args: readonly Value[] }
  | {
      readonly kind: 'choose';
      readonly condition: Value<'i32'>;
      readonly then: Value<T>;
      readonly otherwise: Value<T>;
    }
);
/** A 32-bit integer. */
export type I32 = Value<'i32'>;
/** A 64-bit integer: what a register holds. */
export type I64 = Value<'i64'>;
/** A single. */
export type F32 = Value<'f32'>;
/** A double. */
export type F64 = Value<'f64'>;

const constant = <T extends ValueType>(type: T, value: bigint | number): Value<T> => ({
  type,
  kind: 'const',
  value: BigInt(value),
});
const op = <T extends ValueType>(type: T, name: string, ...args: readonly Value[]): Value<T> => ({
  type,
  kind: 'op',
  op: name,
  args,
});
/** WebAssembly's operations of a type, by the part of their names behind it. */
const operations = <T extends ValueType>(type: T) => ({
  unary:
    (name: string) =>
    (a: Value<T>): Value<T> =>
      op(type, `${type}.${name}`, a),
  binary:
    (name: string) =>
    (a: Value<T>, b: Value<T>): Value<T> =>
      op(type, `${type}.${name}`, a, b),
  compare:
    (name: string) =>
    (a: Value<T>, b: Value<T>): I32 =>
      op('i32', `${type}.${name}`, a, b),
});
/** What integers of both widths have alike. */
const integer = <T extends 'i32' | 'i64'>(type: T) => {
  const { unary, binary, compare } = operations(type);
  return {
    const: (value: bigint | number): Value<T> => constant(type, value),
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    divS: binary('div_s'),
    divU: binary('div_u'),
    remS: binary('rem_s'),
    remU: binary('rem_u'),
    and: binary('and'),
    or: binary('or'),
    xor: binary('xor'),
    shl: binary('shl'),
    shrS: binary('shr_s'),
    shrU: binary('shr_u'),
    rotl: binary('rotl'),
    rotr: binary('rotr'),
    clz: unary('clz'),
    ctz: unary('ctz'),
    popcnt: unary('popcnt'),
    eq: compare('eq'),
    ne: compare('ne'),
    ltS: compare('lt_s'),
    ltU: compare('lt_u'),
    geS: compare('ge_s'),
    geU: compare('ge_u'),
    eqz: (a: Value<T>): I32 => op('i32', `${type}.eqz`, a),
    /** One of two values, of which only that one is evaluated. */
    choose: (condition: I32, then: Value<T>, otherwise: Value<T>): Value<T> => ({
      type,
      kind: 'choose',
      condition,
      then,
      otherwise,
    }),
  };
};

/** 64-bit integer expressions; the operations are WebAssembly's of the same names. */
export const i64 = {
  ...integer('i64'),
  extend8S: (a: I64): I64 => op('i64', 'i64.extend8_s', a),
  extend16S: (a: I64): I64 => op('i64', 'i64.extend16_s', a),
  extend32S: (a: I64): I64 => op('i64', 'i64.extend32_s', a),
  /** Zero-extended. */
  extendU: (a: I32): I64 => op('i64', 'i64.extend_i32_u', a),
  /** Sign-extended. */
  extendS: (a: I32): I64 => op('i64', 'i64.extend_i32_s', a),
};

/** 32-bit integer expressions. */
export const i32 = { ...integer('i32'), wrap: (a: I64): I32 => op('i32', 'i32.wrap_i64', a) };

const floating = <T extends 'f32' | 'f64'>(
  type: T,
): {
  readonly [name in 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max']: (a: Value<T>, b: Value<T>) => Value<T>;
} & { readonly [name in 'eq' | 'lt' | 'le']: (a: Value<T>, b: Value<T>) => I32 } & {
  readonly sqrt: (a: Value<T>) => Value<T>;
  readonly abs: (a: Value<T>) => Value<T>;
  readonly neg: (a: Value<T>) => Value<T>;
  readonly fromI64: (a: I64) => Value<T>;
  readonly fromU64: (a: I64) => Value<T>;
} => {
  const { unary, binary, compare } = operations(type);
  return {
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    div: binary('div'),
    min: binary('min'),
    max: binary('max'),
    eq: compare('eq'),
    lt: compare('lt'),
    le: compare('le'),
    sqrt: unary('sqrt'),
    abs: unary('abs'),
    neg: unary('neg'),
    fromI64: (a) => op(type, `${type}.convert_i64_s`, a),
    fromU64: (a) => op(type, `${type}.convert_i64_u`, a),
  };
};

/**
 * Double-precision expressions: WebAssembly's, which round to nearest, raise nothing, and do not say which NaN they
 * give. A description uses them where that is enough.
 */
export const f64 = {
  ...floating('f64'),
  reinterpret: (a: I64): F64 => op('f64', 'f64.reinterpret_i64', a),
  bits: (a: F64): I64 => op('i64', 'i64.reinterpret_f64', a),
  promote: (a: F32): F64 => op('f64', 'f64.promote_f32', a),
  /** Towards zero; the nearest integer there is where there is none, 0 for a NaN. */
  toI64: (a: F64): I64 => op('i64', 'i64.trunc_sat_f64_s', a),
};

/** Single-precision expressions, as {@link f64}. */
export const f32 = {
  ...floating('f32'),
  reinterpret: (a: I32): F32 => op('f32', 'f32.reinterpret_i32', a),
  bits: (a: F32): I32 => op('i32', 'i32.reinterpret_f32', a),
  demote: (a: F64): F32 => op('f32', 'f32.demote_f64', a),
};
