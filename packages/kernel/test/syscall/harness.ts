/** A kernel small enough to test system calls on their own: processes with tables and paged memory, callers that can wait. */
import { ZX_KOID_FIRST } from '../../src/abi/object-types.js';
import { ZX_ERR_NOT_FOUND, ZX_ERR_ACCESS_DENIED, ZX_OK, type Status } from '../../src/abi/status.js';
import type { KernelEvent } from '../../src/events.js';
import { DebugLog } from '../../src/ipc/debug-log.js';
import type { KernelCore } from '../../src/kernel-core.js';
import { DEFAULT_LIMITS, type KernelLimits } from '../../src/limits.js';
import type { Dispatcher } from '../../src/object/dispatcher.js';
import { Handle, HandleTable } from '../../src/object/handle-table.js';
import type { Caller, CallerProcess, PagerBlocking } from '../../src/syscall/call.js';
import { CALL_TABLE, callNumber } from '../../src/syscall/table.js';
import { Totals } from '../../src/totals.js';
import { TimerQueue } from '../../src/task/timer-queue.js';
import type { UserMemory } from '../../src/task/user-memory.js';
import { advance, BLOCKED, WaitQueue, Waiter, type Blocker, type Operation } from '../../src/task/waiter.js';

const PAGE = 4096;
const TWO_32 = 0x1_0000_0000;

type PageState = 'present' | 'absent' | 'read-only' | 'unmapped';

/** Sixteen pages of memory from `base` on, each of which can be taken away. */
export class TestMemory implements UserMemory {
  readonly base = 0x10_0000;
  readonly bytes = new Uint8Array(16 * PAGE);
  readonly data = new DataView(this.bytes.buffer);
  private readonly states: PageState[] = new Array<PageState>(16).fill('present');
  private readonly failures = new Map<number, Status>();
  private readonly queues = new Map<number, WaitQueue>();
  /** Pages that were waited for, in order. */
  readonly requests: number[] = [];

  /** Changes a page. `present` also wakes who waits for it. */
  set(page: number, state: PageState): void {
    this.states[page] = state;
    if (state !== 'absent') this.queues.get(page)?.wakeAll(ZX_OK);
  }

  /** Everybody who waits for the page gets this status. */
  fail(page: number, status: Status): void {
    this.failures.set(page, status);
    this.queues.get(page)?.wakeAll(ZX_OK);
  }

  view(address: number, length: number, write: boolean): Uint8Array | null {
    const position = address - this.base;
    const state = this.stateAt(position);
    if (state !== 'present' && !(state === 'read-only' && !write)) return null;
    const end = Math.min(position + length, (Math.floor(position / PAGE) + 1) * PAGE);
    return this.bytes.subarray(position, end);
  }

  fault(address: number, write: boolean): Status | Blocker {
    const position = address - this.base;
    const page = Math.floor(position / PAGE);
    switch (this.stateAt(position)) {
      case 'present':
        return ZX_OK;
      case 'read-only':
        return write ? ZX_ERR_ACCESS_DENIED : ZX_OK;
      case 'unmapped':
        return ZX_ERR_NOT_FOUND;
      case 'absent': {
        const failure = this.failures.get(page);
        if (failure !== undefined) return failure;
        const queue = this.queues.get(page) ?? new WaitQueue();
        this.queues.set(page, queue);
        this.requests.push(page);
        return {
          kind: 'pager',
          deadline: Infinity,
          subscribe: (waiter) => queue.add(waiter),
          unsubscribe: (waiter) => queue.remove(waiter),
          describe: () => `page ${page}`,
        };
      }
    }
  }

  u32(address: number): number {
    return this.data.getUint32(address - this.base, true);
  }

  u64(address: number): number {
    return Number(this.data.getBigUint64(address - this.base, true));
  }

  setU32s(address: number, ...values: readonly number[]): void {
    values.forEach((value, index) => this.data.setUint32(address - this.base + 4 * index, value, true));
  }

  setU64(address: number, value: number | bigint): void {
    this.data.setBigUint64(address - this.base, BigInt(value), true);
  }

  put(address: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, address - this.base);
  }

  slice(address: number, length: number): Uint8Array {
    return this.bytes.slice(address - this.base, address - this.base + length);
  }

  private stateAt(position: number): PageState {
    if (position < 0 || position >= this.bytes.length) return 'unmapped';
    return this.states[Math.floor(position / PAGE)];
  }
}

/** The kernel: time stands still unless told otherwise. */
export class TestKernel implements KernelCore {
  readonly machine = null as unknown as KernelCore['machine'];
  readonly vm = null as unknown as KernelCore['vm'];
  readonly tasks = null as unknown as KernelCore['tasks'];
  readonly overtime = null as unknown as KernelCore['overtime'];
  time = 1_000;
  readonly clock = {
    now: (): number => this.time,
    retire: (): void => undefined,
    skipTo: (): boolean => false,
  };
  readonly timers = new TimerQueue();
  readonly limits: KernelLimits;
  readonly totals = new Totals();
  readonly debugLog: DebugLog;
  readonly rng: { next(): number };
  events: ((event: KernelEvent) => void) | null = null;
  liveObjects = 0;
  retired = 0;
  private koid = ZX_KOID_FIRST;
  private random = 0;
  readonly ready: (() => void)[] = [];

  constructor(limits: Partial<KernelLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.debugLog = new DebugLog(this.clock, this.limits.logRecords);
    this.rng = { next: () => (this.random = (this.random + 0x0102_0305) >>> 0) };
  }

  nextKoid(): number {
    return this.koid++;
  }

  log(): void {}

  /** Runs everything that is runnable. */
  settle(): void {
    for (let task = this.ready.shift(); task !== undefined; task = this.ready.shift()) task();
  }

  /** Moves time, fires timers, and runs what they woke. */
  advanceTo(time: number): void {
    this.time = time;
    this.timers.expire(time);
    this.settle();
  }

  process(): TestProcess {
    return new TestProcess(this);
  }
}

/** A system call under way. */
export class TestCall extends Waiter {
  status: Status | undefined;
  private operation: Operation | null = null;

  constructor(private readonly kernel: TestKernel) {
    super(kernel.timers);
  }

  begin(result: Status | Operation): void {
    if (typeof result === 'number') {
      this.status = result;
      return;
    }
    this.operation = result;
    this.step(ZX_OK);
  }

  /** The caller is killed: what the operation holds is given back. */
  kill(): void {
    this.abandonWait();
    this.operation?.return(ZX_OK);
    this.operation = null;
  }

  protected override resume(status: Status): void {
    this.kernel.ready.push(() => {
      if (this.operation !== null) this.step(status);
    });
  }

  private step(status: Status): void {
    const result = advance(this.operation as Operation, this, status);
    if (result !== BLOCKED) {
      this.status = result;
      this.operation = null;
    }
  }
}

/** A process with one thread, which can make many calls at once. */
export class TestProcess implements CallerProcess {
  readonly koid: number;
  readonly handles: HandleTable;
  readonly pagerBlocking: PagerBlocking = 'allow';
  readonly memory = new TestMemory();

  constructor(readonly kernel: TestKernel) {
    this.koid = kernel.nextKoid();
    this.handles = new HandleTable(kernel.limits.handlesPerProcess, kernel.totals, kernel.limits.handles);
  }

  /** Starts a system call. Numbers may be 64 bits wide; pointers are addresses in `memory`. */
  start(name: string, ...args: readonly (number | bigint)[]): TestCall {
    const number = callNumber(name);
    if (number === undefined) throw new Error(`no system call ${name}`);
    const words = new Uint32Array(16);
    args.forEach((arg, index) => {
      const value = BigInt.asUintN(64, BigInt(arg));
      words[2 * index] = Number(value & 0xffff_ffffn);
      words[2 * index + 1] = Number(value >> 32n);
    });
    const call = new TestCall(this.kernel);
    call.begin(CALL_TABLE[number].handler(this.caller(call), words));
    this.kernel.settle();
    return call;
  }

  /** What a handler gets to know of the one who calls. */
  caller(call: TestCall): Caller {
    return {
      core: this.kernel,
      process: this,
      waiter: call,
      memory: this.memory,
      mayWaitForPager: true,
      thread: { koid: this.koid + 1_000_000 },
    };
  }

  /** Makes a system call that must not wait. */
  call(name: string, ...args: readonly (number | bigint)[]): Status {
    const call = this.start(name, ...args);
    if (call.status === undefined)
      throw new Error(`${name} waits for ${call.blocker?.describe() ?? 'nothing'}`);
    return call.status;
  }

  /** An object with a handle of these rights (default: all that it starts with). */
  give(dispatcher: Dispatcher, rights = dispatcher.defaultRights): number {
    return this.handles.add(new Handle(dispatcher, rights));
  }

  /** The object behind a handle. */
  object(value: number): Dispatcher {
    const handle = this.handles.get(value);
    if (handle === undefined) throw new Error(`no handle ${value}`);
    return handle.dispatcher;
  }

  /** Where results go that a test does not keep. */
  get out(): number {
    return this.memory.base;
  }

  /** Calls `name` with `args` and one pointer for a handle after them; returns the handle. */
  make(name: string, ...args: readonly (number | bigint)[]): number {
    const status = this.call(name, ...args, this.out);
    if (status !== ZX_OK) throw new Error(`${name}: ${status}`);
    return this.memory.u32(this.out);
  }

  /** Calls `name` with `args` and two pointers for handles. */
  makePair(name: string): [number, number] {
    const status = this.call(name, 0, this.out, this.out + 4);
    if (status !== ZX_OK) throw new Error(`${name}: ${status}`);
    return [this.memory.u32(this.out), this.memory.u32(this.out + 4)];
  }
}

/** ZX_TIME_INFINITE, as an argument. */
export const FOREVER = 0x7fff_ffff_ffff_ffffn;

/** A bad pointer: nothing is mapped there. */
export const NOWHERE = TWO_32 * 7;

/** A handle value of the right form that nobody has. */
export const NO_HANDLE = 0xffff_ffff;
