import type { Ram } from '../ram.js';
import { PAGE_SIZE } from '../mmu/pte.js';

/**
 * RAM as devices see it: bytes at physical addresses that a guest chose. Whatever does not lie wholly in RAM is refused,
 * so that no address leads elsewhere.
 */
export class GuestMemory {
  readonly #ram: Ram;
  readonly #written: () => void;

  /** @param written called after each write, for what harts hold of memory (reservations). */
  constructor(ram: Ram, written: () => void) {
    this.#ram = ram;
    this.#written = written;
  }

  /** Whether `[paddr, paddr + bytes)` lies in RAM. Any numbers may be asked for. */
  contains(paddr: number, bytes: number): boolean {
    const offset = paddr - this.#ram.base;
    return Number.isSafeInteger(offset) && offset >= 0 && bytes >= 0 && offset + bytes <= this.#ram.bytes;
  }

  /** A view of bytes to read, or undefined when they are not all in RAM. Not to be written to. */
  readable(paddr: number, bytes: number): Uint8Array | undefined {
    if (!this.contains(paddr, bytes)) return undefined;
    const offset = paddr - this.#ram.base;
    const frame = Math.floor(offset / PAGE_SIZE);
    const inFrame = offset % PAGE_SIZE;
    return this.#ram
      .readable(frame, Math.ceil((inFrame + bytes) / PAGE_SIZE))
      .subarray(inFrame, inFrame + bytes);
  }

  /**
   * A view of bytes to write to at once, or undefined when they are not all in RAM. Decoded code of their frames is
   * dropped, and reservations on them end.
   */
  writable(paddr: number, bytes: number): Uint8Array | undefined {
    if (!this.contains(paddr, bytes)) return undefined;
    const offset = paddr - this.#ram.base;
    const frame = Math.floor(offset / PAGE_SIZE);
    const inFrame = offset % PAGE_SIZE;
    this.#written();
    return this.#ram
      .writable(frame, Math.ceil((inFrame + bytes) / PAGE_SIZE))
      .subarray(inFrame, inFrame + bytes);
  }

  /** A little-endian value of 1, 2, 4 or 8 bytes; undefined when it is not in RAM. Beyond 2^53 it is not exact. */
  read(paddr: number, bytes: 1 | 2 | 4 | 8): number | undefined {
    const view = this.readable(paddr, bytes);
    if (view === undefined) return undefined;
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + view[i];
    return value;
  }

  /** Writes a value below 2^53 as 1, 2, 4 or 8 bytes, little-endian; false when they are not in RAM. */
  write(paddr: number, bytes: 1 | 2 | 4 | 8, value: number): boolean {
    const view = this.writable(paddr, bytes);
    if (view === undefined) return false;
    for (let i = 0, rest = value; i < bytes; i++, rest = Math.floor(rest / 256)) view[i] = rest % 256;
    return true;
  }
}
