/** A guest thread as Zircon's own pager tests have one: it does one thing, and a test watches, suspends and ends it. */
import { expect } from 'vitest';
import { ZX_PAGER_VMO_DIRTY, ZX_PAGER_VMO_READ } from '../../src/abi/port.js';
import { ZX_OK } from '../../src/abi/status.js';
import { GENERAL_REGS_BYTES, ZX_THREAD_STATE_GENERAL_REGS } from '../../src/abi/task.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import type { RunResult } from '../../src/kernel-loop.js';
import { AsmGuest, EXIT, FREE, PAGE, type AsmGuestOptions } from './asm-guest.js';
import { HARTS } from './harts.js';

const WORDS = PAGE / 8;

/** A VMO with a pager, as big as it is mapped at `address`. */
export interface MappedVmo {
  readonly handle: number;
  readonly key: bigint;
  readonly pages: number;
  readonly address: number;
}

/** A kernel with a pager, and guests that access its VMOs. It runs until nothing can go on, step by step. */
export class TestKernel {
  readonly host: HostProcess;
  readonly pager: number;
  readonly port: number;
  private nextKey = 2n;
  private nextAddress = FREE;

  private constructor(readonly kernel: Kernel) {
    this.host = kernel.createHostProcess('test');
    this.pager = this.host.pagerCreate(0).handle;
    this.port = this.host.portCreate(0).handle;
  }

  static async create(options: Parameters<typeof Kernel.create>[0] = {}): Promise<TestKernel> {
    return new TestKernel(await Kernel.create({ ramBytes: 16 * 2 ** 20, harts: HARTS, ...options }));
  }

  vmo(pages: number, options = 0): MappedVmo {
    const key = this.nextKey;
    this.nextKey += BigInt(pages * WORDS + 1);
    const { status, handle } = this.host.pagerCreateVmo(this.pager, options, this.port, key, pages * PAGE);
    expect(status).toBe(ZX_OK);
    const address = this.nextAddress;
    this.nextAddress += (pages + 1) * PAGE;
    return { handle, key, pages, address };
  }

  /** Starts a guest that ends with what its code leaves in a0. The VMOs are mapped, and given as $0, $1, ... */
  async start(
    source: string,
    vmos: readonly MappedVmo[] = [],
    options: AsmGuestOptions = {},
  ): Promise<AsmGuest> {
    return AsmGuest.start(this.kernel, this.host, `${source}\n${EXIT}`, {
      give: [...vmos.map(({ handle }) => this.host.handleDuplicate(handle, 0x8000_0000).handle)],
      map: vmos.map(({ address, handle, pages }) => ({ address, vmo: handle, bytes: pages * PAGE })),
      ...options,
    });
  }

  /** Runs until every thread waits, or has ended. */
  async settle(): Promise<RunResult['outcome']> {
    return (await this.kernel.run()).outcome;
  }

  state(thread: number): number {
    return this.host.threadInfo(thread).state;
  }

  /** The signals of an object. */
  async signals(handle: number): Promise<number> {
    return (await this.host.objectWaitOne(handle, 0, { deadline: 0 })).observed;
  }

  /** Suspends, at once or as soon as it can be. @returns the token */
  suspend(task: number): number {
    const { status, handle } = this.host.taskSuspend(task);
    expect(status).toBe(ZX_OK);
    return handle;
  }

  resume(token: number): void {
    expect(this.host.handleClose(token).status).toBe(ZX_OK);
  }

  /** The packets that lie on the port, oldest first: `R key [first, end)`. */
  packets(): string[] {
    const seen: string[] = [];
    for (;;) {
      const { packet } = this.host.portTryWait(this.port);
      if (packet === null) return seen;
      if (packet.pageRequest === null) throw new Error('no page request');
      const { command, offset, length } = packet.pageRequest;
      const first = Number(offset) / PAGE;
      const letter = command === ZX_PAGER_VMO_READ ? 'R' : command === ZX_PAGER_VMO_DIRTY ? 'D' : 'C';
      seen.push(`${letter} ${packet.key} [${first}, ${first + Number(length) / PAGE})`);
    }
  }

  R(vmo: MappedVmo, page: number, count: number): string {
    return `R ${vmo.key} [${page}, ${page + count})`;
  }

  D(vmo: MappedVmo, page: number, count: number): string {
    return `D ${vmo.key} [${page}, ${page + count})`;
  }

  /** Supplies pages whose words count up from the VMO's key. */
  supply(vmo: MappedVmo, page: number, count: number): void {
    const words = BigUint64Array.from(
      { length: count * WORDS },
      (_none, index) => vmo.key + BigInt(page * WORDS + index),
    );
    const aux = this.host.vmoCreate(count * PAGE, 0).handle;
    const bytes = new Uint8Array(words.buffer);
    expect(this.host.call('vmo_write', aux, bytes, 0, bytes.length)).toBe(ZX_OK);
    const supplied = this.host.pagerSupplyPages(this.pager, vmo.handle, page * PAGE, count * PAGE, aux, 0);
    expect(supplied.status).toBe(ZX_OK);
    this.host.handleClose(aux);
  }

  /** pc, then x1 to x31, of a thread that is stopped. */
  registers(thread: number): BigUint64Array {
    const bytes = new Uint8Array(GENERAL_REGS_BYTES);
    expect(this.host.threadReadState(thread, ZX_THREAD_STATE_GENERAL_REGS, bytes).status).toBe(ZX_OK);
    return new BigUint64Array(bytes.buffer);
  }

  setRegisters(thread: number, registers: BigUint64Array): void {
    const bytes = new Uint8Array(registers.buffer);
    expect(this.host.threadWriteState(thread, ZX_THREAD_STATE_GENERAL_REGS, bytes).status).toBe(ZX_OK);
  }

  /** Closes everything. Nothing may be left. */
  finish(): void {
    expect(this.packets()).toEqual([]);
    this.kernel.close();
    const { objects, frames, processes } = this.kernel.statistics();
    // The root job and the frame of zeros live as long as the kernel.
    expect({ objects, processes, used: frames.total - frames.free }).toEqual({
      objects: 1,
      processes: 0,
      used: 1,
    });
  }
}
