import { ByteReader } from './byte-reader.js';
import { ElfError } from './elf-error.js';
import { isElf } from './elf-header.js';

/** A named address of a program. */
export interface ElfSymbol {
  readonly name: string;
  /** Relative to the load bias in a position-independent program. */
  readonly value: number;
  /** In bytes; 0 when unknown. */
  readonly size: number;
  readonly kind: 'none' | 'object' | 'function' | 'other';
}

const SHDR_BYTES = 64;
const SYM_BYTES = 24;
const SHT_SYMTAB = 2;
const SHN_UNDEF = 0;
const SHN_ABS = 0xfff1;
const SHN_LORESERVE = 0xff00;
const STT_SECTION = 3;
const STT_FILE = 4;
const KINDS = ['none', 'object', 'function'] as const;

/**
 * The defined symbols of the symbol table, in the table's order; none when the file is stripped.
 *
 * `bytes` is the whole file. Nothing is read before the first symbol is asked for.
 *
 * @throws {ElfError} when section headers or tables are malformed, naming the field.
 * @see System V ABI, "Sections" and "Symbol Table"
 */
export function* elfSymbols(bytes: Uint8Array): Generator<ElfSymbol, void, undefined> {
  if (!isElf(bytes)) throw new ElfError('not-elf', 'e_ident[EI_MAG]', 'the file is not an ELF program');
  const reader = new ByteReader(bytes, bytes.length);
  const table = reader.u64(40, 'e_shoff');
  const count = reader.u16(60, 'e_shnum');
  if (table === 0 || count === 0) return;
  const entryBytes = reader.u16(58, 'e_shentsize');
  if (entryBytes !== SHDR_BYTES)
    throw new ElfError('bad-value', 'e_shentsize', `${entryBytes} instead of ${SHDR_BYTES}`);
  reader.need(table, count * SHDR_BYTES, 'e_shoff');
  for (let index = 0; index < count; index++) {
    const at = table + index * SHDR_BYTES;
    if (reader.u32(at + 4, `sh_type[${index}]`) !== SHT_SYMTAB) continue;
    const strings = reader.u32(at + 40, `sh_link[${index}]`);
    if (strings >= count)
      throw new ElfError('bad-value', `sh_link[${index}]`, `there is no section ${strings}`);
    yield* tableSymbols(reader, at, index, table + strings * SHDR_BYTES);
  }
}

function* tableSymbols(
  reader: ByteReader,
  at: number,
  index: number,
  stringsAt: number,
): Generator<ElfSymbol> {
  const start = reader.u64(at + 24, `sh_offset[${index}]`);
  const length = reader.u64(at + 32, `sh_size[${index}]`);
  if (reader.u64(at + 56, `sh_entsize[${index}]`) !== SYM_BYTES || length % SYM_BYTES !== 0) {
    throw new ElfError('bad-value', `sh_entsize[${index}]`, `the symbols are not ${SYM_BYTES} bytes each`);
  }
  reader.need(start, length, `sh_size[${index}]`);
  const names = reader.u64(stringsAt + 24, 'sh_offset of the symbol names');
  const namesEnd = names + reader.u64(stringsAt + 32, 'sh_size of the symbol names');
  for (let symbol = start; symbol < start + length; symbol += SYM_BYTES) {
    const section = reader.u16(symbol + 6, 'st_shndx');
    if (section === SHN_UNDEF || (section >= SHN_LORESERVE && section !== SHN_ABS)) continue;
    const type = reader.u8(symbol + 4, 'st_info') & 15;
    if (type === STT_SECTION || type === STT_FILE) continue;
    const nameAt = names + reader.u32(symbol, 'st_name');
    if (nameAt >= namesEnd)
      throw new ElfError('bad-value', 'st_name', 'a name lies outside the string table');
    // An absolute symbol may be any 64-bit value, which is no error of the file; it just is no address here.
    if (section === SHN_ABS && reader.u32(symbol + 12, 'st_value') >= 2 ** 21) continue;
    yield {
      name: reader.text(nameAt, namesEnd, 'st_name'),
      value: reader.u64(symbol + 8, 'st_value'),
      size: reader.u64(symbol + 16, 'st_size'),
      kind: KINDS[type] ?? 'other',
    };
  }
}
