/**
 * The ELF header of a file for RISC-V.
 *
 * @see System V ABI, "ELF Header"; RISC-V ELF psABI, "File Header"
 */
import type { ByteReader } from './byte-reader.js';
import { ElfError } from './elf-error.js';

const EHDR_BYTES = 64;
/** Bytes of a program header. */
export const PHDR_BYTES = 56;
const EM_RISCV = 0xf3;
const EF_RVC = 0x0001;
const EF_FLOAT_ABI = 0x0006;
const EF_RVE = 0x0008;
const EF_KNOWN = 0x001f;

const FILE_TYPES: Readonly<Record<number, string>> = {
  0: 'a file of no type',
  1: 'an object file that has not been linked',
  4: 'a core dump',
};

const MACHINES: Readonly<Record<number, string>> = {
  0: 'no machine',
  2: 'SPARC',
  3: 'x86 (32-bit)',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64',
  22: 'S390',
  40: 'Arm (32-bit)',
  43: 'SPARC v9',
  62: 'x86-64',
  183: 'AArch64',
  247: 'eBPF',
  258: 'LoongArch',
};

/** Whether the bytes begin like an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46
  );
}

/** What it says. */
export interface ElfHeader {
  readonly type: 'exec' | 'dyn';
  readonly entry: number;
  readonly compressed: boolean;
  readonly floatAbi: 'soft' | 'single' | 'double';
  readonly programHeaderOffset: number;
  readonly programHeaderCount: number;
}

/** @throws {ElfError} naming the first field that is wrong. */
export function parseHeader(reader: ByteReader): ElfHeader {
  if (!isElf(reader.bytes)) {
    throw new ElfError('not-elf', 'e_ident[EI_MAG]', 'the file is not an ELF program');
  }
  reader.need(0, EHDR_BYTES, 'e_ident');
  const machine = reader.u16(18, 'e_machine');
  const elfClass = reader.u8(4, 'e_ident[EI_CLASS]');
  const order = reader.u8(5, 'e_ident[EI_DATA]');
  // The machine is named first where it can be: "an x86-64 program" says more than "wrong byte order".
  if (order === 1 && machine !== EM_RISCV) {
    const name = MACHINES[machine] ?? `machine number ${machine}`;
    throw new ElfError('unsupported', 'e_machine', `the program is for ${name}; RISC-V (64-bit) is needed`);
  }
  if (elfClass !== 2) {
    if (elfClass !== 1) throw new ElfError('bad-value', 'e_ident[EI_CLASS]', `${elfClass} is no class`);
    throw new ElfError(
      'unsupported',
      'e_ident[EI_CLASS]',
      'the program is for a 32-bit machine; 64-bit is needed',
    );
  }
  if (order !== 1) {
    if (order !== 2) throw new ElfError('bad-value', 'e_ident[EI_DATA]', `${order} is no byte order`);
    throw new ElfError(
      'unsupported',
      'e_ident[EI_DATA]',
      'the program is big-endian; little-endian is needed',
    );
  }
  const identVersion = reader.u8(6, 'e_ident[EI_VERSION]');
  if (identVersion !== 1)
    throw new ElfError('bad-value', 'e_ident[EI_VERSION]', `version ${identVersion} is unknown`);
  const version = reader.u32(20, 'e_version');
  if (version !== 1) throw new ElfError('bad-value', 'e_version', `version ${version} is unknown`);

  const type = reader.u16(16, 'e_type');
  if (type !== 2 && type !== 3) {
    const name = FILE_TYPES[type] ?? `a file of type ${type}`;
    throw new ElfError('unsupported', 'e_type', `${name}; an executable is needed`);
  }
  const flags = reader.u32(48, 'e_flags');
  if ((flags & EF_RVE) !== 0) {
    throw new ElfError('unsupported', 'e_flags', 'the program is for the RVE base with 16 registers');
  }
  if ((flags & EF_FLOAT_ABI) === EF_FLOAT_ABI) {
    throw new ElfError(
      'unsupported',
      'e_flags',
      'the program passes quad-precision floating-point values in registers',
    );
  }
  if ((flags & ~EF_KNOWN) !== 0)
    throw new ElfError('bad-value', 'e_flags', `0x${flags.toString(16)} has unknown bits`);

  const headerBytes = reader.u16(52, 'e_ehsize');
  if (headerBytes !== EHDR_BYTES)
    throw new ElfError('bad-value', 'e_ehsize', `${headerBytes} instead of ${EHDR_BYTES}`);
  const count = reader.u16(56, 'e_phnum');
  if (count === 0) throw new ElfError('bad-value', 'e_phnum', 'the file has no program headers');
  if (count === 0xffff)
    throw new ElfError('unsupported', 'e_phnum', 'more program headers than the field can count');
  const entryBytes = reader.u16(54, 'e_phentsize');
  if (entryBytes !== PHDR_BYTES)
    throw new ElfError('bad-value', 'e_phentsize', `${entryBytes} instead of ${PHDR_BYTES}`);
  const programHeaderOffset = reader.u64(32, 'e_phoff');
  if (programHeaderOffset < EHDR_BYTES) {
    throw new ElfError('bad-value', 'e_phoff', `${programHeaderOffset} lies inside the ELF header`);
  }
  reader.need(programHeaderOffset, count * PHDR_BYTES, 'e_phoff');
  return {
    type: type === 2 ? 'exec' : 'dyn',
    entry: reader.u64(24, 'e_entry'),
    compressed: (flags & EF_RVC) !== 0,
    floatAbi: (['soft', 'single', 'double'] as const)[(flags & EF_FLOAT_ABI) >> 1],
    programHeaderOffset,
    programHeaderCount: count,
  };
}
