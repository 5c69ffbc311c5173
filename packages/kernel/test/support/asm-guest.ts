/** Guest processes written in assembly, put together by system calls of the host, at fixed addresses. */
import { assemble } from '@faultline/mmu-emu';
import { expect } from 'vitest';
import {
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_PERM_EXECUTE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
} from '../../src/abi/vm.js';
import { ZX_OK } from '../../src/abi/status.js';
import type { HostProcess } from '../../src/host/host-process.js';
import type { Kernel } from '../../src/kernel.js';
import { CALL_TABLE, callNumber } from '../../src/syscall/table.js';
import { buildVdso } from '../../src/syscall/vdso.js';
import type { ProcessDispatcher } from '../../src/task/process.js';

export const PAGE = 4096;
/** Start of the user half: offsets in the root region count from here. */
const USER_BASE = 0x20_0000;
export const CODE = 0x40_0000;
/** Readable and writable, shared with the test: `AsmGuest.data`. */
export const DATA = 0x60_0000;
export const DATA_BYTES = 16 * PAGE;
export const STACK_TOP = 0x80_0000;
const STACK_BYTES = 4 * PAGE;
export const VDSO = 0xa0_0000;
/** Tests map what they like from here on. */
export const FREE = 0x100_0000;

const image = buildVdso(CALL_TABLE, { ramBytes: 0, harts: 1, version: 'test' });

/** Address of an entry point of the vDSO. */
export function entry(name: string): number {
  const offset = image.symbols.get(`zx_${name}`);
  if (offset === undefined) throw new Error(`the vDSO lacks ${name}`);
  return VDSO + offset;
}

/** Address of the `ecall` of a system call: the only one that is accepted for it. */
export function site(name: string): number {
  const number = callNumber(name);
  if (number === undefined) throw new Error(`there is no call ${name}`);
  return VDSO + image.sites[number];
}

/** Assembly that calls the vDSO; clobbers t1 and ra. */
export function zx(name: string): string {
  return `li t1, ${entry(name)}\njalr t1`;
}

/** Assembly that ends the process with what is in a0. */
export const EXIT = zx('process_exit');

const codes = new Map<string, Uint8Array>();

/** Machine code; assembled once, since tests run the same guests again and again. */
function codeOf(source: string, compress: boolean): Uint8Array {
  const key = `${compress ? 'c' : ''} ${source}`;
  const known = codes.get(key);
  if (known !== undefined) return known;
  const { bytes } = assemble(source, { origin: CODE, compress });
  codes.set(key, bytes);
  return bytes;
}

/** A mapping that a guest is born with. */
export interface GuestMapping {
  readonly address: number;
  readonly vmo: number;
  /** `ZX_VM_PERM_*`; default read and write. */
  readonly permissions?: number;
  readonly offset?: number;
  readonly bytes: number;
}

export interface AsmGuestOptions {
  readonly name?: string;
  /** A handle to the job it is made in; default the root job. */
  readonly job?: number;
  /** Handles of the host that go to the guest: their values there are in `AsmGuest.given`, and as `$0`, `$1`, ... in the source. */
  readonly give?: readonly number[];
  readonly map?: readonly GuestMapping[];
  readonly pagerBlocking?: 'allow' | 'fail';
  /** a1 at the start. */
  readonly argument?: number | bigint;
  /** Uncompressed instructions, for code that is looked at. */
  readonly compress?: boolean;
}

/** A process with code at CODE, data at DATA, a stack, and the vDSO at VDSO. */
export class AsmGuest {
  private constructor(
    private readonly host: HostProcess,
    readonly process: number,
    readonly thread: number,
    readonly vmar: number,
    /** The VMO behind DATA. */
    readonly dataVmo: number,
    readonly dispatcher: ProcessDispatcher,
  ) {}

  /** Makes and starts it; it runs when the kernel does. */
  static async start(
    kernel: Kernel,
    host: HostProcess,
    source: string,
    options: AsmGuestOptions = {},
  ): Promise<AsmGuest> {
    const name = options.name ?? 'asm';
    const { process, vmar, status } = host.processCreate(options.job ?? host.rootJob().handle, name, 0);
    expect(status).toBe(ZX_OK);
    const dispatcher = host.handles.get(process)?.dispatcher as ProcessDispatcher;
    dispatcher.pagerBlocking = options.pagerBlocking ?? 'allow';
    const map = (mapping: GuestMapping): void => {
      const permissions = mapping.permissions ?? ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
      const mapped = host.vmarMap(
        vmar,
        permissions | ZX_VM_SPECIFIC,
        mapping.address - USER_BASE,
        mapping.vmo,
        mapping.offset ?? 0,
        mapping.bytes,
      );
      expect(mapped.status).toBe(ZX_OK);
    };

    const given = (options.give ?? []).map((handle) => {
      const taken = host.handles.remove(handle);
      if (taken === undefined) throw new Error(`no handle ${handle}`);
      return dispatcher.handles.add(taken);
    });
    const text = source.replace(/\$(\d+)/g, (_all, index: string) => String(given[Number(index)]));
    const bytes = codeOf(text, options.compress ?? true);
    const length = Math.ceil(bytes.length / PAGE) * PAGE;
    const code = host.vmoReplaceAsExecutable(host.vmoCreate(length, 0).handle).handle;
    expect((await host.vmoWrite(code, bytes, 0)).status).toBe(ZX_OK);
    map({ address: CODE, vmo: code, bytes: length, permissions: ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE });
    const dataVmo = host.vmoCreate(DATA_BYTES, 0).handle;
    map({ address: DATA, vmo: dataVmo, bytes: DATA_BYTES });
    map({ address: STACK_TOP - STACK_BYTES, vmo: host.vmoCreate(STACK_BYTES, 0).handle, bytes: STACK_BYTES });
    for (const mapping of options.map ?? []) map(mapping);
    AsmGuest.mapVdso(kernel, host, vmar);

    const thread = host.threadCreate(process, 'main', 0).handle;
    expect(host.processStart(process, thread, CODE, STACK_TOP, 0, options.argument ?? VDSO).status).toBe(
      ZX_OK,
    );
    return new AsmGuest(host, process, thread, vmar, dataVmo, dispatcher);
  }

  private static mapVdso(kernel: Kernel, host: HostProcess, vmar: number): void {
    const { handle, bytes, codeOffset } = kernel.vdso(host);
    const options = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC | ZX_VM_SPECIFIC;
    const region = host.vmarAllocate(vmar, options, VDSO - USER_BASE, bytes);
    expect(region.status).toBe(ZX_OK);
    const read = ZX_VM_PERM_READ | ZX_VM_SPECIFIC;
    expect(host.vmarMap(region.handle, read, 0, handle, 0, codeOffset).status).toBe(ZX_OK);
    const code = host.vmarMap(
      region.handle,
      read | ZX_VM_PERM_EXECUTE,
      codeOffset,
      handle,
      codeOffset,
      bytes - codeOffset,
    );
    expect(code.status).toBe(ZX_OK);
  }

  /**
   * Starts one more thread, at the instruction after a first `j` (put `.balign 4` between them).
   *
   * @param argument its a0, and which of the stacks below the first thread's it gets: less than 15
   * @param second its a1
   * @returns its handle
   */
  addThread(argument: number, second = 0): number {
    const { host } = this;
    const thread = host.threadCreate(this.process, `thread ${argument}`, 0).handle;
    const stack = STACK_TOP - 1024 * (argument + 1);
    expect(host.threadStart(thread, CODE + 4, stack, argument, second).status).toBe(ZX_OK);
    return thread;
  }

  get returnCode(): bigint {
    return this.host.processInfo(this.process).returnCode;
  }

  get crash(): ReturnType<HostProcess['processCrash']>['crash'] {
    return this.host.processCrash(this.process).crash;
  }

  /** Bytes of the shared data. */
  async data(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    expect((await this.host.vmoRead(this.dataVmo, bytes, offset)).status).toBe(ZX_OK);
    return bytes;
  }

  async word(offset: number): Promise<number> {
    return new DataView((await this.data(offset, 4)).buffer).getUint32(0, true);
  }

  async i64(offset: number): Promise<bigint> {
    return new DataView((await this.data(offset, 8)).buffer).getBigInt64(0, true);
  }
}
