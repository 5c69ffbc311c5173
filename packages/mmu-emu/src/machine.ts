import { Bus } from './bus/bus.js';
import type { AccessWidth, Device } from './bus/bus.js';
import type { DeviceHost } from './bus/device-host.js';
import { GuestMemory } from './bus/guest-memory.js';
import { VirtualClock } from './clock.js';
import type { Clock } from './clock.js';
import { DEFAULT_ENGINE, type Engine } from './engine.js';
import { MachineError } from './errors.js';
import { writeCsrTable } from './hart/csr-table.js';
import { EXIT_STOP, Hart } from './hart/hart.js';
import type { ExitReason } from './hart/hart.js';
import { HART_ARGUMENTS, HART_PADDR } from './hart/state.js';
import { CodeCache } from './interpreter/code-cache.js';
import { coreModule } from './interpreter/core-module.js';
import { writeRecord } from './interpreter/decoder.js';
import type { CoreExports, DebugImports, InterpreterImports, RegionImports } from './interpreter/imports.js';
import { STATUS_DONE, STATUS_END_SLICE, STATUS_TRAP } from './mmu/memory-access.js';
import { PAGE_SIZE } from './mmu/pte.js';
import { dropStoreEntries } from './mmu/tlb.js';
import { HART_BANKS, layOutMemory } from './memory-layout.js';
import type { MemoryLayout } from './memory-layout.js';
import { Ram } from './ram.js';
import { RunLoop } from './run-loop.js';
import { Timebase } from './timebase.js';
import { Timers } from './timers.js';
import { Translator } from './translator/translator.js';
import type { HotRegion } from './translator/region-text.js';
import type { TranslatorOptions } from './translator/translator.js';
import type { TranslationStatistics } from './translator/translation-statistics.js';

const TRANSLATION: Readonly<Record<Engine, TranslatorOptions | null>> = {
  // A guest instruction costs some 80 us to translate, the engine's compiler included, and saves 2 to 3 ns a time.
  auto: { threshold: 16_384, immediate: false },
  interpreter: null,
  translator: { threshold: 1, immediate: true },
};

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
   * code is translated the first time that a jump leads to it, for tests. All give the same results.
   */
  engine?: Engine;
  /** Default a new VirtualClock. */
  clock?: Clock;
  /** Ticks a second of the `time` CSR, 1 to 10^9; default 10,000,000. */
  timebaseHz?: number;
  /** Memory-mapped devices of a full system. */
  devices?: readonly Device[];
}

const MEBIBYTE = 2 ** 20;
const MINIMUM_RAM = MEBIBYTE;
const MAXIMUM_RAM = 3584 * MEBIBYTE;
const DEFAULT_RAM = 256 * MEBIBYTE;
const DEFAULT_TIMEBASE = 10_000_000;
const MAXIMUM_TIMEBASE = 1_000_000_000;
const MAXIMUM_HARTS = 8;
const DEFAULT_TURN = 4096;
const MAXIMUM_TURN = 1_000_000;

/** Pages that can be decoded at a time: 80 MiB of records, touched as they are used. A kernel runs through more than 512. */
const CODE_SLOTS = 2048;

/** @internal What a machine asks its debugger, as `DebugImports` with harts for addresses. */
export interface MachineDebugger {
  instruction(hart: Hart): number;
  access(hart: Hart, vaddr: bigint, bytes: number, kind: number): number;
  accessed(hart: Hart, value: bigint): number;
  exception(hart: Hart): void;
  /** Under either engine. True to stop the run. */
  sliceEnded(hart: Hart): boolean;
}

/** A RISC-V machine. */
export class Machine {
  /** All of the machine: harts, caches and RAM. It never grows. */
  readonly memory: WebAssembly.Memory;
  readonly ram: Ram;
  readonly harts: readonly Hart[];
  readonly clock: Clock;
  readonly #bus: Bus;
  readonly #timebase: Timebase;
  readonly #timers = new Timers();
  readonly #storeWatchers: (() => void)[] = [];
  readonly #runLoop: RunLoop;
  /** Whose access a device answers. */
  #accessing: Hart | undefined;
  #stopped = false;
  #exitCode = 0;

  /**
   * Makes a machine with RAM of zeros and harts that start at pc 0.
   * @throws {MachineError} `bad-option` naming the option, `wasm-unavailable`, or `out-of-memory`.
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    const checked = checkOptions(options);
    const translates = TRANSLATION[checked.engine] !== null;
    const module = await coreModule(checked.sharedMemory, translates ? 'translating' : 'interpreting');
    const layout = layOutMemory(
      checked.ramBytes,
      checked.harts,
      Math.min(CODE_SLOTS, checked.ramBytes / PAGE_SIZE),
    );
    const machine = new Machine(allocate(layout, checked.sharedMemory), layout, checked);
    const instance = await WebAssembly.instantiate(module, { m: machine.#imports() });
    machine.#core = instance.exports as unknown as CoreExports;
    machine.#connect(machine.#core);
    return machine;
  }

  readonly #layout: MemoryLayout;
  readonly #shared: boolean;
  /** The machine's own engine; set by `create`. */
  #core!: CoreExports;
  #debugger: MachineDebugger | undefined;
  readonly #codeCache: CodeCache;
  readonly #translator: Translator | null;

  private constructor(memory: WebAssembly.Memory, layout: MemoryLayout, options: CheckedOptions) {
    this.memory = memory;
    this.#layout = layout;
    this.#shared = options.sharedMemory;
    this.clock = options.clock;
    this.#bus = options.bus;
    this.#timebase = new Timebase(options.clock, options.timebaseHz);
    const words = new Uint32Array(memory.buffer);
    writeCsrTable(memory.buffer);
    this.#codeCache = new CodeCache(memory.buffer, layout, (hostAddress) => {
      for (const base of layout.harts) dropStoreEntries(words, base + HART_BANKS, hostAddress);
    });
    const translation = TRANSLATION[options.engine];
    this.#translator =
      translation === null ? null : new Translator(memory, layout, options.sharedMemory, translation);
    this.#codeCache.observer = this.#translator;
    this.ram = new Ram(memory.buffer, layout.ram, layout.ramBytes, this.#codeCache);
    const environment = {
      hosted: options.hosted,
      hardwareAd: options.hardwareAd,
      clock: options.clock,
      ticks: () => this.#timebase.ticks(),
      timeOfTick: (ticks: number) => this.#timebase.timeOfTick(ticks),
      timer: (fire: () => void) => this.#timers.add(fire),
      skip: () => this.harts.length === 1 && this.#skip(),
      stopped: () => this.#stopped,
      sliceEnded: (hart: Hart) => this.#sliceEnded(hart),
      turnOf: (hart: Hart) => this.#turnOf(hart),
      untilDeadline: () => this.#untilDeadline(),
    };
    this.harts = layout.harts.map((base, id) => new Hart(id, memory.buffer, base, environment));
    this.#runLoop = new RunLoop(this.harts, () => this.#skip(), options);
    const host = this.#deviceHost();
    for (const device of this.#bus.devices) device.attach?.(host);
  }

  /** What ended the run, after EXIT_STOP. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** What the translator has done; null when every instruction is interpreted. */
  get translation(): TranslationStatistics | null {
    return this.#translator?.statistics(this.harts.reduce((sum, hart) => sum + hart.totalRetired, 0)) ?? null;
  }

  /**
   * The regions of translated code in which most instructions were retired, the hottest first: those that can be entered now.
   * @param count at most so many, an integer from 1 up.
   * @throws {RangeError} for another number.
   */
  hotRegions(count: number): readonly HotRegion[] {
    if (!Number.isInteger(count) || count < 1) throw new RangeError('count must be an integer from 1 up');
    return this.#translator?.hottest(count) ?? [];
  }

  /** For devices: ends the run after the instruction that is under way. The first call counts. */
  stop(exitCode: number): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#exitCode = exitCode;
  }

  /** Instructions that all harts retired in the last run. */
  get retired(): number {
    return this.#runLoop.retired;
  }

  /** The hart that the last run ended on: after EXIT_TRAP, the one that trapped. */
  get currentHart(): Hart {
    return this.#runLoop.current;
  }

  /**
   * After EXIT_WFI, the moment (ns of the clock) at which a timer may end the wait; Infinity when only a device can. The
   * machine itself moves a clock that can skip; with one that cannot, its owner waits until then and runs on.
   */
  get nextDeadline(): number {
    return this.#timers.next;
  }

  /**
   * Runs until `budget` instructions (an integer) have retired, all harts together, or something else ends it. Harts take
   * turns; how a run is cut into budgets changes nothing. After EXIT_STOP, runs nothing.
   *
   * EXIT_WFI: every hart waits for an interrupt, and the clock cannot skip to one.
   */
  run(budget: number): ExitReason {
    if (this.#stopped) return EXIT_STOP;
    return this.#runLoop.run(budget);
  }

  /**
   * Calls `stored` after each instruction of a guest that stores to the frame of a physical address (an atomic one: at
   * the end of its slice, within 32,768 instructions). Stores to such a frame are slow; a watch is not taken back.
   * @throws {RangeError} when the address is not in RAM.
   */
  watchStores(paddr: number, stored: () => void): void {
    const frame = Math.floor((paddr - this.ram.base) / PAGE_SIZE);
    this.ram.readable(frame);
    this.#codeCache.watch(frame);
    this.#storeWatchers.push(stored);
  }

  /**
   * @internal Makes the debugging variant of the interpreter, which asks `connected` as it runs, or disconnects the one that
   * is there. The function that is returned lets harts run in it from their next slice on, or in the machine's own engine.
   */
  async connectDebugger(connected: MachineDebugger | undefined): Promise<(on: boolean) => void> {
    this.#debugger = undefined;
    this.#connect(this.#core);
    if (connected === undefined) return () => undefined;
    const hartAt = this.#hartFinder();
    const debugImports: DebugImports = {
      instruction: (hart) => connected.instruction(hartAt(hart)),
      access: (hart, va, bytes, kind) => connected.access(hartAt(hart), BigInt.asUintN(64, va), bytes, kind),
      accessed: (hart, value) => connected.accessed(hartAt(hart), BigInt.asUintN(64, value)),
      exception: (hart) => connected.exception(hartAt(hart)),
    };
    const module = await coreModule(this.#shared, 'debugging');
    const instance = await WebAssembly.instantiate(module, { m: { ...this.#imports(), ...debugImports } });
    const core = instance.exports as unknown as CoreExports;
    this.#debugger = connected;
    return (on) => this.#connect(on ? core : this.#core);
  }

  #connect(core: CoreExports): void {
    for (const hart of this.harts) hart.connect(core);
  }

  #sliceEnded(hart: Hart): boolean {
    this.#translator?.flush();
    if (this.#codeCache.takeWatchedWritten()) for (const stored of this.#storeWatchers) stored();
    return this.#debugger?.sliceEnded(hart) ?? false;
  }

  #turnOf(hart: Hart): void {
    for (const other of this.harts) if (other !== hart) other.clearReservation();
  }

  #untilDeadline(): number {
    const timers = this.#timers;
    if (timers.next === Infinity) return Infinity;
    const { clock } = this;
    timers.fireDue(clock.now());
    if (timers.next === Infinity || clock.instructionsUntil === undefined) return Infinity;
    return clock.instructionsUntil(timers.next);
  }

  #skip(): boolean {
    const { next } = this.#timers;
    return next !== Infinity && this.clock.skipTo(next);
  }

  #deviceHost(): DeviceHost {
    const timebase = this.#timebase;
    const current = (): void => void this.#accessing?.time();
    return {
      hartCount: this.harts.length,
      memory: new GuestMemory(this.ram, () => {
        for (const hart of this.harts) hart.clearReservation();
      }),
      now: () => {
        current();
        return this.clock.now();
      },
      ticks: () => {
        current();
        return timebase.ticks();
      },
      setTicks: (ticks) => {
        current();
        timebase.setTicks(ticks);
        for (const hart of this.harts) hart.compareTime();
      },
      timeOfTick: (ticks) => timebase.timeOfTick(ticks),
      timer: (fire) => this.#timers.add(fire),
      setInterrupts: (hart, mask, pending) => this.harts[hart].setInterruptPending(mask, pending),
      stop: (exitCode) => this.stop(exitCode),
    };
  }

  /** The hart whose area begins at an address. */
  #hartFinder(): (base: number) => Hart {
    const byAddress = new Map(this.#layout.harts.map((base, id) => [base, this.harts[id]]));
    const only = this.harts.length === 1 ? this.harts[0] : undefined;
    return (base) => only ?? byAddress.get(base)!;
  }

  #imports(): WebAssembly.ModuleImports {
    const { memory } = this;
    const layout = this.#layout;
    const words = new Uint32Array(memory.buffer);
    const codeCache = this.#codeCache;
    const hartAt = this.#hartFinder();
    const imports: InterpreterImports = {
      decode: (record, encoding, offset) => {
        writeRecord(words, record >>> 0, encoding >>> 0, offset);
        if (offset >= 0) codeCache.decoded(record >>> 0);
      },
      claim: (frame) => codeCache.claim(frame),
      storeToCode: (hostAddress, bytes) =>
        codeCache.storeToCode(hostAddress >>> 0, bytes) ? STATUS_END_SLICE : STATUS_DONE,
      deviceLoad: (hart, bytes) => this.#deviceLoad(hartAt(hart), bytes as AccessWidth),
      deviceStore: (hart, bytes) => this.#deviceStore(hartAt(hart), bytes as AccessWidth),
      time: (hart) => hartAt(hart).time(),
      compareTime: (hart) => hartAt(hart).compareTime(),
      writePmp: (hart, csr, low, high) => hartAt(hart).writePmp(csr, low, high),
    };
    // Addresses reach the module as i32, whatever their sign.
    const translator = this.#translator;
    const regions = translator === null ? {} : importsOf(translator, layout.regionRetired | 0);
    const globals = { ram: layout.ram | 0, ramBytes: layout.ramBytes | 0, frameInfo: layout.frameInfo | 0 };
    return { ...imports, ...globals, ...regions, memory };
  }

  #deviceAt(hart: Hart, bytes: AccessWidth): Device | undefined {
    const paddr = hart.state[HART_PADDR] + hart.state[HART_PADDR + 1] * 2 ** 32;
    const device = this.#bus.find(paddr);
    return device !== undefined && paddr + bytes <= device.base + device.bytes ? device : undefined;
  }

  #deviceLoad(hart: Hart, bytes: AccessWidth): number {
    const device = this.#deviceAt(hart, bytes);
    if (device === undefined) return STATUS_TRAP;
    const paddr = hart.state[HART_PADDR] + hart.state[HART_PADDR + 1] * 2 ** 32;
    const changes = this.#timers.changes;
    this.#accessing = hart;
    const value = BigInt.asUintN(bytes * 8, BigInt(device.load(paddr - device.base, bytes)));
    hart.state[HART_ARGUMENTS] = Number(value & 0xffff_ffffn);
    hart.state[HART_ARGUMENTS + 1] = Number(value >> 32n);
    return this.#afterDevice(hart, changes);
  }

  #deviceStore(hart: Hart, bytes: AccessWidth): number {
    const device = this.#deviceAt(hart, bytes);
    if (device === undefined) return STATUS_TRAP;
    const paddr = hart.state[HART_PADDR] + hart.state[HART_PADDR + 1] * 2 ** 32;
    const value = (BigInt(hart.state[HART_ARGUMENTS + 1]) << 32n) | BigInt(hart.state[HART_ARGUMENTS]);
    const changes = this.#timers.changes;
    this.#accessing = hart;
    device.store(paddr - device.base, bytes, BigInt.asUintN(bytes * 8, value));
    return this.#afterDevice(hart, changes);
  }

  #afterDevice(hart: Hart, changes: number): number {
    this.#accessing = undefined;
    const ends = this.#stopped || hart.interruptPending || this.#timers.changes !== changes;
    return ends ? STATUS_END_SLICE : STATUS_DONE;
  }
}

/** What the interpreter's module takes of the translator. */
function importsOf(translator: Translator, regionRetired: number): WebAssembly.ModuleImports {
  const functions: RegionImports = { hot: (record) => translator.hot(record >>> 0) };
  return { ...functions, table: translator.table, threshold: translator.threshold, regionRetired };
}

interface CheckedOptions {
  readonly hosted: boolean;
  readonly ramBytes: number;
  readonly harts: number;
  readonly turnInstructions: number;
  readonly seed: number | undefined;
  readonly sharedMemory: boolean;
  readonly hardwareAd: boolean;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly timebaseHz: number;
  readonly bus: Bus;
}

function checkOptions(options: MachineOptions): CheckedOptions {
  const {
    mode = 'full-system',
    ramBytes = DEFAULT_RAM,
    harts = 1,
    turnInstructions = DEFAULT_TURN,
    seed,
    sharedMemory = false,
    adUpdate = 'fault',
    engine = DEFAULT_ENGINE,
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
  check(Object.hasOwn(TRANSLATION, engine), 'engine', "'auto', 'interpreter' or 'translator'");
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

function allocate(layout: MemoryLayout, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared });
  } catch (cause) {
    throw new MachineError('out-of-memory', `no memory for ${layout.ramBytes} bytes of RAM`, { cause });
  }
}
