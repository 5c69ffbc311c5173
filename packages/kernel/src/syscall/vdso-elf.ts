/**
 * Writes the vDSO's ELF file.
 *
 * @see Tool Interface Standard, ELF Specification, "Dynamic Linking", "Hash Table"; RISC-V ELF psABI, "ELF Object Files"
 */
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SYMBOL_BYTES = 24;
const DYNAMIC_BYTES = 16;

const ET_DYN = 3;
const EM_RISCV = 243;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_GNU_STACK = 0x6474_e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
const DT_NULL = 0;
const DT_HASH = 4;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_STRSZ = 10;
const DT_SYMENT = 11;
const DT_SONAME = 14;
const STB_GLOBAL = 1;
const STB_WEAK = 2;
const STT_FUNC = 2;
/** No section headers are written; any index that is not 0 says "defined". */
const SHN_CODE = 1;

/** An entry point. */
export interface VdsoSymbol {
  /** With its `zx_` prefix; the weak alias gets a `_` in front. */
  readonly name: string;
  /** Position in the code. */
  readonly offset: number;
  readonly bytes: number;
}

interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly bytes: number;
  readonly alignment: number;
}

/** A growing string table; the empty string is at 0. */
class StringTable {
  private readonly positions = new Map<string, number>([['', 0]]);
  private text = '\0';

  add(string: string): number {
    const known = this.positions.get(string);
    if (known !== undefined) return known;
    const position = this.text.length;
    this.positions.set(string, position);
    this.text += `${string}\0`;
    return position;
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.text, (character) => character.charCodeAt(0));
  }
}

/** The hash function of DT_HASH. */
export function elfHash(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index += 1) {
    hash = ((hash << 4) + name.charCodeAt(index)) >>> 0;
    const high = hash & 0xf000_0000;
    hash = ((hash ^ (high >>> 24)) & ~high) >>> 0;
  }
  return hash;
}

function align(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

/**
 * Puts code and symbols together.
 *
 * @returns the file, a multiple of 4096 bytes, and the position of the code in it
 */
export function writeVdsoElf(
  code: Uint8Array,
  entries: readonly VdsoSymbol[],
  soname: string,
): { bytes: Uint8Array; codeOffset: number } {
  const symbols = entries.flatMap((entry) => [
    { ...entry, binding: STB_GLOBAL },
    { ...entry, name: `_${entry.name}`, binding: STB_WEAK },
  ]);
  const strings = new StringTable();
  const names = symbols.map((symbol) => strings.add(symbol.name));
  const sonameAt = strings.add(soname);
  const stringBytes = strings.bytes;
  const symbolCount = symbols.length + 1;

  const hashAt = align(HEADER_BYTES + 4 * PROGRAM_HEADER_BYTES, 8);
  const bucketCount = symbolCount;
  const symbolsAt = align(hashAt + 4 * (2 + bucketCount + symbolCount), 8);
  const stringsAt = symbolsAt + SYMBOL_BYTES * symbolCount;
  const dynamicAt = align(stringsAt + stringBytes.length, 8);
  const dynamic: readonly (readonly [number, number])[] = [
    [DT_SONAME, sonameAt],
    [DT_HASH, hashAt],
    [DT_SYMTAB, symbolsAt],
    [DT_SYMENT, SYMBOL_BYTES],
    [DT_STRTAB, stringsAt],
    [DT_STRSZ, stringBytes.length],
    [DT_NULL, 0],
  ];
  const dynamicBytes = DYNAMIC_BYTES * dynamic.length;
  const dataBytes = dynamicAt + dynamicBytes;
  const codeOffset = align(dataBytes, PAGE_SIZE);
  const bytes = new Uint8Array(align(codeOffset + code.length, PAGE_SIZE));
  const view = new DataView(bytes.buffer);

  writeHeader(view, codeOffset);
  const headers: readonly ProgramHeader[] = [
    { type: PT_LOAD, flags: PF_R, offset: 0, bytes: dataBytes, alignment: PAGE_SIZE },
    { type: PT_LOAD, flags: PF_R | PF_X, offset: codeOffset, bytes: code.length, alignment: PAGE_SIZE },
    { type: PT_DYNAMIC, flags: PF_R, offset: dynamicAt, bytes: dynamicBytes, alignment: 8 },
    { type: PT_GNU_STACK, flags: PF_R | PF_W, offset: 0, bytes: 0, alignment: 16 },
  ];
  headers.forEach((header, index) =>
    writeProgramHeader(view, HEADER_BYTES + index * PROGRAM_HEADER_BYTES, header),
  );

  view.setUint32(hashAt, bucketCount, true);
  view.setUint32(hashAt + 4, symbolCount, true);
  symbols.forEach((symbol, index) => {
    const position = symbolsAt + SYMBOL_BYTES * (index + 1);
    view.setUint32(position, names[index], true);
    view.setUint8(position + 4, (symbol.binding << 4) | STT_FUNC);
    view.setUint16(position + 6, SHN_CODE, true);
    view.setUint32(position + 8, codeOffset + symbol.offset, true);
    view.setUint32(position + 16, symbol.bytes, true);
    // Each symbol goes to the head of its bucket's chain.
    const bucketAt = hashAt + 8 + 4 * (elfHash(symbol.name) % bucketCount);
    view.setUint32(hashAt + 8 + 4 * (bucketCount + index + 1), view.getUint32(bucketAt, true), true);
    view.setUint32(bucketAt, index + 1, true);
  });
  bytes.set(stringBytes, stringsAt);
  dynamic.forEach(([tag, value], index) => {
    view.setUint32(dynamicAt + DYNAMIC_BYTES * index, tag, true);
    view.setUint32(dynamicAt + DYNAMIC_BYTES * index + 8, value, true);
  });
  bytes.set(code, codeOffset);
  return { bytes, codeOffset };
}

function writeHeader(view: DataView, entry: number): void {
  [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].forEach((byte, index) => view.setUint8(index, byte));
  view.setUint16(16, ET_DYN, true);
  view.setUint16(18, EM_RISCV, true);
  view.setUint32(20, 1, true);
  view.setUint32(24, entry, true);
  view.setUint32(32, HEADER_BYTES, true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, 4, true);
  view.setUint16(58, 64, true);
}

function writeProgramHeader(view: DataView, position: number, header: ProgramHeader): void {
  view.setUint32(position, header.type, true);
  view.setUint32(position + 4, header.flags, true);
  view.setUint32(position + 8, header.offset, true);
  view.setUint32(position + 16, header.offset, true);
  view.setUint32(position + 24, header.offset, true);
  view.setUint32(position + 32, header.bytes, true);
  view.setUint32(position + 40, header.bytes, true);
  view.setUint32(position + 48, header.alignment, true);
}
import { PAGE_SIZE } from '@faultline/mmu-emu';
