/** A pager with one port, as Zircon's own pager tests have one: each VMO's words count up from its key. */
import { expect } from 'vitest';
import {
  DIRTY_RANGE_BYTES,
  ZX_PAGER_OP_DIRTY,
  ZX_PAGER_OP_FAIL,
  ZX_PAGER_OP_WRITEBACK_BEGIN,
  ZX_PAGER_OP_WRITEBACK_END,
  ZX_PAGER_RESET_VMO_STATS,
  ZX_PAGER_VMO_STATS_MODIFIED,
  ZX_VMO_DIRTY_RANGE_IS_ZERO,
} from '../../src/abi/pager.js';
import { ZX_PAGER_VMO_COMPLETE, ZX_PAGER_VMO_DIRTY, ZX_PAGER_VMO_READ } from '../../src/abi/port.js';
import { ZX_ERR_IO, ZX_OK, type Status } from '../../src/abi/status.js';
import {
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VMO_CHILD_RESIZABLE,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_TRAP_DIRTY,
} from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { VmoDispatcher } from '../../src/vm/vm-object.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import { GuestCall } from './guest-call.js';
import { GuestThread } from './guest-thread.js';
import { pattern, type PagedVmo } from './paged-vmo.js';
import { Call, CalledWordWrite, MappedWordWrite, Reader, type WordWrite } from './pager-actors.js';
import { PAGE, type VmFixture } from './vm-fixture.js';

const WORDS = PAGE / 8;

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

  /** ZX_PAGER_OP_DIRTY. */
  dirty(vmo: PagedVmo, page: number, count: number): Status {
    return this.opRange(ZX_PAGER_OP_DIRTY, vmo, page, count, 0);
  }

  /** @param zeros with the option that leaves pages out */
  writebackBegin(vmo: PagedVmo, page: number, count: number, zeros = false): Status {
    const data = zeros ? ZX_VMO_DIRTY_RANGE_IS_ZERO : 0;
    return this.opRange(ZX_PAGER_OP_WRITEBACK_BEGIN, vmo, page, count, data);
  }

  writebackEnd(vmo: PagedVmo, page: number, count: number): Status {
    return this.opRange(ZX_PAGER_OP_WRITEBACK_END, vmo, page, count, 0);
  }

  /** Both, which succeed. */
  writeBack(vmo: PagedVmo, page: number, count: number, zeros = false): void {
    expect(this.writebackBegin(vmo, page, count, zeros)).toBe(ZX_OK);
    expect(this.writebackEnd(vmo, page, count)).toBe(ZX_OK);
  }

  opRange(op: number, vmo: PagedVmo, page: number, count: number, data: number): Status {
    return this.host.pagerOpRange(this.pager, op, vmo.handle, page * PAGE, count * PAGE, data).status;
  }

  /** Whether the VMO was modified since this was asked last. */
  modified(vmo: PagedVmo): boolean {
    const { status, modified } = this.host.pagerQueryVmoStats(
      this.pager,
      vmo.handle,
      ZX_PAGER_RESET_VMO_STATS,
    );
    return status === ZX_OK && modified === ZX_PAGER_VMO_STATS_MODIFIED;
  }

  /** H-09: the dirty ranges of all of a VMO are these, as `{page,count}` with a Z behind zeros; asked for in every way. */
  expectDirty(vmo: PagedVmo, expected: string): void {
    const length = this.object(vmo).pages * PAGE;
    const none = this.host.pagerQueryDirtyRanges(this.pager, vmo.handle, 0, length, new Uint8Array(0));
    const ranges = expected === '' ? [] : expected.split(' ');
    expect(none).toEqual({ status: ZX_OK, actual: 0, available: ranges.length });
    const queries: RangeQuery[] = [
      (offset) => {
        const into = new Uint8Array(2 * DIRTY_RANGE_BYTES);
        const result = ok(
          this.host.pagerQueryDirtyRanges(this.pager, vmo.handle, offset, length - offset, into),
        );
        return { ...result, into };
      },
      (offset) => this.queryIntoUntouchedMemory(vmo, offset, length - offset),
    ];
    for (const query of queries) {
      const seen: string[] = [];
      for (let offset = 0; offset < length;) {
        const { actual, available, into } = query(offset);
        expect(available).toBe(ranges.length - seen.length);
        expect(actual).toBe(Math.min(available, 2));
        if (actual === 0) break;
        const view = new DataView(into.buffer, into.byteOffset, into.length);
        for (let index = 0; index < actual; index += 1) {
          const [start, bytes, options] = [0, 8, 16].map((field) =>
            Number(view.getBigUint64(index * DIRTY_RANGE_BYTES + field, true)),
          );
          const zeros = options === ZX_VMO_DIRTY_RANGE_IS_ZERO ? 'Z' : '';
          seen.push(`{${start / PAGE},${bytes / PAGE}}${zeros}`);
          offset = start + bytes;
        }
      }
      expect(seen.join(' ')).toBe(expected);
    }
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
      seen.push(
        describePacket(
          COMMANDS.get(command) ?? `command ${command}`,
          packet.key,
          Number(offset) / PAGE,
          Number(length) / PAGE,
        ),
      );
    }
  }

  /** Exactly these packets lie on the port, in any order. */
  expectPackets(...expected: readonly string[]): void {
    expect(this.packets().sort()).toEqual([...expected].sort());
  }

  /** These pages, and nothing else, were asked for; supplies them. */
  async answerRead(vmo: PagedVmo, page: number, count: number): Promise<void> {
    this.expectPackets(this.R(vmo, page, count));
    expect(this.supply(vmo, page, count)).toBe(ZX_OK);
    await this.turn();
  }

  /** Leave to write to these pages, and nothing else, was asked for; gives it. */
  async answerDirty(vmo: PagedVmo, page: number, count: number): Promise<void> {
    this.expectPackets(this.D(vmo, page, count));
    expect(this.dirty(vmo, page, count)).toBe(ZX_OK);
    await this.turn();
  }

  /** The pages, which are there, have the pattern that they were supplied with. */
  expectPattern(vmo: PagedVmo, page: number, count = 1): void {
    const contents = this.contents(vmo, page, count);
    const expected = pattern(vmo, page, count);
    // Compared as a whole, since a matcher takes long for so many bytes; told word by word where that fails.
    if (Buffer.compare(contents, expected) !== 0) expect(contents).toEqual(expected);
  }

  /** The pages are full of one byte. */
  expectBytes(vmo: PagedVmo, page: number, count: number, byte: number): void {
    expect(this.contents(vmo, page, count).every((value) => value === byte)).toBe(true);
  }

  R(vmo: PagedVmo, page: number, count: number): string {
    return describePacket('R', vmo.key, page, count);
  }

  D(vmo: PagedVmo, page: number, count: number): string {
    return describePacket('D', vmo.key, page, count);
  }

  C(vmo: PagedVmo): string {
    return describePacket('C', vmo.key, 0, 0);
  }

  /** Pages of a VMO that are committed. */
  committed(vmo: PagedVmo): number {
    return this.object(vmo).attribution.pages;
  }

  object(vmo: PagedVmo): VmoDispatcher {
    const object = this.host.handles.get(vmo.handle)?.dispatcher;
    if (!(object instanceof VmoDispatcher)) throw new Error('no VMO');
    return object;
  }

  commit(vmo: PagedVmo, page: number, count: number): Call {
    return new Call(this.host.vmoOpRange(vmo.handle, 1, page * PAGE, count * PAGE));
  }

  op(vmo: PagedVmo, operation: number, page: number, count: number): Call {
    return this.opBytes(vmo, operation, page * PAGE, count * PAGE);
  }

  opBytes(vmo: PagedVmo, operation: number, offset: number, length: number): Call {
    return new Call(this.host.vmoOpRange(vmo.handle, operation, offset, length));
  }

  resize(vmo: PagedVmo, pages: number): Call {
    return new Call(this.host.vmoSetSize(vmo.handle, pages * PAGE));
  }

  /** A `zx_vmo_write` of whole pages that are full of one byte. */
  write(vmo: PagedVmo, page: number, count: number, byte: number): Call {
    return new Call(this.host.vmoWrite(vmo.handle, new Uint8Array(count * PAGE).fill(byte), page * PAGE));
  }

  /** One word, by a thread of a guest (`Vmar`) or by `zx_vmo_write` (`Vmo`). */
  writeWord(path: 'Vmar' | 'Vmo', vmo: PagedVmo, page: number, value: bigint): WordWrite {
    if (path === 'Vmar') return new MappedWordWrite(this.store(vmo, page, value));
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return new CalledWordWrite(new Call(this.host.vmoWrite(vmo.handle, bytes, page * PAGE)));
  }

  /** The words at the beginning of pages, as a read that does not wait finds them. */
  words(vmo: PagedVmo, page = 0, count = this.object(vmo).pages - page): bigint[] {
    const bytes = this.contents(vmo, page, count);
    const view = new DataView(bytes.buffer);
    return Array.from({ length: count }, (_, index) => view.getBigUint64(index * PAGE, true));
  }

  /** Whole pages, which are there. */
  contents(vmo: PagedVmo, page: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count * PAGE);
    expect(this.host.call('vmo_read', vmo.handle, bytes, page * PAGE, bytes.length)).toBe(ZX_OK);
    return bytes;
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

  private queryIntoUntouchedMemory(vmo: PagedVmo, offset: number, length: number): RangeRecords {
    const { handle } = ok(this.host.vmoCreate(3 * PAGE, 0));
    const base = this.map(handle, 3);
    // The first record ends where the first page does, and the counts lie in a page of their own.
    const buffer = base + PAGE - DIRTY_RANGE_BYTES;
    const counts = base + 2 * PAGE;
    const call = GuestCall.start(
      this.fixture,
      this.space,
      'pager_query_dirty_ranges',
      this.pager,
      vmo.handle,
      offset,
      length,
      buffer,
      2 * DIRTY_RANGE_BYTES,
      counts,
      counts + 8,
    );
    expect(call.status).toBe(ZX_OK);
    const bytes = new Uint8Array(3 * PAGE);
    expect(this.host.call('vmo_read', handle, bytes, 0, bytes.length)).toBe(ZX_OK);
    ok(this.host.vmarUnmap(this.vmar, base, 3 * PAGE));
    this.host.handleClose(handle);
    const view = new DataView(bytes.buffer);
    return {
      actual: Number(view.getBigUint64(2 * PAGE, true)),
      available: Number(view.getBigUint64(2 * PAGE + 8, true)),
      into: bytes.subarray(PAGE - DIRTY_RANGE_BYTES, PAGE + DIRTY_RANGE_BYTES),
    };
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

const COMMANDS = new Map([
  [ZX_PAGER_VMO_READ, 'R'],
  [ZX_PAGER_VMO_DIRTY, 'D'],
  [ZX_PAGER_VMO_COMPLETE, 'C'],
]);

/** What the tests that run with and without trapped writes create VMOs with. */
export const DIRTY_MODES = [
  ['TrapDirty', ZX_VMO_TRAP_DIRTY],
  ['NoTrapDirty', 0],
] as const;

interface RangeRecords {
  readonly actual: number;
  readonly available: number;
  readonly into: Uint8Array;
}

type RangeQuery = (offset: number) => RangeRecords;

/** The result, when it is a success. */
export function ok<T extends { readonly status: Status }>(result: T): T {
  if (result.status !== ZX_OK) throw new Error(`status ${result.status}`);
  return result;
}

function describePacket(command: string, key: bigint, page: number, count: number): string {
  return `${command} key ${key} [${page}, ${page + count})`;
}
