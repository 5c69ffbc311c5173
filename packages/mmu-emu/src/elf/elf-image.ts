/**
 * ELF64 executables for RISC-V: what their headers say, checked.
 *
 * The layout of the headers is that of the System V ABI ("ELF Header", "Program Header"); the flags and the machine
 * number are those of the RISC-V ELF psABI ("File Header").
 */
import { PAGE_SIZE } from '../mmu/pte.js';
import { ByteReader } from './byte-reader.js';
import { ElfError } from './elf-error.js';
import { PHDR_BYTES, parseHeader } from './elf-header.js';

/** A part of the file that is loaded into memory. Sizes and addresses in bytes. */
export interface ElfSegment {
  readonly type: 'load';
  /** Address in memory; relative to the load bias when the image is `dyn`. */
  readonly vaddr: number;
  /** Physical address, which bare-metal loaders use instead of `vaddr`. */
  readonly paddr: number;
  /** Where its bytes begin in the file. */
  readonly fileOffset: number;
  /** How many bytes come from the file; at most `memoryBytes`. */
  readonly fileBytes: number;
  /** How much memory it takes; what the file does not give is zero. At least 1. */
  readonly memoryBytes: number;
  /** A power of two, at least 1. */
  readonly alignment: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
}

/** A part of the file that is not loaded by itself. `[fileOffset, fileOffset + fileBytes)` is inside the file. */
export interface ElfRange {
  readonly vaddr: number;
  readonly fileOffset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly alignment: number;
}

/** What the headers of an executable say, after every check has passed. */
export interface ElfImage {
  /** `exec`: linked to fixed addresses. `dyn`: position-independent. */
  readonly type: 'exec' | 'dyn';
  /** First instruction; even, inside an executable segment; relative to the load bias when `type` is `dyn`. */
  readonly entry: number;
  /** Loadable segments with rising addresses, at least one, none overlapping. */
  readonly segments: readonly ElfSegment[];
  /** Lowest address of a segment. */
  readonly lowestVaddr: number;
  /** First address after the last segment. */
  readonly endVaddr: number;
  /** The dynamic section, which lies inside the file part of a segment. */
  readonly dynamic: ElfRange | undefined;
  /** The initialization image of thread-local storage. */
  readonly tls: ElfRange | undefined;
  /** True when the program has no thread-local storage. */
  readonly tlsless: boolean;
  /** Ranges of notes; see `findNote`. */
  readonly notes: readonly ElfRange[];
  /** Stack size the program asks for (the memory size of PT_GNU_STACK); 0 when it does not say. */
  readonly stackBytes: number;
  /** Whether the program asks for an executable stack. */
  readonly stackExecutable: boolean;
  /** Path of the dynamic linker it asks for; only with `allowInterpreter`. */
  readonly interpreter: string | undefined;
  /** Whether it may contain compressed instructions. */
  readonly compressed: boolean;
  /** How floating-point arguments are passed. */
  readonly floatAbi: 'soft' | 'single' | 'double';
}

/** How strictly to read. */
export interface ParseElfOptions {
  /** Length of the whole file in bytes when `bytes` is only its head; default: the length of `bytes`. */
  fileBytes?: number;
  /**
   * Whether segments have to be fit for mapping page by page: file offset and address agree modulo 4096, and no page
   * belongs to two segments. Default true; a bare-metal loader, which copies, sets false.
   */
  mappable?: boolean;
  /** Accept a program that asks for a dynamic linker (PT_INTERP). Default false. */
  allowInterpreter?: boolean;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PT_TLS = 7;
const PT_GNU_STACK = 0x6474_e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** Longest accepted path of a dynamic linker. */
const MAX_INTERPRETER_BYTES = 4096;

const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * Reads and checks the headers of an RV64 executable or static position-independent executable.
 *
 * `bytes` may be only the head of the file (with `fileBytes` saying how long the whole is); it has to hold the ELF
 * header and the program headers, which linkers put first. Nothing else of the file is looked at, except the path of
 * a dynamic linker. `bytes` is not kept.
 *
 * @throws {ElfError} naming the first field that is wrong.
 * @see System V ABI, "ELF Header" and "Program Header"; RISC-V ELF psABI, "File Header"
 */
export function parseElf(bytes: Uint8Array, options: ParseElfOptions = {}): ElfImage {
  const fileBytes = options.fileBytes ?? bytes.length;
  if (!Number.isSafeInteger(fileBytes) || fileBytes < bytes.length) {
    throw new RangeError('fileBytes must be an integer that is not below the length of the bytes given');
  }
  const reader = new ByteReader(bytes, fileBytes);
  const header = parseHeader(reader);
  const mappable = options.mappable ?? true;

  const segments: ElfSegment[] = [];
  const notes: ElfRange[] = [];
  let dynamic: ElfRange | undefined;
  let tls: ElfRange | undefined;
  let stack: { readonly bytes: number; readonly executable: boolean } | undefined;
  let interpreter: string | undefined;

  for (let index = 0; index < header.programHeaderCount; index++) {
    const at = header.programHeaderOffset + index * PHDR_BYTES;
    const type = reader.u32(at, `p_type[${index}]`);
    switch (type) {
      case PT_LOAD: {
        const segment = parseSegment(reader, at, index, fileBytes, mappable);
        if (segment !== undefined) segments.push(checkOrder(segment, segments.at(-1), index, mappable));
        break;
      }
      case PT_DYNAMIC:
        if (dynamic !== undefined) throw duplicate(index, 'PT_DYNAMIC');
        dynamic = parseRange(reader, at, index, fileBytes);
        break;
      case PT_INTERP: {
        if (interpreter !== undefined) throw duplicate(index, 'PT_INTERP');
        if (options.allowInterpreter !== true) {
          throw new ElfError(
            'needs-linker',
            `p_type[${index}]`,
            'the program needs a dynamic linker; link it statically',
          );
        }
        const range = parseRange(reader, at, index, fileBytes);
        if (range.fileBytes > MAX_INTERPRETER_BYTES) {
          throw new ElfError('bad-value', `p_filesz[${index}]`, 'the path of the dynamic linker is too long');
        }
        interpreter = reader.text(range.fileOffset, range.fileOffset + range.fileBytes, `p_offset[${index}]`);
        break;
      }
      case PT_NOTE:
        notes.push(parseRange(reader, at, index, fileBytes));
        break;
      case PT_TLS:
        if (tls !== undefined) throw duplicate(index, 'PT_TLS');
        tls = parseRange(reader, at, index, fileBytes);
        break;
      case PT_GNU_STACK:
        if (stack !== undefined) throw duplicate(index, 'PT_GNU_STACK');
        stack = {
          bytes: reader.u64(at + 40, `p_memsz[${index}]`),
          executable: (reader.u32(at + 4, `p_flags[${index}]`) & PF_X) !== 0,
        };
        break;
      default:
        // Other types describe what is loaded by PT_LOAD anyway (PT_PHDR, PT_GNU_RELRO, the attributes, ...).
        break;
    }
  }

  const first = segments[0];
  const last = segments.at(-1);
  if (first === undefined || last === undefined) {
    throw new ElfError('bad-value', 'e_phnum', 'the file has no loadable segment');
  }
  checkEntry(header.entry, segments);
  if (dynamic !== undefined) checkDynamic(dynamic, segments);

  return {
    type: header.type,
    entry: header.entry,
    segments,
    lowestVaddr: first.vaddr,
    endVaddr: last.vaddr + last.memoryBytes,
    dynamic,
    tls,
    tlsless: tls === undefined,
    notes,
    stackBytes: stack?.bytes ?? 0,
    stackExecutable: stack?.executable ?? false,
    interpreter,
    compressed: header.compressed,
    floatAbi: header.floatAbi,
  };
}

function duplicate(index: number, name: string): ElfError {
  return new ElfError('bad-value', `p_type[${index}]`, `a second ${name}`);
}

/** Fields that all types of program headers share, with the checks that hold for all. */
function parseRange(reader: ByteReader, at: number, index: number, fileLength: number): ElfRange {
  const fileOffset = reader.u64(at + 8, `p_offset[${index}]`);
  const vaddr = reader.u64(at + 16, `p_vaddr[${index}]`);
  const fileBytes = reader.u64(at + 32, `p_filesz[${index}]`);
  const memoryBytes = reader.u64(at + 40, `p_memsz[${index}]`);
  const alignment = Math.max(reader.u64(at + 48, `p_align[${index}]`), 1);
  if (fileOffset > fileLength) {
    throw new ElfError(
      'truncated',
      `p_offset[${index}]`,
      `${fileOffset}, but the file has ${fileLength} bytes`,
    );
  }
  if (fileOffset + fileBytes > fileLength) {
    throw new ElfError(
      'truncated',
      `p_filesz[${index}]`,
      `the segment ends at byte ${fileOffset + fileBytes}, but the file has ${fileLength}`,
    );
  }
  if (!Number.isSafeInteger(vaddr + memoryBytes)) {
    throw new ElfError(
      'bad-value',
      `p_memsz[${index}]`,
      'the segment goes beyond every address supported here',
    );
  }
  // log2 is exact for powers of two, and no other number below 2^53 gives an integer that raises back to itself.
  if (2 ** Math.round(Math.log2(alignment)) !== alignment) {
    throw new ElfError('bad-value', `p_align[${index}]`, `${alignment} is not a power of two`);
  }
  return { vaddr, fileOffset, fileBytes, memoryBytes, alignment };
}

function parseSegment(
  reader: ByteReader,
  at: number,
  index: number,
  fileLength: number,
  mappable: boolean,
): ElfSegment | undefined {
  const range = parseRange(reader, at, index, fileLength);
  if (range.fileBytes > range.memoryBytes) {
    throw new ElfError(
      'bad-value',
      `p_filesz[${index}]`,
      `${range.fileBytes} is more than p_memsz, ${range.memoryBytes}`,
    );
  }
  if (range.memoryBytes === 0) return undefined;
  if (range.vaddr % range.alignment !== range.fileOffset % range.alignment) {
    throw new ElfError('bad-value', `p_align[${index}]`, 'p_vaddr and p_offset differ modulo the alignment');
  }
  if (mappable && range.fileBytes > 0 && range.vaddr % PAGE_SIZE !== range.fileOffset % PAGE_SIZE) {
    throw new ElfError('bad-value', `p_offset[${index}]`, 'p_vaddr and p_offset differ modulo the page size');
  }
  const flags = reader.u32(at + 4, `p_flags[${index}]`);
  return {
    type: 'load',
    ...range,
    paddr: reader.u64(at + 24, `p_paddr[${index}]`),
    readable: (flags & PF_R) !== 0,
    writable: (flags & PF_W) !== 0,
    executable: (flags & PF_X) !== 0,
  };
}

function checkOrder(
  segment: ElfSegment,
  before: ElfSegment | undefined,
  index: number,
  mappable: boolean,
): ElfSegment {
  if (before === undefined) return segment;
  if (segment.vaddr < before.vaddr) {
    throw new ElfError('bad-value', `p_vaddr[${index}]`, 'segments are not in the order of their addresses');
  }
  const end = before.vaddr + before.memoryBytes;
  if (segment.vaddr < end) {
    throw new ElfError(
      'overlap',
      `p_vaddr[${index}]`,
      `${hex(segment.vaddr)} is inside the segment before, which ends at ${hex(end)}`,
    );
  }
  if (mappable && Math.floor(segment.vaddr / PAGE_SIZE) === Math.floor((end - 1) / PAGE_SIZE)) {
    throw new ElfError(
      'overlap',
      `p_vaddr[${index}]`,
      `${hex(segment.vaddr)} is in the last page of the segment before`,
    );
  }
  return segment;
}

function checkEntry(entry: number, segments: readonly ElfSegment[]): void {
  const inside = segments.some((s) => s.executable && entry >= s.vaddr && entry < s.vaddr + s.memoryBytes);
  if (!inside)
    throw new ElfError('bad-entry', 'e_entry', `${hex(entry)} is not inside an executable segment`);
  if (entry % 2 !== 0) throw new ElfError('bad-entry', 'e_entry', `${hex(entry)} is odd`);
}

function checkDynamic(dynamic: ElfRange, segments: readonly ElfSegment[]): void {
  const inside = segments.some(
    (s) =>
      dynamic.vaddr >= s.vaddr &&
      dynamic.vaddr + dynamic.fileBytes <= s.vaddr + s.fileBytes &&
      dynamic.vaddr - s.vaddr === dynamic.fileOffset - s.fileOffset,
  );
  if (!inside)
    throw new ElfError(
      'bad-value',
      'PT_DYNAMIC',
      'the dynamic section is not inside the file part of a segment',
    );
}
