/**
 * Relocations of static position-independent executables.
 *
 * @see System V ABI, "Dynamic Section"; RISC-V ELF psABI, "Relocations"
 */
import { ByteReader } from './byte-reader.js';
import { ElfError } from './elf-error.js';
import type { ElfImage, ElfSegment } from './elf-image.js';

/** One 64-bit word to be set to the load bias plus `addend`. */
export interface ElfRelocation {
  /** Address of the word, relative to the load bias; inside a segment's memory. */
  readonly vaddr: number;
  /** Signed. */
  readonly addend: number;
}

const DYN_BYTES = 16;
const RELA_BYTES = 24;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_PLTRELSZ = 2;
const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_RELAENT = 9;
const DT_RELSZ = 18;
const DT_RELRSZ = 35;
const R_RISCV_NONE = 0;
const R_RISCV_RELATIVE = 3;

const RELOCATION_NAMES: Readonly<Record<number, string>> = {
  1: 'R_RISCV_32',
  2: 'R_RISCV_64',
  4: 'R_RISCV_COPY',
  5: 'R_RISCV_JUMP_SLOT',
  6: 'R_RISCV_TLS_DTPMOD32',
  7: 'R_RISCV_TLS_DTPMOD64',
  8: 'R_RISCV_TLS_DTPREL32',
  9: 'R_RISCV_TLS_DTPREL64',
  10: 'R_RISCV_TLS_TPREL32',
  11: 'R_RISCV_TLS_TPREL64',
  12: 'R_RISCV_TLSDESC',
  58: 'R_RISCV_IRELATIVE',
};

/**
 * The relocations of a static executable, one after the other; `bytes` is the whole file.
 *
 * Only R_RISCV_RELATIVE occurs in a static position-independent executable. An image without a dynamic section has none.
 *
 * @throws {ElfError} `needs-linker` for shared libraries, `bad-relocation` naming another type, `bad-value` or
 * `truncated` when the tables are not where the dynamic section says.
 */
export function* relocations(bytes: Uint8Array, image: ElfImage): Generator<ElfRelocation, void, undefined> {
  if (image.dynamic === undefined) return;
  const reader = new ByteReader(bytes, bytes.length);
  const { fileOffset, fileBytes } = image.dynamic;
  let table = 0;
  let tableBytes = 0;
  let entryBytes = RELA_BYTES;
  for (let at = fileOffset; at + DYN_BYTES <= fileOffset + fileBytes; at += DYN_BYTES) {
    const tag = reader.i64(at, 'd_tag');
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED)
      throw new ElfError(
        'needs-linker',
        'DT_NEEDED',
        'the program needs a shared library; link it statically',
      );
    if (tag === DT_RELA) table = reader.u64(at + 8, 'DT_RELA');
    if (tag === DT_RELASZ) tableBytes = reader.u64(at + 8, 'DT_RELASZ');
    if (tag === DT_RELAENT) entryBytes = reader.u64(at + 8, 'DT_RELAENT');
    if (tag === DT_RELSZ || tag === DT_RELRSZ || tag === DT_PLTRELSZ) {
      const field = tag === DT_RELSZ ? 'DT_RELSZ' : tag === DT_RELRSZ ? 'DT_RELRSZ' : 'DT_PLTRELSZ';
      if (reader.u64(at + 8, field) !== 0) {
        throw new ElfError(
          'bad-relocation',
          field,
          'the program has relocations in a table other than DT_RELA',
        );
      }
    }
  }
  if (tableBytes === 0) return;
  if (entryBytes !== RELA_BYTES)
    throw new ElfError('bad-value', 'DT_RELAENT', `${entryBytes} instead of ${RELA_BYTES}`);
  if (tableBytes % RELA_BYTES !== 0)
    throw new ElfError('bad-value', 'DT_RELASZ', `${tableBytes} is no multiple of ${RELA_BYTES}`);
  const holder = image.segments.find((s) => table >= s.vaddr && table + tableBytes <= s.vaddr + s.fileBytes);
  if (holder === undefined)
    throw new ElfError('bad-value', 'DT_RELA', 'the relocations are not inside the file part of a segment');
  const start = holder.fileOffset + (table - holder.vaddr);
  for (let at = start; at < start + tableBytes; at += RELA_BYTES) {
    const type = reader.u32(at + 8, 'r_info');
    if (type === R_RISCV_NONE) continue;
    if (type !== R_RISCV_RELATIVE) {
      const name = RELOCATION_NAMES[type] ?? `type ${type}`;
      throw new ElfError(
        'bad-relocation',
        'r_info',
        `${name}; only R_RISCV_RELATIVE is possible in a static program`,
      );
    }
    const vaddr = reader.u64(at, 'r_offset');
    if (!image.segments.some((s) => holdsWord(s, vaddr))) {
      throw new ElfError('bad-value', 'r_offset', `0x${vaddr.toString(16)} is not inside a segment`);
    }
    yield { vaddr, addend: reader.i64(at + 16, 'r_addend') };
  }
}

function holdsWord(segment: ElfSegment, vaddr: number): boolean {
  return vaddr >= segment.vaddr && vaddr + 8 <= segment.vaddr + segment.memoryBytes;
}
