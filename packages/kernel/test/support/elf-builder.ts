/** Small ELF files for tests of the loader, right or wrong in one place. */

const HEADER = 64;
const PROGRAM_HEADER = 56;

export interface TestSegment {
  /** PT_LOAD unless given. */
  readonly type?: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly alignment?: number;
}

export const PF_R = 4;
export const PF_W = 2;
export const PF_X = 1;
export const PT_NOTE = 4;
export const PT_GNU_STACK = 0x6474_e551;

export interface TestElf {
  readonly entry: number;
  readonly segments: readonly TestSegment[];
  /** What lies in the file, by offset. */
  readonly contents: readonly (readonly [number, Uint8Array])[];
  readonly bytes: number;
  /** ET_DYN unless given. */
  readonly type?: number;
}

/** The file. */
export function buildElf(elf: TestElf): Uint8Array {
  const file = new Uint8Array(elf.bytes);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, elf.type ?? 3, true);
  view.setUint16(18, 0xf3, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(elf.entry), true);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setUint32(48, 1, true);
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, elf.segments.length, true);
  elf.segments.forEach((segment, index) => {
    const at = HEADER + index * PROGRAM_HEADER;
    view.setUint32(at, segment.type ?? 1, true);
    view.setUint32(at + 4, segment.flags, true);
    view.setBigUint64(at + 8, BigInt(segment.offset), true);
    view.setBigUint64(at + 16, BigInt(segment.vaddr), true);
    view.setBigUint64(at + 24, BigInt(segment.vaddr), true);
    view.setBigUint64(at + 32, BigInt(segment.fileBytes), true);
    view.setBigUint64(at + 40, BigInt(segment.memoryBytes), true);
    view.setBigUint64(at + 48, BigInt(segment.alignment ?? 4096), true);
  });
  for (const [offset, bytes] of elf.contents) file.set(bytes, offset);
  return file;
}
