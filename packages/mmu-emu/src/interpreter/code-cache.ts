import type { MemoryLayout } from '../memory-layout.js';
import type { TlbFrames } from '../mmu/tlb-snapshot.js';
import type { FrameObserver } from '../ram.js';
import type { SnapshotPart } from '../snapshot/snapshot-part.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import { RECORD_BYTES, RECORD_ENTRIES, RECORD_HANDLER, RECORDS, SLOT_BYTES, SLOT_FRAME, SLOT_OBSERVERS, SLOT_RECORDS, SLOT_STORES } from './record.js'; // prettier-ignore

/** Low bits of a frame's info: 1 + the slot of its decoded code, or 0. */
export const FRAME_SLOT_MASK = 0x7fff;
/** Set when a TLB may hold a store entry for the frame. */
export const FRAME_STORE_ENTRY = 0x8000;

/** Stores into decoded code, with nothing decoded in between, after which the page counts as data again. */
export const STORES_UNTIL_DATA = 256;

const FREE = 0xffff_ffff;

/** In place of a slot: the frame has no decoded code, and is watched. No cache has as many slots. */
export const FRAME_WATCHED = FRAME_SLOT_MASK;

/** Hears when decoded code is no longer right. A slot is named by its byte address. */
export interface CodeObserver {
  /** Bytes [from, to) of the slot's page change. */
  codeChanged(slot: number, from: number, to: number): void;
  /** The slot's page is code no more, or another's from here on. */
  codeDropped(slot: number): void;
}

/**
 * The bounded cache of decoded pages.
 *
 * A frame that instructions were fetched from has a slot of records. No TLB has a store entry for it that a look-up finds at
 * once, so every store into it forgets just the records it overlaps, here or in WebAssembly (store-to-code.ts): code that changes
 * itself sees the change at once, with or without fence.i. A page stored to again and again without being run loses its slot and becomes fast to store to.
 * When no slot is free, the one claimed longest ago goes.
 */
export class CodeCache implements FrameObserver, SnapshotPart, TlbFrames {
  readonly name = 'code';
  /** Host address of frame 0. */
  readonly ram: number;
  /** How many frames there are. */
  readonly count: number;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  readonly #frameInfo: Uint16Array;
  readonly #layout: MemoryLayout;
  readonly #dropStoreEntries: (hostAddress: number) => void;
  /** Set by the translator. */
  observer: CodeObserver | null = null;
  #next = 0;
  /** Slots that were ever claimed. The others are not even written to, so a large cache costs what is used of it. */
  #used = 0;
  readonly #watched = new Set<number>();
  #watchedWritten = false;

  /** @param dropStoreEntries takes a frame out of every TLB's store entries; gets its host address. */
  constructor(
    buffer: ArrayBufferLike,
    layout: MemoryLayout,
    dropStoreEntries: (hostAddress: number) => void,
  ) {
    this.#words = new Uint32Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.#frameInfo = new Uint16Array(buffer, layout.frameInfo, layout.frameCount);
    this.#layout = layout;
    this.ram = layout.ram;
    this.count = layout.frameCount;
    this.#dropStoreEntries = dropStoreEntries;
  }

  /** Byte address of a frame's slot, given to it now if it had none. */
  claim(frame: number): number {
    const info = this.#frameInfo[frame];
    const owned = info & FRAME_SLOT_MASK;
    if (owned !== 0 && owned !== FRAME_WATCHED) return this.#address(owned - 1);
    if (info & FRAME_STORE_ENTRY) this.#dropStoreEntries(this.#layout.ram + frame * 4096);
    const slot = this.#next;
    this.#next = (slot + 1) % this.#layout.slotCount;
    if (slot === this.#used) this.#used += 1;
    else this.#release(slot);
    const address = this.#address(slot);
    this.#words[(address + SLOT_FRAME) >>> 2] = frame;
    this.#words[(address + SLOT_OBSERVERS) >>> 2] = this.#watched.has(frame) ? 1 : 0;
    this.#frameInfo[frame] = slot + 1;
    return address;
  }

  /** Something was decoded into the page of this record. */
  decoded(record: number): void {
    const slot = Math.floor((record - this.#layout.slots) / SLOT_BYTES);
    this.#words[(this.#address(slot) + SLOT_STORES) >>> 2] = 0;
  }

  dropCode(frame: number, count: number): void {
    for (let f = frame; f < frame + count; f++) {
      const owned = this.#frameInfo[f] & FRAME_SLOT_MASK;
      if (owned !== 0 && owned !== FRAME_WATCHED) this.#release(owned - 1);
    }
  }

  slotOf(frame: number): number | undefined {
    const owned = this.#frameInfo[frame] & FRAME_SLOT_MASK;
    return owned === 0 || owned === FRAME_WATCHED ? undefined : this.#address(owned - 1);
  }

  allowStores(frame: number): boolean {
    if ((this.#frameInfo[frame] & FRAME_SLOT_MASK) !== 0) return false;
    this.#frameInfo[frame] |= FRAME_STORE_ENTRY;
    return true;
  }

  /** Which frames have decoded code. The code itself is decoded anew. */
  save(to: StateWriter): void {
    to.words([this.#used, this.#next]);
    for (let slot = 0; slot < this.#used; slot++) {
      const at = this.#address(slot) >>> 2;
      to.words([this.#words[at], this.#words[at + SLOT_STORES / 4]]);
    }
  }

  /** Forgets all decoded code. TLBs are restored afterwards. */
  restore(from: StateReader): void {
    const { slotCount, frameCount } = this.#layout;
    for (let slot = 0; slot < this.#used; slot++) this.#release(slot);
    this.#used = from.u32(slotCount);
    this.#next = from.u32(slotCount - 1);
    if (this.#used < slotCount && this.#next !== this.#used) from.fail('code leaves places out');
    for (let slot = 0; slot < this.#used; slot++) this.#words[this.#address(slot) >>> 2] = FREE;
    for (let slot = 0; slot < this.#used; slot++) {
      const frame = from.u32();
      const stores = from.u32(STORES_UNTIL_DATA - 1);
      if (frame === FREE) continue;
      if (frame >= frameCount || this.slotOf(frame) !== undefined) from.fail('code is in no frame, or twice');
      const at = this.#address(slot) >>> 2;
      this.#words[at] = frame;
      this.#words[at + SLOT_STORES / 4] = stores;
      this.#words[at + SLOT_OBSERVERS / 4] = this.#watched.has(frame) ? 1 : 0;
      this.#frameInfo[frame] = slot + 1;
    }
  }

  /** From now on every store of the guest to this frame is seen; it is not lifted again. */
  watch(frame: number): void {
    if (this.#watched.has(frame)) return;
    this.#watched.add(frame);
    const info = this.#frameInfo[frame];
    const slot = this.slotOf(frame);
    if (slot !== undefined) {
      this.#words[(slot + SLOT_OBSERVERS) >>> 2] += 1;
      return;
    }
    if (info & FRAME_STORE_ENTRY) this.#dropStoreEntries(this.#layout.ram + frame * 4096);
    this.#frameInfo[frame] = FRAME_WATCHED;
  }

  /** Whether a watched frame was stored to since the last time this was asked. */
  takeWatchedWritten(): boolean {
    const written = this.#watchedWritten;
    this.#watchedWritten = false;
    return written;
  }

  /**
   * The guest is about to store `bytes` (1 to 64, within a page) at this host address, in a frame that has a slot or is
   * watched. True when it is watched, so that the slice shall end after the store.
   */
  storeToCode(hostAddress: number, bytes: number): boolean {
    const frame = Math.floor((hostAddress - this.#layout.ram) / 4096);
    const watched = this.#watched.size !== 0 && this.#watched.has(frame);
    if (watched) this.#watchedWritten = true;
    if ((this.#frameInfo[frame] & FRAME_SLOT_MASK) !== FRAME_WATCHED) this.#forget(hostAddress, bytes);
    return watched;
  }

  #forget(hostAddress: number, bytes: number): void {
    const offset = hostAddress - this.#layout.ram;
    const frame = Math.floor(offset / 4096);
    const slot = (this.#frameInfo[frame] & FRAME_SLOT_MASK) - 1;
    const address = this.#address(slot);
    const counter = (address + SLOT_STORES) >>> 2;
    this.#words[counter]++;
    if (this.#words[counter] >= STORES_UNTIL_DATA) {
      this.#release(slot);
      return;
    }
    const inPage = offset % 4096;
    this.observer?.codeChanged(address, inPage, inPage + bytes);
    // An instruction may begin in the halfword before.
    const first = Math.max(0, (inPage >>> 1) - 1);
    const last = (inPage + bytes - 1) >>> 1;
    for (let record = first; record <= last; record++) this.#empty(address, record);
  }

  /** Frees a slot. Its records become empty, so that a hart in the middle of it fetches again. */
  #release(slot: number): void {
    const at = this.#address(slot) >>> 2;
    const frame = this.#words[at];
    if (frame === FREE) return;
    this.#frameInfo[frame] &= ~FRAME_SLOT_MASK;
    if (this.#watched.has(frame)) this.#frameInfo[frame] = FRAME_WATCHED;
    this.observer?.codeDropped(this.#address(slot));
    for (let record = 0; record < RECORDS; record++) this.#empty(at * 4, record);
    this.#words.fill(0, at + (SLOT_RECORDS + RECORD_ENTRIES) / 4, at + SLOT_BYTES / 4);
    this.#words[at + SLOT_STORES / 4] = 0;
    this.#words[at] = FREE;
  }

  /** Only the handler goes: the instruction that stores here may still need its own operands. */
  #empty(slot: number, record: number): void {
    this.#halves[(slot + SLOT_RECORDS + record * RECORD_BYTES + RECORD_HANDLER) >>> 1] = 0;
  }

  #address(slot: number): number {
    return this.#layout.slots + slot * SLOT_BYTES;
  }
}
