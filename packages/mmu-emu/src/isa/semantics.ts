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

import type { I32, I64, OperandValueName, Value, ValueType } from './expressions.js';
import type { HelperName, RoutineName } from './routines.js';

export * from './expressions.js';
export * from './routines.js';

/** Bytes an access moves. */
export type MemoryWidth = 1 | 2 | 4 | 8;

/** What is done to the cache block of an address: discard, write back, both, or fill with zeros. */
export type CacheBlockOperation = 'inval' | 'clean' | 'flush' | 'zero';

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
