/**
 * What the interpreter's module imports, and the functions its parts share. All imports are synchronous TypeScript.
 */

import type { HelperName, RoutineName } from '../isa/semantics.js';
import { HELPERS, ROUTINES } from '../isa/semantics.js';
import { MAXIMUM_PAGES, type ModuleBuilder } from '../wasm/module-builder.js';
import type { WasmType } from '../wasm/opcodes.js';
import { REGION_NUMBERS } from './record.js';

/** Functions of the machine that interpreter code calls. Addresses are u32 that arrive as i32. */
export interface InterpreterImports {
  /** Decodes an encoding into a record; `offset` is its place in the page, or -1. */
  readonly decode: (record: number, encoding: number, offset: number) => void;
  /** Slot of decoded records of a frame. */
  readonly claim: (frame: number) => number;
  /** A store is about to change a frame that has decoded code or is watched. 0, or STATUS_END_SLICE. */
  readonly storeToCode: (hostAddress: number, bytes: number) => number;
  /** Device at HART_PADDR; the value goes to HART_ARGUMENTS. 0 done, 1 nothing there, 2 done and end the slice. */
  readonly deviceLoad: (hart: number, bytes: number) => number;
  /** As deviceLoad, the other way. */
  readonly deviceStore: (hart: number, bytes: number) => number;
  /** The `time` CSR: ticks of the timebase. */
  readonly time: (hart: number) => number;
  /** Compares the time with stimecmp, if that decides about mip.STIP, and finds out when that will change. */
  readonly compareTime: (hart: number) => void;
  /** Writes a register of physical memory protection. */
  readonly writePmp: (hart: number, csr: number, low: number, high: number) => void;
}

/** What the module gives to the machine. Results are not 0 for "yes". */
export interface CoreExports {
  readonly run: (hart: number, budget: number) => number;
  readonly takeInterrupt: (hart: number) => number;
  readonly pendingInterrupt: (hart: number) => number;
  readonly updateAddressSpace: (hart: number) => void;
  readonly flushBanks: (hart: number, asid: number) => void;
  readonly flushPage: (hart: number, low: number, high: number, asid: number) => void;
  readonly readCsrOfHost: (hart: number, csr: number) => number;
  readonly writeCsrOfHost: (hart: number, csr: number) => number;
}

const EXPORTS: readonly (keyof CoreExports)[] = [
  'run',
  'takeInterrupt',
  'pendingInterrupt',
  'updateAddressSpace',
  'flushBanks',
  'flushPage',
  'readCsrOfHost',
  'writeCsrOfHost',
];

/** Exports what `CoreExports` has. */
export function exportCore(module: ModuleBuilder, indices: CoreIndices): void {
  for (const name of EXPORTS) module.exportFunction(name, indices[name]);
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

/**
 * Which module: the interpreter alone; with a translator, where regions begin at what jumps lead to, or at every
 * instruction; or with what a debugger asks.
 */
export type CoreVariant = 'interpreting' | 'translating' | 'translating everything' | 'debugging';

/** Indices of the imports of `DebugImports`. */
export type DebugIndices = Readonly<Record<keyof DebugImports, number>>;

/** Indices of imported and own functions and globals. */
export interface CoreIndices {
  readonly decode: number;
  readonly claim: number;
  readonly storeToCode: number;
  readonly noteStoreToCode: number;
  readonly deviceLoad: number;
  readonly deviceStore: number;
  readonly time: number;
  readonly compareTime: number;
  readonly writePmp: number;
  /** Helpers of the semantics: arguments in HART_ARGUMENTS, pc and HART_LEFT current; each gives a HELPER_* result. */
  readonly helpers: Readonly<Record<HelperName, number>>;
  readonly routines: Readonly<Record<RoutineName, number>>;
  /** Immutable globals: host address and size of RAM, host address of the frame info. */
  readonly ram: number;
  readonly ramBytes: number;
  readonly frameInfo: number;
  /** The same: host address of the first slot of decoded code. */
  readonly slots: number;
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
  readonly selectBank: number;
  readonly flushBank: number;
  readonly flushBanks: number;
  readonly flushPage: number;
  readonly updateMode: number;
  readonly updateAddressSpace: number;
  readonly pendingInterrupt: number;
  readonly enterTrap: number;
  readonly takeTrap: number;
  readonly takeInterrupt: number;
  readonly csrEntry: number;
  readonly readCsr: number;
  readonly writeCsr: number;
  readonly readCsrOfHost: number;
  readonly writeCsrOfHost: number;
  readonly fetch: number;
  readonly run: number;
  /** Null without a translator. */
  readonly regions: {
    readonly hot: number;
    /** Signature of regions. */
    readonly type: number;
    /** What runs them, one after the other: see run-regions.ts. */
    readonly run: number;
    /** Immutable global: arrivals that make a place hot, 1 to 65,534. */
    readonly threshold: number;
    /** Immutable global: host address of the counters of instructions retired in regions. */
    readonly retired: number;
    /** Every instruction may begin a region, not only where a jump leads. */
    readonly everywhere: boolean;
  } | null;
  /** Only of the debugging variant. */
  readonly debug: DebugIndices | null;
}

/** Signature of a region's function; see translator/region-function.ts. */
export const REGION_PARAMETERS: readonly WasmType[] = ['i32'];
export const REGION_RESULTS: readonly WasmType[] = ['i32'];

/** Declares imports and functions, in the order that indices need. */
export function declareCore(module: ModuleBuilder, shared: boolean, variant: CoreVariant): CoreIndices {
  const everywhere = variant === 'translating everything';
  const translates = everywhere || variant === 'translating';
  module.importMemory('m', 'memory', MAXIMUM_PAGES, shared);
  const ram = module.importGlobal('m', 'ram');
  const ramBytes = module.importGlobal('m', 'ramBytes');
  const frameInfo = module.importGlobal('m', 'frameInfo');
  const slots = module.importGlobal('m', 'slots');
  const threshold = translates ? module.importGlobal('m', 'threshold') : 0;
  const retired = translates ? module.importGlobal('m', 'regionRetired') : 0;
  if (translates) module.importTable('m', 'table', REGION_NUMBERS);
  const hot = translates ? module.importFunction('m', 'hot', ['i32'], ['i32']) : 0;
  const imported = {
    decode: module.importFunction('m', 'decode', ['i32', 'i32', 'i32'], []),
    claim: module.importFunction('m', 'claim', ['i32'], ['i32']),
    storeToCode: module.importFunction('m', 'storeToCode', ['i32', 'i32'], ['i32']),
    deviceLoad: module.importFunction('m', 'deviceLoad', ['i32', 'i32'], ['i32']),
    deviceStore: module.importFunction('m', 'deviceStore', ['i32', 'i32'], ['i32']),
    time: module.importFunction('m', 'time', ['i32'], ['f64']),
    compareTime: module.importFunction('m', 'compareTime', ['i32'], []),
    writePmp: module.importFunction('m', 'writePmp', ['i32', 'i32', 'i32', 'i32'], []),
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
    helpers[name] = module.declare(['i32'], ['i32']);
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
    slots,
    status: module.global(),
    mixed: module.global(),
    raise: module.declare(['i32', 'i32', 'i64'], []),
    pmpCheck: module.declare(['i32', 'i64', 'i64', 'i32'], ['i32']),
    translate: module.declare(['i32', 'i64', 'i32', 'i32'], ['i32']),
    noteStoreToCode: module.declare(['i32', 'i32'], ['i32']),
    slowLoad: module.declare(['i32', 'i64', 'i32'], ['i64']),
    slowStore: module.declare(['i32', 'i64', 'i32', 'i64'], []),
    atomicAddress: module.declare(['i32', 'i64', 'i32', 'i32'], ['i32']),
    cacheBlock: module.declare(['i32', 'i64', 'i32', 'i32'], ['i32']),
    selectBank: module.declare(['i32', 'i32'], ['i32']),
    flushBank: module.declare(['i32', 'i32'], []),
    flushBanks: module.declare(['i32', 'i32'], []),
    flushPage: module.declare(['i32', 'i32', 'i32', 'i32'], []),
    updateMode: module.declare(['i32'], []),
    updateAddressSpace: module.declare(['i32'], []),
    pendingInterrupt: module.declare(['i32'], ['i32']),
    enterTrap: module.declare(['i32', 'i32', 'i32', 'i64'], []),
    takeTrap: module.declare(['i32'], ['i32']),
    takeInterrupt: module.declare(['i32'], ['i32']),
    csrEntry: module.declare(['i32'], ['i32']),
    readCsr: module.declare(['i32', 'i32'], ['i64']),
    writeCsr: module.declare(['i32', 'i32', 'i32', 'i64'], []),
    readCsrOfHost: module.declare(['i32', 'i32'], ['i32']),
    writeCsrOfHost: module.declare(['i32', 'i32'], ['i32']),
    fetch: module.declare(['i32', 'i64'], ['i32']),
    run: module.declare(['i32', 'i32'], ['i32']),
    regions: translates
      ? {
          hot,
          threshold,
          retired,
          everywhere,
          type: module.signature(REGION_PARAMETERS, REGION_RESULTS),
          run: module.declare(['i32', 'i32', 'i64', 'i32', 'i32'], ['i32']),
        }
      : null,
    debug,
  };
}
