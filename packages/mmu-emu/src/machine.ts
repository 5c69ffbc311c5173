import type { AccessWidth } from './bus/bus.js';
import type { Clock } from './clock.js';
import { DeviceAccess } from './device-access.js';
import type { Engine } from './engine.js';
import { MachineError } from './errors.js';
import { writeCsrTable } from './hart/csr-table.js';
import { Hart } from './hart/hart.js';
import type { ExitReason } from './hart/hart.js';
import { CodeCache } from './interpreter/code-cache.js';
import { coreModule } from './interpreter/core-module.js';
import { writeRecord } from './interpreter/decoder.js';
import type {
  CoreExports,
  CoreVariant,
  DebugImports,
  InterpreterImports,
  RegionImports,
} from './interpreter/imports.js';
import { STATUS_DONE, STATUS_END_SLICE } from './mmu/memory-access.js';
import { PAGE_SIZE } from './mmu/pte.js';
import { dropStoreEntries } from './mmu/tlb.js';
import { checkOptions } from './machine-options.js';
import type { CheckedOptions, MachineOptions } from './machine-options.js';
import { HART_BANKS, layOutMemory } from './memory-layout.js';
import type { MemoryLayout } from './memory-layout.js';
import { Ram } from './ram.js';
import { MachineState } from './machine-state.js';
import { RunEnd } from './run-end.js';
import { RunLoop } from './run-loop.js';
import type { SnapshotPieces } from './snapshot/machine-snapshot.js';
import type { SnapshotPart } from './snapshot/snapshot-part.js';
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

const CORES: Readonly<Record<Engine, CoreVariant>> = {
  auto: 'translating',
  interpreter: 'interpreting',
  translator: 'translating everything',
};

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
  /** The machine was reset or restored: nothing is as it was left. */
  replaced(): void;
}

/** A RISC-V machine. */
export class Machine {
  /** All of the machine: harts, caches and RAM. It never grows. */
  readonly memory: WebAssembly.Memory;
  readonly ram: Ram;
  readonly harts: readonly Hart[];
  readonly clock: Clock;
  readonly #timebase: Timebase;
  readonly #timers = new Timers();
  readonly #storeWatchers: (() => void)[] = [];
  readonly #runLoop: RunLoop;
  readonly #end = new RunEnd();
  readonly #state: MachineState;
  readonly #devices: DeviceAccess;

  /**
   * Makes a machine with RAM of zeros and harts that start at pc 0.
   * @throws {MachineError} `bad-option` naming the option, `wasm-unavailable`, or `out-of-memory`.
   */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    const checked = checkOptions(options);
    const module = await coreModule(checked.sharedMemory, CORES[checked.engine]);
    const layout = layOutMemory(
      checked.ramBytes,
      checked.harts,
      Math.min(CODE_SLOTS, checked.ramBytes / PAGE_SIZE),
    );
    const machine = new Machine(allocate(layout, checked.sharedMemory), layout, checked);
    const instance = await WebAssembly.instantiate(module, { m: machine.#imports() });
    machine.#core = instance.exports as unknown as CoreExports;
    machine.#connect(machine.#core);
    machine.#state.remember();
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
    this.#timebase = new Timebase(options.clock, options.timebaseHz);
    const words = new Uint32Array(memory.buffer);
    writeCsrTable(memory.buffer);
    this.#codeCache = new CodeCache(memory.buffer, layout, (hostAddress) => {
      for (const base of layout.harts) dropStoreEntries(words, base + HART_BANKS, hostAddress);
    });
    const translation = TRANSLATION[options.engine];
    this.#translator =
      translation === null
        ? null
        : new Translator(
            memory,
            layout,
            options.sharedMemory,
            translation,
            () => this.totalRetired,
            options.regionCompiler,
          );
    this.#codeCache.observer = this.#translator;
    this.ram = new Ram(memory.buffer, layout.ram, layout.ramBytes, this.#codeCache);
    const environment = {
      frames: this.#codeCache,
      hosted: options.hosted,
      hardwareAd: options.hardwareAd,
      clock: options.clock,
      ticks: () => this.#timebase.ticks(),
      timeOfTick: (ticks: number) => this.#timebase.timeOfTick(ticks),
      timer: (fire: () => void) => this.#timers.add(fire),
      skip: () => this.harts.length === 1 && this.#skip(),
      stopped: () => this.#end.reason,
      sliceEnded: (hart: Hart) => this.#sliceEnded(hart),
      turnOf: (hart: Hart) => this.#turnOf(hart),
      untilDeadline: () => this.#untilDeadline(),
    };
    this.harts = layout.harts.map((base, id) => new Hart(id, memory.buffer, base, environment));
    this.#runLoop = new RunLoop(this.harts, () => this.#skip(), options);
    const { bus } = options;
    const shared = { bus, harts: this.harts, ram: this.ram, clock: this.clock };
    const [timebase, timers, end] = [this.#timebase, this.#timers, this.#end];
    this.#devices = new DeviceAccess({ ...shared, timebase, timers, end });
    const run = [end, this.#runLoop, timebase, timers];
    this.#state = new MachineState({ ...shared, code: this.#codeCache, run }, options);
  }

  /** What ended the run, after EXIT_STOP. */
  get exitCode(): number {
    return this.#end.exitCode;
  }

  /** What the translator has done; null when every instruction is interpreted. */
  get translation(): TranslationStatistics | null {
    return this.#translator?.statistics() ?? null;
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
    this.#end.stop(exitCode);
  }

  /**
   * For devices: ends the run as `stop` does, with EXIT_RESET. Whoever runs the machine calls `reset`, or does not; until
   * then nothing runs.
   */
  requestReset(): void {
    this.#end.requestReset();
  }

  /** Instructions that all harts retired in the last run. */
  get retired(): number {
    return this.#runLoop.retired;
  }

  /** @internal Instructions that all harts have retired in all; exact where `Hart.totalRetired` is. */
  get totalRetired(): number {
    return this.harts.reduce((sum, hart) => sum + hart.totalRetired, 0);
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
   * @throws {SnapshotError} `running` while the machine is being restored.
   */
  run(budget: number): ExitReason {
    return this.#state.whileRunning(() => this.#end.reason ?? this.#runLoop.run(budget));
  }

  /**
   * Makes everything as it was when the machine was made: RAM is zero, harts start at pc 0, devices have forgotten
   * everything. The clock goes on. Put programs into RAM again, and set the harts' registers.
   * @throws {SnapshotError} `unsupported` or `running`.
   */
  reset(): void {
    this.#state.reset();
    this.#debugger?.replaced();
  }

  /**
   * The whole state of the machine: RAM (frames of zeros take no room), harts, devices, timers and the clock. Not what is
   * outside: contents of drives, what the source of random bytes has given, input that has not reached a device.
   * @throws {SnapshotError} `unsupported` naming a device, or `running`.
   */
  save(): Uint8Array<ArrayBuffer> {
    return this.#state.save();
  }

  /**
   * The same bytes in pieces of at most 260 KiB of RAM each, for large machines. Neither run the machine nor write to its
   * RAM before the last piece is there: the next one then throws a SnapshotError `running`.
   * @throws {SnapshotError} `unsupported` naming a device, or `running`.
   */
  saveInPieces(): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    return this.#state.saveInPieces();
  }

  /**
   * Goes on from a snapshot, which may be from another process, if the machine was made with the same options (`engine`,
   * `sharedMemory` and the seed's number may differ) and the same devices. The bytes are not kept.
   * @throws {SnapshotError} The machine is as it was.
   */
  restore(snapshot: Uint8Array): void {
    this.#state.restore(snapshot);
    this.#debugger?.replaced();
  }

  /**
   * The same from pieces of any size, which are read twice: once to check them, once to take them. Only a part of a
   * snapshot is in memory at a time.
   * @param open gives the pieces from the first on; called twice.
   * @throws {SnapshotError} The machine is as it was, unless the code is `incomplete`. Errors of the first reading's source
   * come as they are.
   */
  async restoreFrom(open: () => SnapshotPieces): Promise<void> {
    try {
      await this.#state.restoreFrom(open, () => this.#end.stop(0));
    } finally {
      this.#debugger?.replaced();
    }
  }

  /** Makes something that is not a device part of snapshots and resets; it stays so. */
  include(part: SnapshotPart): void {
    this.#state.include(part);
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
    this.#translator?.sliceEnded();
    if (this.#codeCache.takeWatchedWritten()) for (const stored of this.#storeWatchers) stored();
    return this.#debugger?.sliceEnded(hart) ?? false;
  }

  #turnOf(hart: Hart): void {
    this.#state.ran();
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
      deviceLoad: (hart, bytes) => this.#devices.load(hartAt(hart), bytes as AccessWidth),
      deviceStore: (hart, bytes) => this.#devices.store(hartAt(hart), bytes as AccessWidth),
      time: (hart) => hartAt(hart).time(),
      compareTime: (hart) => hartAt(hart).compareTime(),
      writePmp: (hart, csr, low, high) => hartAt(hart).writePmp(csr, low, high),
    };
    // Addresses reach the module as i32, whatever their sign.
    const translator = this.#translator;
    const regions = translator === null ? {} : importsOf(translator, layout.regionRetired | 0);
    const globals = {
      ram: layout.ram | 0,
      ramBytes: layout.ramBytes | 0,
      frameInfo: layout.frameInfo | 0,
      slots: layout.slots | 0,
    };
    return { ...imports, ...globals, ...regions, memory };
  }
}

/** What the interpreter's module takes of the translator. */
function importsOf(translator: Translator, regionRetired: number): WebAssembly.ModuleImports {
  const functions: RegionImports = { hot: (record) => translator.hot(record >>> 0) };
  return { ...functions, table: translator.table, threshold: translator.threshold, regionRetired };
}

function allocate(layout: MemoryLayout, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: layout.pages, maximum: layout.pages, shared });
  } catch (cause) {
    throw new MachineError('out-of-memory', `no memory for ${layout.ramBytes} bytes of RAM`, { cause });
  }
}
