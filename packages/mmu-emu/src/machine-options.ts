import { Bus } from './bus/bus.js';
import type { Device } from './bus/bus.js';
import { VirtualClock } from './clock.js';
import type { Clock } from './clock.js';
import { DEFAULT_ENGINE, type Engine } from './engine.js';
import { MachineError } from './errors.js';
import { PAGE_SIZE } from './mmu/pte.js';
import type { RegionCompiler } from './translator/region-compiler.js';

/** How to make a machine. */
export interface MachineOptions {
  /**
   * `full-system` (default): starts in machine mode and traps enter the guest's handlers. `hosted`: runs user mode
   * only, and every trap leaves the run, for the embedder to answer.
   */
  mode?: 'hosted' | 'full-system';
  /** Bytes of RAM: a multiple of 4096 from 1 MiB to 3.5 GiB; default 256 MiB. */
  ramBytes?: number;
  /** Number of harts, 1 to 8; default 1. They take turns in one thread. */
  harts?: number;
  /** Instructions of a hart's turn while there are others, 1 to 1,000,000; default 4096. */
  turnInstructions?: number;
  /**
   * With a seed (an integer from 0 to 2^32 - 1), turns have pseudo-random lengths around `turnInstructions`: other seeds
   * give other interleavings, the same seed the same one.
   */
  seed?: number;
  /** Whether the memory is a SharedArrayBuffer; default false. */
  sharedMemory?: boolean;
  /** A page whose A or D bit is clear faults (Svade, default), or the walk sets the bit (Svadu). */
  adUpdate?: 'fault' | 'hardware';
  /**
   * `interpreter`: every instruction is interpreted. `auto` (default): code that runs often is translated. `translator`:
   * every instruction is translated before it runs the first time, wherever that can be, for tests. All give the same results.
   */
  engine?: Engine;
  /**
   * Compiles translated code in another thread, while the machine runs on in the interpreter. Only
   * for `auto`; by default the machine does it itself, between two slices. What a guest computes is the same.
   */
  regionCompiler?: RegionCompiler;
  /** Default a new VirtualClock. */
  clock?: Clock;
  /** Ticks a second of the `time` CSR, 1 to 10^9; default 10,000,000. */
  timebaseHz?: number;
  /** Memory-mapped devices of a full system. */
  devices?: readonly Device[];
}

const ENGINES: readonly Engine[] = ['auto', 'interpreter', 'translator'];
const MEBIBYTE = 2 ** 20;
const MINIMUM_RAM = MEBIBYTE;
const MAXIMUM_RAM = 3584 * MEBIBYTE;
const DEFAULT_RAM = 256 * MEBIBYTE;
const DEFAULT_TIMEBASE = 10_000_000;
const MAXIMUM_TIMEBASE = 1_000_000_000;
const MAXIMUM_HARTS = 8;
const DEFAULT_TURN = 4096;
const MAXIMUM_TURN = 1_000_000;

/** Options that are right, with their defaults. */
export interface CheckedOptions {
  readonly hosted: boolean;
  readonly ramBytes: number;
  readonly harts: number;
  readonly turnInstructions: number;
  readonly seed: number | undefined;
  readonly sharedMemory: boolean;
  readonly hardwareAd: boolean;
  readonly engine: Engine;
  readonly regionCompiler: RegionCompiler | null;
  readonly clock: Clock;
  readonly timebaseHz: number;
  readonly bus: Bus;
}

/** @throws {MachineError} `bad-option`, naming it. */
export function checkOptions(options: MachineOptions): CheckedOptions {
  const {
    mode = 'full-system',
    ramBytes = DEFAULT_RAM,
    harts = 1,
    turnInstructions = DEFAULT_TURN,
    seed,
    sharedMemory = false,
    adUpdate = 'fault',
    engine = DEFAULT_ENGINE,
    regionCompiler = null,
    clock = new VirtualClock(),
    timebaseHz = DEFAULT_TIMEBASE,
    devices = [],
  } = options;
  const check = (good: boolean, option: string, rule: string): void => {
    if (!good) throw new MachineError('bad-option', `${option} must be ${rule}`, { option });
  };
  check(mode === 'hosted' || mode === 'full-system', 'mode', "'hosted' or 'full-system'");
  check(
    Number.isInteger(ramBytes) &&
      ramBytes % PAGE_SIZE === 0 &&
      ramBytes >= MINIMUM_RAM &&
      ramBytes <= MAXIMUM_RAM,
    'ramBytes',
    'a multiple of 4096 from 1 MiB to 3.5 GiB',
  );
  const isInteger = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  check(isInteger(harts, 1, MAXIMUM_HARTS), 'harts', 'an integer from 1 to 8');
  check(isInteger(turnInstructions, 1, MAXIMUM_TURN), 'turnInstructions', 'an integer from 1 to 1,000,000');
  check(seed === undefined || isInteger(seed, 0, 0xffff_ffff), 'seed', 'an integer from 0 to 2^32 - 1');
  check(typeof sharedMemory === 'boolean', 'sharedMemory', 'true or false');
  check(adUpdate === 'fault' || adUpdate === 'hardware', 'adUpdate', "'fault' or 'hardware'");
  check(ENGINES.includes(engine), 'engine', "'auto', 'interpreter' or 'translator'");
  check(regionCompiler === null || engine === 'auto', 'regionCompiler', "left out unless engine is 'auto'");
  check(
    Number.isInteger(timebaseHz) && timebaseHz >= 1 && timebaseHz <= MAXIMUM_TIMEBASE,
    'timebaseHz',
    'an integer from 1 to 1,000,000,000',
  );
  check(mode === 'full-system' || devices.length === 0, 'devices', 'empty in hosted mode');
  return {
    hosted: mode === 'hosted',
    ramBytes,
    harts,
    turnInstructions,
    seed,
    sharedMemory,
    hardwareAd: adUpdate === 'hardware',
    engine,
    regionCompiler,
    clock,
    timebaseHz,
    bus: makeBus(devices),
  };
}

function makeBus(devices: readonly Device[]): Bus {
  try {
    return new Bus(devices);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MachineError('bad-option', `devices: ${reason}`, { option: 'devices', cause });
  }
}
