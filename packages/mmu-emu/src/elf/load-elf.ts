import { PAGE_SIZE } from '../mmu/pte.js';
import { ElfError } from './elf-error.js';
import { parseElf } from './elf-image.js';
import type { ElfImage, ElfSegment } from './elf-image.js';
import { relocations } from './relocations.js';

/** What a program is loaded into: a machine, or anything with its RAM. Addresses are physical, sizes in bytes. */
export interface ElfLoadTarget {
  readonly ram: {
    readonly base: number;
    readonly bytes: number;
    /** View of adjacent frames of 4 KiB to write to. */
    writable(frame: number, count?: number): Uint8Array;
  };
}

/** Where a bare-metal program went. */
export interface LoadedElf {
  /** Physical address of the first instruction. */
  readonly entry: number;
  /** What was added to the addresses of a position-independent program; 0 for others. */
  readonly bias: number;
  /** First physical address after the program. */
  readonly end: number;
  readonly image: ElfImage;
}

/**
 * Loads a bare-metal program into physical memory: copies its segments to their physical addresses, clears what the
 * file does not give, and relocates a static position-independent executable, which goes to the start of RAM unless
 * its own addresses are in RAM already.
 *
 * `bytes` is the whole file and is not kept.
 *
 * @throws {ElfError} as `parseElf` and `relocations` do, and `does-not-fit` when a segment is not inside RAM. Nothing
 * has been written then.
 */
export function loadElf(machine: ElfLoadTarget, bytes: Uint8Array): LoadedElf {
  const image = parseElf(bytes, { mappable: false });
  const { ram } = machine;
  const moved = image.type === 'dyn' && image.lowestVaddr < ram.base;
  const bias = moved ? ram.base - Math.floor(image.lowestVaddr / PAGE_SIZE) * PAGE_SIZE : 0;
  const placed = image.segments.map((segment) => ({
    segment,
    address: moved ? bias + segment.vaddr : segment.paddr,
  }));
  for (const { segment, address } of placed) {
    if (address < ram.base || address + segment.memoryBytes > ram.base + ram.bytes) {
      const range = `0x${address.toString(16)} to 0x${(address + segment.memoryBytes).toString(16)}`;
      const place = `RAM is 0x${ram.base.toString(16)} to 0x${(ram.base + ram.bytes).toString(16)}`;
      throw new ElfError('does-not-fit', 'p_paddr', `a segment is loaded to ${range}, but ${place}`);
    }
  }
  checkDisjoint(placed);
  const words = [...relocations(bytes, image)];
  for (const { segment, address } of placed) {
    const view = viewOf(ram, address, segment.memoryBytes);
    view.set(bytes.subarray(segment.fileOffset, segment.fileOffset + segment.fileBytes));
    view.fill(0, segment.fileBytes);
  }
  for (const { vaddr, addend } of words) {
    const { segment, address } = placed.find(
      ({ segment: s }) => vaddr >= s.vaddr && vaddr < s.vaddr + s.memoryBytes,
    )!;
    const view = viewOf(ram, address + (vaddr - segment.vaddr), 8);
    new DataView(view.buffer, view.byteOffset, 8).setBigUint64(
      0,
      BigInt.asUintN(64, BigInt(bias + addend)),
      true,
    );
  }
  return {
    entry: physicalEntry(image, bias),
    bias,
    end: Math.max(...placed.map(({ segment, address }) => address + segment.memoryBytes)),
    image,
  };
}

/** Segments are disjoint by virtual address already; their physical addresses are another matter. */
function checkDisjoint(placed: readonly { readonly segment: ElfSegment; readonly address: number }[]): void {
  const sorted = [...placed].sort((a, b) => a.address - b.address);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1];
    if (sorted[i].address < before.address + before.segment.memoryBytes) {
      throw new ElfError(
        'overlap',
        'p_paddr',
        `two segments are loaded to 0x${sorted[i].address.toString(16)}`,
      );
    }
  }
}

/** A program may be linked to run elsewhere than where it is loaded; its entry is then moved with its segment. */
function physicalEntry(image: ElfImage, bias: number): number {
  if (bias !== 0) return bias + image.entry;
  const holder = image.segments.find((s) => image.entry >= s.vaddr && image.entry < s.vaddr + s.memoryBytes)!;
  return image.entry - holder.vaddr + holder.paddr;
}

function viewOf(ram: ElfLoadTarget['ram'], address: number, length: number): Uint8Array {
  const first = Math.floor((address - ram.base) / PAGE_SIZE);
  const last = Math.floor((address - ram.base + length - 1) / PAGE_SIZE);
  const start = address - ram.base - first * PAGE_SIZE;
  return ram.writable(first, last - first + 1).subarray(start, start + length);
}
