/** The locals of a region's function, and how registers come into them and go back to the hart's state. */

import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../assembler/registers.js';
import { MSTATUS_FS } from '../hart/mstatus.js';
import { HART_F, HART_FCSR, HART_MSTATUS, HART_X } from '../hart/state.js';
import type { ValueType } from '../isa/semantics.js';
import { get, i32c, load, op, seq, set, store } from '../wasm/code.js';
import type { Code, FunctionBody } from '../wasm/function-body.js';
import type { WasmType } from '../wasm/opcodes.js';
import type { RegionInstruction } from './region.js';
import { NO_REGISTERS, union, wordsOf } from './register-set.js';
import type { RegisterSet } from './register-set.js';

/** Locals of a region's function that its instructions share. */
export interface RegionLocals {
  readonly hart: number;
  readonly left: number;
  /** Virtual address of the page. */
  readonly page: number;
  readonly bank: number;
  readonly pc: number;
  readonly address: number;
  /** Page of the address, and the bits that its width may not have. */
  readonly tag: number;
  readonly entry: number;
  /** Of registers, by their words in the hart's state; x0, and those that the region does not use, are absent. */
  readonly registers: ReadonlyMap<number, number>;
  /** mstatus.FS is Dirty, and fcsr; nothing in a region changes them. */
  readonly isFloatReady: number;
  readonly fcsr: number;
  /** A local for a value of a description. */
  temporary(type: ValueType, index: number): number;
  /** The local for the host address at which a group of accesses begins, by the group's number. */
  host(group: number): number;
}

/** Makes the locals that these instructions need. */
export function makeLocals(f: FunctionBody, instructions: readonly RegionInstruction[]): RegionLocals {
  const used = instructions.map(({ reads, writes }) => union(reads, writes)).reduce(union, NO_REGISTERS);
  const registers = new Map(wordsOf(used).map((word) => [word, f.local('i64', registerName(word))]));
  const temporaries: Record<WasmType, number[]> = { i32: [], i64: [], f32: [], f64: [] };
  const hosts: number[] = [];
  return {
    hart: 0,
    left: f.local('i32', 'left'),
    page: f.local('i64', 'page'),
    bank: f.local('i32', 'bank'),
    pc: f.local('i64', 'pc'),
    address: f.local('i64', 'address'),
    tag: f.local('i64', 'tag'),
    entry: f.local('i32', 'tlbEntry'),
    registers,
    isFloatReady: f.local('i32', 'isFloatReady'),
    fcsr: f.local('i64', 'fcsr'),
    temporary: (type, index) => (temporaries[type][index] ??= f.local(type, `${type}_${index}`)),
    host: (group) => (hosts[group] ??= f.local('i32', `host${group}`)),
  };
}

/** Whether some of these instructions need `isFloatReady` or `fcsr`. */
export const usesFloatState = (instructions: readonly RegionInstruction[]): boolean =>
  instructions.some(
    ({ shape: { reads, description } }) =>
      reads.has('fcsr') || description.statements.some(({ kind }) => kind === 'requireFloat'),
  );

/** Statement: sets `isFloatReady` and `fcsr`. */
export const loadFloatState = (l: RegionLocals): Code =>
  seq(
    set(l.fcsr, load('i64.load32_u', get(l.hart), HART_FCSR * 4)),
    set(
      l.isFloatReady,
      op(
        'i32.eq',
        op('i32.and', load('i32.load', get(l.hart), HART_MSTATUS * 4), i32c(MSTATUS_FS)),
        i32c(MSTATUS_FS),
      ),
    ),
  );

/** Statement: registers from the hart's state into their locals. */
export const loadRegisters = (l: RegionLocals, registers: RegisterSet): Code =>
  seq(
    ...wordsOf(registers).map((word) =>
      set(l.registers.get(word) as number, load('i64.load', get(l.hart), word * 4)),
    ),
  );

/** Statement: registers from their locals into the hart's state. */
export const storeRegisters = (l: RegionLocals, registers: RegisterSet): Code =>
  seq(
    ...wordsOf(registers).map((word) =>
      store('i64.store', get(l.hart), get(l.registers.get(word) as number), word * 4),
    ),
  );

/** Name of the register at a word of the hart's state. */
function registerName(word: number): string {
  return word >= HART_F ? FLOAT_REGISTERS[(word - HART_F) / 2] : INTEGER_REGISTERS[(word - HART_X) / 2];
}
