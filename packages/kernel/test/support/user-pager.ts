/** A pager with one port, as Zircon's own pager tests have one: each VMO's words count up from its key. */
import { expect } from 'vitest';
import { ZX_PAGER_OP_FAIL } from '../../src/abi/pager.js';
import { ZX_PAGER_VMO_COMPLETE, ZX_PAGER_VMO_READ } from '../../src/abi/port.js';
import { ZX_ERR_IO, ZX_OK, type Status } from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { GuestThread } from './guest-thread.js';
import { PAGE, type VmFixture } from './vm-fixture.js';

const WORDS = PAGE / 8;

/** A VMO of the test, mapped in its address space. */
export interface PagedVmo {
  readonly handle: number;
  readonly key: bigint;
  /** First word of the pattern: that of the key, moved on for clones. */
  readonly first: bigint;
  readonly base: number;
  readonly pages: number;
}

/** A call of the host that may wait. */
export class Call {
  status: Status | undefined;

  constructor(promise: Promise<{ readonly status: Status }>) {
    void promise.then(({ status }) => (this.status = status));
  }

  get isBlocked(): boolean {
    return this.status === undefined;
  }
}

/** What a page holds. */
export function pattern(vmo: PagedVmo, page: number, count = 1): Uint8Array {
  const words = new BigUint64Array(count * WORDS);
  for (let index = 0; index < words.length; index += 1)
    words[index] = vmo.first + BigInt(page * WORDS + index);
  return new Uint8Array(words.buffer);
}

export class UserPager {
  readonly pager: number;
  readonly port: number;
  readonly space: AddressSpace;
  readonly vmar: number;
  private nextKey = 2n;

  constructor(readonly fixture: VmFixture) {
    this.pager = ok(this.host.pagerCreate(0)).handle;
    this.port = ok(this.host.portCreate(0)).handle;
    ({ space: this.space, vmar: this.vmar } = fixture.space());
  }

  get host(): HostProcess {
    return this.fixture.host;
  }

  createVmo(pages: number, options = 0): PagedVmo {
    const key = this.nextKey;
    this.nextKey += BigInt(pages * WORDS + 1);
    const { handle } = ok(this.host.pagerCreateVmo(this.pager, options, this.port, key, pages * PAGE));
    return { handle, key, first: key, base: this.map(handle, pages), pages };
  }

  clone(
    parent: PagedVmo,
    options = ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE | ZX_VMO_CHILD_RESIZABLE,
    page = 0,
    pages = parent.pages,
  ): PagedVmo {
    const { handle } = ok(this.host.vmoCreateChild(parent.handle, options, page * PAGE, pages * PAGE));
    return {
      handle,
      key: parent.key,
      first: parent.first + BigInt(page * WORDS),
      base: this.map(handle, pages),
      pages,
    };
  }

  /** Maps a VMO, all of it; 0 when it is empty. */
  map(handle: number, pages: number, permissions = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE): number {
    if (pages === 0) return 0;
    return ok(this.host.vmarMap(this.vmar, permissions, 0, handle, 0, pages * PAGE)).address;
  }

  /** Supplies pages with their pattern, from a fresh VMO at `auxPage`. */
  supply(vmo: PagedVmo, page: number, count: number, auxPage = 0): Status {
    return this.supplyBytes(vmo, page, pattern(vmo, page, count), auxPage);
  }

  supplyBytes(vmo: PagedVmo, page: number, bytes: Uint8Array, auxPage = 0): Status {
    const aux = this.memory(bytes, auxPage);
    const { status } = this.host.pagerSupplyPages(
      this.pager,
      vmo.handle,
      page * PAGE,
      bytes.length,
      aux,
      auxPage * PAGE,
    );
    this.host.handleClose(aux);
    return status;
  }

  /** Supplies pages that were never written. */
  supplyZero(vmo: PagedVmo, page: number, count: number): Status {
    const aux = ok(this.host.vmoCreate(count * PAGE, 0)).handle;
    const { status } = this.host.pagerSupplyPages(this.pager, vmo.handle, page * PAGE, count * PAGE, aux, 0);
    this.host.handleClose(aux);
    return status;
  }

  fail(vmo: PagedVmo, page: number, count: number, error: Status = ZX_ERR_IO): Status {
    return this.host.pagerOpRange(this.pager, ZX_PAGER_OP_FAIL, vmo.handle, page * PAGE, count * PAGE, error)
      .status;
  }

  detach(vmo: PagedVmo): Status {
    return this.host.pagerDetachVmo(this.pager, vmo.handle).status;
  }

  /** An anonymous VMO with contents from page `page` on. */
  memory(bytes: Uint8Array, page = 0): number {
    const { handle } = ok(this.host.vmoCreate(page * PAGE + bytes.length, 0));
    this.poke(handle, page, bytes);
    return handle;
  }

  /** Writes at once. */
  poke(handle: number, page: number, bytes: Uint8Array): void {
    expect(this.host.call('vmo_write', handle, bytes, page * PAGE, bytes.length)).toBe(ZX_OK);
  }

  /** The packets that lie on the port, oldest first, as `command key page count`. */
  packets(): string[] {
    const seen: string[] = [];
    for (;;) {
      const { status, packet } = this.host.portTryWait(this.port);
      if (status !== ZX_OK || packet === null) return seen;
      if (packet.pageRequest === null) throw new Error('no page request');
      const { command, offset, length } = packet.pageRequest;
      const name =
        command === ZX_PAGER_VMO_READ ? 'R' : command === ZX_PAGER_VMO_COMPLETE ? 'C' : `command ${command}`;
      seen.push(describePacket(name, packet.key, Number(offset) / PAGE, Number(length) / PAGE));
    }
  }

  /** Exactly these packets lie on the port, in any order. */
  expectPackets(...expected: readonly string[]): void {
    expect(this.packets().sort()).toEqual([...expected].sort());
  }

  R(vmo: PagedVmo, page: number, count: number): string {
    return describePacket('R', vmo.key, page, count);
  }

  C(vmo: PagedVmo): string {
    return describePacket('C', vmo.key, 0, 0);
  }

  /** Pages of a VMO that are committed. */
  committed(vmo: PagedVmo): number {
    return this.object(vmo).committedPages;
  }

  object(vmo: PagedVmo): VmoDispatcher {
    const object = this.host.handles.get(vmo.handle)?.dispatcher;
    if (!(object instanceof VmoDispatcher)) throw new Error('no VMO');
    return object;
  }

  commit(vmo: PagedVmo, page: number, count: number): Call {
    return new Call(this.host.vmoOpRange(vmo.handle, 1, page * PAGE, count * PAGE));
  }

  read(vmo: PagedVmo, page: number, count: number): Reader {
    return new Reader(this, vmo, page, count);
  }

  /** A thread that loads the first word of a page. */
  load(vmo: PagedVmo, page: number): GuestThread {
    return GuestThread.start(this.fixture, this.space, 'read', vmo.base + page * PAGE);
  }

  store(vmo: PagedVmo, page: number, value: bigint): GuestThread {
    return GuestThread.start(this.fixture, this.space, 'write', vmo.base + page * PAGE, value);
  }

  turn(): Promise<void> {
    return this.fixture.turn();
  }

  /** Nothing is left on the port, and nothing leaks. */
  finish(): void {
    expect(this.packets()).toEqual([]);
    this.fixture.expectNoLeaks();
  }
}

/** A `zx_vmo_read` of whole pages. */
export class Reader extends Call {
  readonly bytes: Uint8Array;

  constructor(
    pager: UserPager,
    private readonly vmo: PagedVmo,
    private readonly page: number,
    count: number,
  ) {
    const bytes = new Uint8Array(count * PAGE);
    super(pager.host.vmoRead(vmo.handle, bytes, page * PAGE));
    this.bytes = bytes;
  }

  /** Pages from the start that have arrived with their pattern. */
  get arrived(): number {
    const expected = pattern(this.vmo, this.page, this.bytes.length / PAGE);
    let pages = 0;
    while (pages * PAGE < this.bytes.length) {
      const at = pages * PAGE;
      if (Buffer.compare(this.bytes.subarray(at, at + PAGE), expected.subarray(at, at + PAGE)) !== 0) break;
      pages += 1;
    }
    return pages;
  }
}

/** The result, when it is a success. */
export function ok<T extends { readonly status: Status }>(result: T): T {
  if (result.status !== ZX_OK) throw new Error(`status ${result.status}`);
  return result;
}

function describePacket(command: string, key: bigint, page: number, count: number): string {
  return `${command} key ${key} [${page}, ${page + count})`;
}
