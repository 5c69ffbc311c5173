import { RECORD_BYTES, RECORD_ENTRIES, RECORD_HANDLER, SLOT_BYTES, SLOT_FRAME, SLOT_OBSERVERS, SLOT_RECORDS } from '../interpreter/record.js'; // prettier-ignore
import type { MemoryLayout } from '../memory-layout.js';
import { PAGE_SIZE } from '../mmu/pte.js';

/** The cache of code as the translator sees it: slots are byte addresses, places of their pages offsets in the page. */
export class CodeSlots {
  readonly words: Uint32Array;
  readonly #memory: WebAssembly.Memory;
  readonly #layout: MemoryLayout;

  constructor(memory: WebAssembly.Memory, layout: MemoryLayout) {
    this.words = new Uint32Array(memory.buffer);
    this.#memory = memory;
    this.#layout = layout;
  }

  /** The slot that a record is in. @param record its byte address. */
  slotOf(record: number): number {
    const { slots } = this.#layout;
    return slots + Math.floor((record - slots) / SLOT_BYTES) * SLOT_BYTES;
  }

  /** The place whose record it is. */
  placeOf(record: number): number {
    return ((record - this.slotOf(record) - SLOT_RECORDS) / RECORD_BYTES) * 2;
  }

  /** The frame of RAM whose page is in a slot. */
  frameOf(slot: number): number {
    return this.words[(slot + SLOT_FRAME) >>> 2];
  }

  /** Whether that is in RAM, and not in ROM or a device. */
  isRam(slot: number): boolean {
    return this.frameOf(slot) < this.#layout.frameCount;
  }

  /** Bytes of a slot's page. */
  pageOf(slot: number): DataView {
    return new DataView(this.#memory.buffer, this.#layout.ram + this.frameOf(slot) * PAGE_SIZE, PAGE_SIZE);
  }

  /** Whether the interpreter has decoded what is there. */
  hasRun(slot: number, place: number): boolean {
    const record = slot + SLOT_RECORDS + place * (RECORD_BYTES / 2);
    return (this.words[(record + RECORD_HANDLER) >>> 2] & 0xffff) !== 0;
  }

  /** Index of the word of a place, which counts arrivals or names a region (record.ts). */
  wordOf(slot: number, place: number): number {
    return (slot + SLOT_RECORDS + RECORD_ENTRIES + place * 2) >>> 2;
  }

  /** One more, or one less, is to hear of stores to a slot's page. */
  observe(slot: number, change: 1 | -1): void {
    this.words[(slot + SLOT_OBSERVERS) >>> 2] += change;
  }
}
