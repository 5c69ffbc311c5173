/** Builds small ELF64 files for tests, well-formed unless told otherwise. */

export const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4, TLS: 7, GNU_STACK: 0x6474e551 } as const;
export const R = 4;
export const W = 2;
export const X = 1;

export interface SegmentSpec {
  type?: number;
  flags?: number;
  vaddr?: number;
  paddr?: number;
  /** Contents of the file part. */
  data?: Uint8Array;
  /** Instead of contents: a part of the file that is there already. */
  fileOffset?: number;
  fileBytes?: number;
  memoryBytes?: number;
  align?: number;
}

export interface ElfSpec {
  type?: number;
  machine?: number;
  flags?: number;
  entry?: number;
  segments?: SegmentSpec[];
  /** A symbol table of these, at the end of the file. */
  symbols?: { name: string; value: bigint; size?: number; info?: number; section?: number }[];
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const PAGE = 4096;

export function buildElf(spec: ElfSpec = {}): Uint8Array {
  const segments = spec.segments ?? [{ flags: R | X, vaddr: 0x1000, data: new Uint8Array(16) }];
  const placed = place(segments);
  const contentEnd = Math.max(
    HEADER_BYTES + PROGRAM_HEADER_BYTES * segments.length,
    ...placed.map(({ offset, bytes }) => offset + bytes),
  );
  const symbols = symbolSections(spec.symbols ?? [], contentEnd);
  const file = new Uint8Array(contentEnd + symbols.bytes.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  view.setUint16(16, spec.type ?? 2, true);
  view.setUint16(18, spec.machine ?? 0xf3, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(spec.entry ?? segments[0]?.vaddr ?? 0), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setBigUint64(40, BigInt(symbols.sectionsAt), true);
  view.setUint32(48, spec.flags ?? 1, true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, segments.length, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, symbols.sectionCount, true);
  segments.forEach((segment, index) => {
    const at = HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
    const { offset, bytes } = placed[index];
    view.setUint32(at, segment.type ?? PT.LOAD, true);
    view.setUint32(at + 4, segment.flags ?? R, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, BigInt(segment.vaddr ?? 0), true);
    view.setBigUint64(at + 24, BigInt(segment.paddr ?? segment.vaddr ?? 0), true);
    view.setBigUint64(at + 32, BigInt(bytes), true);
    view.setBigUint64(at + 40, BigInt(segment.memoryBytes ?? bytes), true);
    view.setBigUint64(at + 48, BigInt(segment.align ?? (segment.type === undefined ? PAGE : 1)), true);
    if (segment.data !== undefined) file.set(segment.data, offset);
  });
  file.set(symbols.bytes, contentEnd);
  return file;
}

function place(segments: readonly SegmentSpec[]): { offset: number; bytes: number }[] {
  let next = PAGE;
  return segments.map((segment) => {
    const bytes = segment.fileBytes ?? segment.data?.length ?? 0;
    if (segment.fileOffset !== undefined) return { offset: segment.fileOffset, bytes };
    const offset = Math.ceil(next / PAGE) * PAGE + ((segment.vaddr ?? 0) % PAGE);
    next = offset + bytes;
    return { offset, bytes };
  });
}

function symbolSections(symbols: NonNullable<ElfSpec['symbols']>, at: number) {
  if (symbols.length === 0) return { bytes: new Uint8Array(0), sectionsAt: 0, sectionCount: 0 };
  const names = new TextEncoder().encode(`\0${symbols.map(({ name }) => `${name}\0`).join('')}`);
  const tableBytes = 24 * symbols.length;
  const sections = tableBytes + names.length;
  const bytes = new Uint8Array(sections + 3 * 64);
  const view = new DataView(bytes.buffer);
  let nameAt = 1;
  symbols.forEach((symbol, index) => {
    view.setUint32(index * 24, nameAt, true);
    view.setUint8(index * 24 + 4, symbol.info ?? 0x12);
    view.setUint16(index * 24 + 6, symbol.section ?? 1, true);
    view.setBigUint64(index * 24 + 8, symbol.value, true);
    view.setBigUint64(index * 24 + 16, BigInt(symbol.size ?? 0), true);
    nameAt += symbol.name.length + 1;
  });
  bytes.set(names, tableBytes);
  const section = (
    index: number,
    type: number,
    offset: number,
    length: number,
    link: number,
    entry: number,
  ) => {
    view.setUint32(sections + index * 64 + 4, type, true);
    view.setBigUint64(sections + index * 64 + 24, BigInt(offset), true);
    view.setBigUint64(sections + index * 64 + 32, BigInt(length), true);
    view.setUint32(sections + index * 64 + 40, link, true);
    view.setBigUint64(sections + index * 64 + 56, BigInt(entry), true);
  };
  section(1, 2, at, tableBytes, 2, 24);
  section(2, 3, at + tableBytes, names.length, 0, 0);
  return { bytes, sectionsAt: at + sections, sectionCount: 3 };
}

/** A table of 64-bit pairs, as the dynamic section is. */
export function words(...values: (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setBigInt64(index * 8, BigInt.asIntN(64, BigInt(value)), true));
  return bytes;
}

/** One note, padded to 4 bytes. */
export function note(name: string, type: number, descriptor: readonly number[]): Uint8Array {
  const padded = (n: number) => Math.ceil(n / 4) * 4;
  const bytes = new Uint8Array(12 + padded(name.length + 1) + padded(descriptor.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, name.length + 1, true);
  view.setUint32(4, descriptor.length, true);
  view.setUint32(8, type, true);
  bytes.set(new TextEncoder().encode(name), 12);
  bytes.set(descriptor, 12 + padded(name.length + 1));
  return bytes;
}
