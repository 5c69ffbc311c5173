/**
 * The language in which instructions say what they do.
 *
 * A description is data: expressions over 32-bit and 64-bit integers, singles and doubles, and statements with effects. Building
 * one runs no guest code and reads no machine; an engine lowers it. docs/SEMANTICS.md shows how.
 *
 * Expressions are pure and may be evaluated any number of times, so a value used twice is bound by `let`. Arithmetic
 * wraps. Shift counts are taken modulo the width. Division and remainder by zero, and the quotient that overflows, have
 * no meaning here: a description keeps them out with `choose`, which evaluates one side only.
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

/** Bytes an access moves. */
export type MemoryWidth = 1 | 2 | 4 | 8;

/** Slow operations, see {@link HELPERS}. */
export type HelperName = 'csrAccess' | 'mret' | 'sret' | 'wfi' | 'sfenceVma' | 'orderInvalidation' | 'fenceI';

/** What an engine must know about a helper before it can call one in the middle of a region. */
export interface HelperEffects {
  /** Reads or writes state other than the arguments: instret, pc and memory must be current. */
  readonly readsState: boolean;
  /** May raise a trap instead of completing. */
  readonly mayTrap: boolean;
  /** May change the next pc, the privilege, or how addresses translate: the instruction ends a block. */
  readonly endsBlock: boolean;
}

/** The slow operations that descriptions may name. Each takes i64 arguments and may give one i64. */
export const HELPERS: Readonly<
  Record<
    HelperName,
    { readonly parameters: number; readonly result: boolean; readonly effects: HelperEffects }
  >
> = {
  /** (csr number, kind: bit 0 write, bit 1 set, bit 2 clear, bit 3 read; operand) gives the old value. */
  csrAccess: { parameters: 3, result: true, effects: { readsState: true, mayTrap: true, endsBlock: true } },
  mret: { parameters: 0, result: false, effects: { readsState: true, mayTrap: true, endsBlock: true } },
  sret: { parameters: 0, result: false, effects: { readsState: true, mayTrap: true, endsBlock: true } },
  wfi: { parameters: 0, result: false, effects: { readsState: true, mayTrap: true, endsBlock: true } },
  /** (flags: bit 0 an address is given, bit 1 an ASID is given; address; ASID) */
  sfenceVma: { parameters: 3, result: false, effects: { readsState: true, mayTrap: true, endsBlock: true } },
  /** Illegal in user mode, otherwise nothing. */
  orderInvalidation: {
    parameters: 0,
    result: false,
    effects: { readsState: true, mayTrap: true, endsBlock: true },
  },
  fenceI: { parameters: 0, result: false, effects: { readsState: false, mayTrap: false, endsBlock: true } },
};

/** Computations too long to be written out where they are used; see {@link ROUTINES}. */
export type RoutineName =
  | 'clmul'
  | 'clmulh'
  | 'floatAdd'
  | 'floatSubtract'
  | 'floatMultiply'
  | 'floatDivide'
  | 'floatSquareRoot'
  | 'floatMultiplyAdd'
  | 'floatCompare'
  | 'floatMinMax'
  | 'floatClass'
  | 'floatRound'
  | 'floatToInteger'
  | 'floatToIntegerModular'
  | 'integerToFloat'
  | 'floatConvert';

/** What an engine must know about a routine. */
export interface RoutineSpec {
  readonly parameters: number;
  /** May set bits of fflags in fcsr, which makes mstatus.FS Dirty. Those that do take rounding modes from 0 to 4, never the dynamic one. */
  readonly setsFlags: boolean;
}

const exact = (parameters: number): RoutineSpec => ({ parameters, setsFlags: false });
const flagged = (parameters: number): RoutineSpec => ({ parameters, setsFlags: true });

/**
 * Routines that descriptions may name: WebAssembly functions that every engine calls alike. Each takes the hart and this
 * many i64 arguments and gives one i64. They never trap and touch neither registers nor guest memory; fflags only if
 * they say so.
 *
 * Floating-point values are what f registers hold, boxes included, `format` is FORMAT_SINGLE, FORMAT_DOUBLE or FORMAT_HALF,
 * and an integer kind is 0 to 3 for w, wu, l, lu.
 */
export const ROUTINES: Readonly<Record<RoutineName, RoutineSpec>> = {
  /** Low and high half of the carry-less product. */
  clmul: exact(2),
  clmulh: exact(2),
  /** (a, b, mode, format) */
  floatAdd: flagged(4),
  floatSubtract: flagged(4),
  floatMultiply: flagged(4),
  floatDivide: flagged(4),
  /** (a, mode, format) */
  floatSquareRoot: flagged(3),
  /** (a, b, c, mode, format, negations: bit 0 of the product, bit 1 of c) */
  floatMultiplyAdd: flagged(6),
  /** (a, b, relation: 0 le, 1 lt, 2 eq, 4 le and 5 lt without a complaint about quiet NaNs; format) gives 0 or 1. */
  floatCompare: flagged(4),
  /** (a, b, which: 0 least, 1 greatest; 2 and 3 the same, and a NaN if an operand is one; format) */
  floatMinMax: flagged(4),
  /** (a, format) gives the mask of fclass. */
  floatClass: exact(2),
  /** (a, mode, whether inexactness is told, format): rounded to a whole number. */
  floatRound: flagged(4),
  /** (a, mode, integer kind, format) */
  floatToInteger: flagged(4),
  /** (a): the low 32 bits of a double rounded towards zero, sign-extended. */
  floatToIntegerModular: flagged(1),
  /** (integer, mode, integer kind, format) */
  integerToFloat: flagged(4),
  /** (a, mode, its format, format) */
  floatConvert: flagged(4),
};

/** What is done to the cache block of an address: discard, write back, both, or fill with zeros. */
export type CacheBlockOperation = 'inval' | 'clean' | 'flush' | 'zero';

/** Formats, as the fmt field has them. */
export const FORMAT_SINGLE = 0;
export const FORMAT_DOUBLE = 1;
export const FORMAT_HALF = 2;

/**
 * The result of a routine where it needs no routine: if the condition is not zero, the routine would give this value and
 * set no flag that is not set already.
 */
export interface Shortcut {
  readonly condition: I32;
  readonly value: I64;
}

/** Statements, in order. */
export type Statement =
  | { readonly kind: 'let'; readonly local: number; readonly value: Value }
  | { readonly kind: 'writeRd'; readonly value: I64 }
  | { readonly kind: 'writeFd'; readonly value: I64 }
  | { readonly kind: 'requireFloat' }
  | { readonly kind: 'roundingMode'; readonly local: number }
  | {
      readonly kind: 'load';
      readonly local: number;
      readonly address: I64;
      readonly width: MemoryWidth;
      readonly signed: boolean;
      readonly reserve: boolean;
    }
  | { readonly kind: 'store'; readonly address: I64; readonly width: MemoryWidth; readonly value: I64 }
  | {
      readonly kind: 'storeConditional';
      readonly local: number;
      readonly address: I64;
      readonly width: 4 | 8;
      readonly value: I64;
    }
  | {
      readonly kind: 'atomic';
      readonly local: number;
      readonly address: I64;
      readonly width: 4 | 8;
      readonly replacement: I64;
    }
  | {
      readonly kind: 'compute';
      readonly local: number;
      readonly routine: RoutineName;
      readonly args: readonly I64[];
      readonly shortcut: Shortcut | undefined;
    }
  | { readonly kind: 'cacheBlock'; readonly operation: CacheBlockOperation; readonly address: I64 }
  | { readonly kind: 'branch'; readonly condition: I32 }
  | { readonly kind: 'jump'; readonly target: I64 }
  | { readonly kind: 'jumpRelative' }
  | { readonly kind: 'trap'; readonly cause: I64; readonly tval: I64 }
  | {
      readonly kind: 'helper';
      readonly helper: HelperName;
      readonly args: readonly I64[];
      readonly local: number | undefined;
    };

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
const binary64 =
  (name: string) =>
  (a: I64, b: I64): I64 =>
    op('i64', `i64.${name}`, a, b);
const compare64 =
  (name: string) =>
  (a: I64, b: I64): I32 =>
    op('i32', `i64.${name}`, a, b);
const unary64 =
  (name: string) =>
  (a: I64): I64 =>
    op('i64', `i64.${name}`, a);
const unary32 =
  (name: string) =>
  (a: I32): I32 =>
    op('i32', `i32.${name}`, a);
const binary32 =
  (name: string) =>
  (a: I32, b: I32): I32 =>
    op('i32', `i32.${name}`, a, b);

/** 64-bit integer expressions; the operations are WebAssembly's of the same names. */
export const i64 = {
  const: (value: bigint | number): I64 => constant('i64', value),
  add: binary64('add'),
  sub: binary64('sub'),
  mul: binary64('mul'),
  divS: binary64('div_s'),
  divU: binary64('div_u'),
  remS: binary64('rem_s'),
  remU: binary64('rem_u'),
  and: binary64('and'),
  or: binary64('or'),
  xor: binary64('xor'),
  shl: binary64('shl'),
  shrS: binary64('shr_s'),
  shrU: binary64('shr_u'),
  rotl: binary64('rotl'),
  rotr: binary64('rotr'),
  clz: unary64('clz'),
  ctz: unary64('ctz'),
  popcnt: unary64('popcnt'),
  eq: compare64('eq'),
  ne: compare64('ne'),
  ltS: compare64('lt_s'),
  ltU: compare64('lt_u'),
  geS: compare64('ge_s'),
  geU: compare64('ge_u'),
  eqz: (a: I64): I32 => op('i32', 'i64.eqz', a),
  extend8S: unary64('extend8_s'),
  extend16S: unary64('extend16_s'),
  extend32S: unary64('extend32_s'),
  /** Zero-extended. */
  extendU: (a: I32): I64 => op('i64', 'i64.extend_i32_u', a),
  /** Sign-extended. */
  extendS: (a: I32): I64 => op('i64', 'i64.extend_i32_s', a),
  choose: (condition: I32, then: I64, otherwise: I64): I64 => ({
    type: 'i64',
    kind: 'choose',
    condition,
    then,
    otherwise,
  }),
};

/** 32-bit integer expressions. */
export const i32 = {
  const: (value: number): I32 => constant('i32', value),
  wrap: (a: I64): I32 => op('i32', 'i32.wrap_i64', a),
  add: binary32('add'),
  sub: binary32('sub'),
  mul: binary32('mul'),
  divS: binary32('div_s'),
  divU: binary32('div_u'),
  remS: binary32('rem_s'),
  remU: binary32('rem_u'),
  and: binary32('and'),
  or: binary32('or'),
  shl: binary32('shl'),
  shrS: binary32('shr_s'),
  shrU: binary32('shr_u'),
  rotl: binary32('rotl'),
  rotr: binary32('rotr'),
  clz: unary32('clz'),
  ctz: unary32('ctz'),
  popcnt: unary32('popcnt'),
  eq: binary32('eq'),
  ltU: binary32('lt_u'),
  geU: binary32('ge_u'),
  xor: binary32('xor'),
  eqz: (a: I32): I32 => op('i32', 'i32.eqz', a),
  choose: (condition: I32, then: I32, otherwise: I32): I32 => ({
    type: 'i32',
    kind: 'choose',
    condition,
    then,
    otherwise,
  }),
};

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
  const binary =
    (name: string) =>
    (a: Value<T>, b: Value<T>): Value<T> =>
      op(type, `${type}.${name}`, a, b);
  const compare =
    (name: string) =>
    (a: Value<T>, b: Value<T>): I32 =>
      op('i32', `${type}.${name}`, a, b);
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
    sqrt: (a) => op(type, `${type}.sqrt`, a),
    abs: (a) => op(type, `${type}.abs`, a),
    neg: (a) => op(type, `${type}.neg`, a),
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

const operand = (name: OperandValueName): I64 => ({ type: 'i64', kind: 'operand', name });

/**
 * Records what an instruction does. Statements take effect in order; a trap, at whichever statement it arises, leaves
 * registers and memory as they were before the instruction, so a description writes them after whatever may trap.
 */
export class SemanticsBuilder {
  readonly statements: Statement[] = [];
  /** Types of the locals, by index. */
  readonly locals: ValueType[] = [];

  /** Value of the first source register. */
  readonly rs1 = operand('rs1');
  /** Value of the second source register. */
  readonly rs2 = operand('rs2');
  /** What the first, second and third floating-point source register hold, boxes included. */
  readonly frs1 = operand('frs1');
  readonly frs2 = operand('frs2');
  readonly frs3 = operand('frs3');
  /** Rounding mode in bits 7 to 5, flags in bits 4 to 0. */
  readonly fcsr = operand('fcsr');
  /** The immediate, sign- or zero-extended as its field says. */
  readonly imm = operand('imm');
  /** Address of this instruction. */
  readonly pc = operand('pc');
  /** Address of the following instruction. */
  readonly nextPc = operand('nextPc');
  /** The encoding, zero-extended. */
  readonly bits = operand('bits');
  /** CSR number. */
  readonly csr = operand('csr');
  /** Number of the first source register. */
  readonly rs1Index = operand('rs1Index');
  /** Number of the destination register. */
  readonly rdIndex = operand('rdIndex');

  /** Evaluates once, now. */
  let<T extends ValueType>(value: Value<T>): Value<T> {
    const local = this.#local(value.type);
    this.statements.push({ kind: 'let', local: local.index, value });
    return local;
  }

  /** Writes the destination register; nothing if it is x0. */
  writeRd(value: I64): void {
    this.statements.push({ kind: 'writeRd', value });
  }

  /** Writes the floating-point destination register, which makes mstatus.FS Dirty. */
  writeFd(value: I64): void {
    this.statements.push({ kind: 'writeFd', value });
  }

  /** First of every floating-point instruction: an illegal instruction if mstatus.FS is Off. */
  requireFloat(): void {
    this.statements.push({ kind: 'requireFloat' });
  }

  /** The rounding mode of the rm field, or of fcsr if that says so: 0 to 4. A reserved one is an illegal instruction. */
  roundingMode(): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'roundingMode', local: local.index });
    return local;
  }

  /** A load; the result is extended to 64 bits. May trap. */
  load(address: I64, width: MemoryWidth, signed: boolean): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'load', local: local.index, address, width, signed, reserve: false });
    return local;
  }

  /** A load, sign-extended, that reserves its address; misaligned ones trap. */
  loadReserved(address: I64, width: 4 | 8): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'load', local: local.index, address, width, signed: true, reserve: true });
    return local;
  }

  /** Stores the low `width` bytes of a value. May trap. */
  store(address: I64, width: MemoryWidth, value: I64): void {
    this.statements.push({ kind: 'store', address, width, value });
  }

  /** Stores if the reservation still holds, and ends it: 0 when it stored, 1 when not. Misaligned ones trap. */
  storeConditional(address: I64, width: 4 | 8, value: I64): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'storeConditional', local: local.index, address, width, value });
    return local;
  }

  /**
   * Replaces a value in memory by a function of it, indivisibly; gives the old value, sign-extended. Misaligned ones
   * trap, and every trap is a store's.
   */
  atomic(address: I64, width: 4 | 8, replacement: (old: I64) => I64): I64 {
    const local = this.#local('i64');
    this.statements.push({
      kind: 'atomic',
      local: local.index,
      address,
      width,
      replacement: replacement(local),
    });
    return local;
  }

  /** An operation on the cache block of an address, if the privilege is allowed to do it. May trap. */
  cacheBlock(operation: CacheBlockOperation, address: I64): void {
    this.statements.push({ kind: 'cacheBlock', operation, address });
  }

  /** Calls a routine, now. */
  compute(routine: RoutineName, ...args: readonly I64[]): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'compute', local: local.index, routine, args, shortcut: undefined });
    return local;
  }

  /** As `compute`, where a shortcut may serve instead. */
  computeUnless(shortcut: Shortcut, routine: RoutineName, ...args: readonly I64[]): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'compute', local: local.index, routine, args, shortcut });
    return local;
  }

  /** Goes on at pc + imm if the condition is not zero. Last statement. */
  branch(condition: I32): void {
    this.statements.push({ kind: 'branch', condition });
  }

  /** Goes on at an address. Last statement. */
  jump(target: I64): void {
    this.statements.push({ kind: 'jump', target });
  }

  /** Goes on at pc + imm. Last statement. */
  jumpRelative(): void {
    this.statements.push({ kind: 'jumpRelative' });
  }

  /** Raises an exception. Last statement. A negative cause -1 is the environment call of the current privilege. */
  trap(cause: I64, tval: I64): void {
    this.statements.push({ kind: 'trap', cause, tval });
  }

  /** Calls a helper that gives a value. */
  call(helper: HelperName, ...args: readonly I64[]): I64 {
    const local = this.#local('i64');
    this.statements.push({ kind: 'helper', helper, args, local: local.index });
    return local;
  }

  /** Calls a helper that gives none. */
  run(helper: HelperName, ...args: readonly I64[]): void {
    this.statements.push({ kind: 'helper', helper, args, local: undefined });
  }

  #local<T extends ValueType>(type: T): Value<T> & { readonly kind: 'local' } {
    const index = this.locals.push(type) - 1;
    return { type, kind: 'local', index };
  }
}
