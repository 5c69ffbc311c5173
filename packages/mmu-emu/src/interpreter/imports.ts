/**
 * What the interpreter's module imports, and the functions its parts share. All imports are synchronous TypeScript.
 */

import type { HelperName, RoutineName } from '../isa/semantics.js';
import { HELPERS, ROUTINES } from '../isa/semantics.js';
import { MAXIMUM_PAGES, type ModuleBuilder } from '../wasm/module-builder.js';
import type { WasmType } from '../wasm/opcodes.js';
import { REGION_NUMBERS } from './record.js';

/** Result of a helper: the instruction is done and the next one follows. */
export const HELPER_DONE = 0;
/** A trap: cause and tval are in the state; the instruction did not happen. */
export const HELPER_TRAP = 1;
/** Done; go on at the pc in the state, with the TLB banks in the state. */
export const HELPER_JUMP = 2;
/** As HELPER_JUMP, and end the slice. */
export const HELPER_END_SLICE = 3;

/** Functions of the machine that interpreter code calls. Addresses are u32 that arrive as i32. */
export interface InterpreterImports {
  /** Decodes an encoding into a record; `offset` is its place in the page, or -1. */
  readonly decode: (record: number, encoding: number, offset: number) => void;
  /** Slot of decoded records of a frame. */
  readonly claim: (frame: number) => number;
  /** A store is about to change a frame that has decoded code or is watched. 0, or STATUS_END_SLICE. */
  readonly storeToCode: (hostAddress: number, bytes: number) => number;
  /** Full system: takes the trap in the state. Not 0 to end the slice. */
  readonly trap: (hart: number) => number;
  /** Device at HART_PADDR; the value goes to HART_ARGUMENTS. 0 done, 1 nothing there, 2 done and end the slice. */
  readonly deviceLoad: (hart: number, bytes: number) => number;
  /** As deviceLoad, the other way. */
  readonly deviceStore: (hart: number, bytes: number) => number;
}

/** What the interpreter needs of the translator. */
export interface RegionImports {
  /** Jumps have arrived at a record `threshold` times. Not 0 when a region begins there now. */
  readonly hot: (record: number) => number;
}

/** What the debugging variant asks and tells; marks say when. See debug-hooks.ts. */
export interface DebugImports {
  /** Before an instruction: its pc is in the state, and HART_LEFT counts it. Not 0 to end the slice before it. */
  readonly instruction: (hart: number) => number;
  /** Before an access of `bytes` bytes at `va`; `kind` is DEBUG_READ, DEBUG_WRITE or both. Not 0 to be told of it. */
  readonly access: (hart: number, va: bigint, bytes: number, kind: number) => number;
  /** The access has happened; `value` was loaded or stored. Not 0 to end the slice after the instruction. */
  readonly accessed: (hart: number, value: bigint) => number;
  /** An exception is about to be taken: pc, cause and trap value are in the state. */
  readonly exception: (hart: number) => void;
}

/** Which module: the interpreter alone, with a translator, or with what a debugger asks. */
export type CoreVariant = 'interpreting' | 'translating' | 'debugging';

/** Helpers of the semantics: arguments in HART_ARGUMENTS, pc and HART_LEFT current; gives a HELPER_* result. */
export type HelperImports = Readonly<Record<HelperName, (hart: number) => number>>;

/** Indices of the imports of `DebugImports`. */
export type DebugIndices = Readonly<Record<keyof DebugImports, number>>;

/** Indices of imported and own functions and globals. */
export interface CoreIndices {
  readonly decode: number;
  readonly claim: number;
  readonly storeToCode: number;
  readonly trap: number;
  readonly deviceLoad: number;
  readonly deviceStore: number;
  readonly helpers: Readonly<Record<HelperName, number>>;
  readonly routines: Readonly<Record<RoutineName, number>>;
  /** Immutable globals: host address and size of RAM, host address of the frame info. */
  readonly ram: number;
  readonly ramBytes: number;
  readonly frameInfo: number;
  /** Mutable global: outcome of the last slow access: 0 done, 1 trap, 2 done and end the slice. */
  readonly status: number;
  /** Mutable global: not 0 when the page that was translated last is not all under the same physical memory protection. */
  readonly mixed: number;
  readonly raise: number;
  readonly pmpCheck: number;
  readonly translate: number;
  readonly slowLoad: number;
  readonly slowStore: number;
  readonly atomicAddress: number;
  readonly cacheBlock: number;
  readonly fetch: number;
  readonly run: number;
  /** Null without a translator. */
  readonly regions: {
    readonly hot: number;
    /** Signature of regions. */
    readonly type: number;
    /** Immutable global: arrivals that make a place hot, 1 to 65,534. */
    readonly threshold: number;
    /** Immutable global: host address of the counters of instructions retired in regions. */
    readonly retired: number;
  } | null;
  /** Only of the debugging variant. */
  readonly debug: DebugIndices | null;
}

/** Signature of a region's function; see translator/region-function.ts. */
export const REGION_PARAMETERS: readonly WasmType[] = ['i32', 'i32', 'i64', 'i32', 'i32'];
export const REGION_RESULTS: readonly WasmType[] = ['i32'];

/** Declares imports and functions, in the order that indices need. */
export function declareCore(module: ModuleBuilder, shared: boolean, variant: CoreVariant): CoreIndices {
  const translates = variant === 'translating';
  module.importMemory('m', 'memory', MAXIMUM_PAGES, shared);
  const ram = module.importGlobal('m', 'ram');
  const ramBytes = module.importGlobal('m', 'ramBytes');
  const frameInfo = module.importGlobal('m', 'frameInfo');
  const threshold = translates ? module.importGlobal('m', 'threshold') : 0;
  const retired = translates ? module.importGlobal('m', 'regionRetired') : 0;
  if (translates) module.importTable('m', 'table', REGION_NUMBERS);
  const hot = translates ? module.importFunction('m', 'hot', ['i32'], ['i32']) : 0;
  const imported = {
    decode: module.importFunction('m', 'decode', ['i32', 'i32', 'i32'], []),
    claim: module.importFunction('m', 'claim', ['i32'], ['i32']),
    storeToCode: module.importFunction('m', 'storeToCode', ['i32', 'i32'], ['i32']),
    trap: module.importFunction('m', 'trap', ['i32'], ['i32']),
    deviceLoad: module.importFunction('m', 'deviceLoad', ['i32', 'i32'], ['i32']),
    deviceStore: module.importFunction('m', 'deviceStore', ['i32', 'i32'], ['i32']),
  };
  const debug =
    variant === 'debugging'
      ? {
          instruction: module.importFunction('m', 'instruction', ['i32'], ['i32']),
          access: module.importFunction('m', 'access', ['i32', 'i64', 'i32', 'i32'], ['i32']),
          accessed: module.importFunction('m', 'accessed', ['i32', 'i64'], ['i32']),
          exception: module.importFunction('m', 'exception', ['i32'], []),
        }
      : null;
  const helpers = {} as Record<HelperName, number>;
  for (const name of Object.keys(HELPERS) as HelperName[]) {
    helpers[name] = module.importFunction('m', name, ['i32'], ['i32']);
  }
  const routines = {} as Record<RoutineName, number>;
  for (const name of Object.keys(ROUTINES) as RoutineName[]) {
    const parameters = Array.from({ length: ROUTINES[name].parameters }, () => 'i64' as const);
    routines[name] = module.declare(['i32', ...parameters], ['i64']);
  }
  return {
    ...imported,
    helpers,
    routines,
    ram,
    ramBytes,
    frameInfo,
    status: module.global(),
    mixed: module.global(),
    raise: module.declare(['i32', 'i32', 'i64'], []),
    pmpCheck: module.declare(['i32', 'i64', 'i64', 'i32'], ['i32']),
    translate: module.declare(['i32', 'i64', 'i32', 'i32'], ['i32']),
    slowLoad: module.declare(['i32', 'i64', 'i32'], ['i64']),
    slowStore: module.declare(['i32', 'i64', 'i32', 'i64'], []),
    atomicAddress: module.declare(['i32', 'i64', 'i32', 'i32'], ['i32']),
    cacheBlock: module.declare(['i32', 'i64', 'i32', 'i32'], ['i32']),
    fetch: module.declare(['i32', 'i64'], ['i32']),
    run: module.declare(['i32', 'i32'], ['i32']),
    regions: translates
      ? { hot, threshold, retired, type: module.signature(REGION_PARAMETERS, REGION_RESULTS) }
      : null,
    debug,
  };
}
