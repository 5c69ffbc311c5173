/** What descriptions of instructions may call: slow operations on the machine, and computations too long to be written out. */

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

/** Formats, as the fmt field has them. */
export const FORMAT_SINGLE = 0;
export const FORMAT_DOUBLE = 1;
export const FORMAT_HALF = 2;
