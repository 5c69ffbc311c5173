import { describe, expect, test } from 'vitest';
import { ElfError, parseElf } from '../../src/elf/index.js';
import type { ElfErrorCode, ParseElfOptions } from '../../src/elf/index.js';
import { buildElf, PT, R, W, X } from './elf-builder.js';
import type { ElfSpec } from './elf-builder.js';

function errorOf(bytes: Uint8Array, options?: ParseElfOptions): ElfError {
  try {
    parseElf(bytes, options);
  } catch (error) {
    if (error instanceof ElfError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

/** A well-formed file with bytes written over it. */
function patched(at: number, ...bytes: number[]): Uint8Array {
  const file = buildElf();
  file.set(bytes, at);
  return file;
}

const text = { flags: R | X, vaddr: 0x1000, data: new Uint8Array(16) };

describe('a well-formed program', () => {
  const image = parseElf(
    buildElf({
      type: 3,
      flags: 5,
      entry: 0x1004,
      segments: [
        text,
        { flags: R | W, vaddr: 0x3010, data: new Uint8Array(8), memoryBytes: 0x5000 },
        { flags: R, vaddr: 0x9000, memoryBytes: 0 },
        { type: PT.TLS, vaddr: 0x3010, fileOffset: 0x2010, fileBytes: 8, memoryBytes: 64, align: 16 },
        { type: PT.GNU_STACK, flags: R | W, memoryBytes: 0x40000 },
      ],
    }),
  );

  test('gives its type, entry and floating-point convention', () => {
    expect(image).toMatchObject({ type: 'dyn', entry: 0x1004, compressed: true, floatAbi: 'double' });
  });

  test('gives its segments with sizes in file and memory, empty ones left out', () => {
    expect(image.segments).toEqual([
      {
        type: 'load',
        vaddr: 0x1000,
        paddr: 0x1000,
        fileOffset: 0x1000,
        fileBytes: 16,
        memoryBytes: 16,
        alignment: 4096,
        readable: true,
        writable: false,
        executable: true,
      },
      {
        type: 'load',
        vaddr: 0x3010,
        paddr: 0x3010,
        fileOffset: 0x2010,
        fileBytes: 8,
        memoryBytes: 0x5000,
        alignment: 4096,
        readable: true,
        writable: true,
        executable: false,
      },
    ]);
    expect([image.lowestVaddr, image.endVaddr]).toEqual([0x1000, 0x8010]);
  });

  test('gives stack size and thread-local storage', () => {
    expect([image.stackBytes, image.stackExecutable]).toEqual([0x40000, false]);
    expect(image.tls).toEqual({
      vaddr: 0x3010,
      fileOffset: 0x2010,
      fileBytes: 8,
      memoryBytes: 64,
      alignment: 16,
    });
    expect(image.tlsless).toBe(false);
  });

  test('says nothing where the file says nothing', () => {
    const plain = parseElf(buildElf());
    expect(plain).toMatchObject({ type: 'exec', tlsless: true, stackBytes: 0, notes: [], floatAbi: 'soft' });
    expect([plain.dynamic, plain.tls, plain.interpreter]).toEqual([undefined, undefined, undefined]);
  });
});

describe('the head of a file', () => {
  test('is enough when it holds the program headers', () => {
    const file = buildElf();
    const image = parseElf(file.subarray(0, 128), { fileBytes: file.length });
    expect(image.segments[0]).toMatchObject({ fileOffset: 0x1000, fileBytes: 16 });
  });

  test('is too short when the program headers lie behind it', () => {
    const file = buildElf();
    expect(errorOf(file.subarray(0, 100), { fileBytes: file.length })).toMatchObject({
      code: 'head-too-short',
      field: 'e_phoff',
    });
  });

  test('with a wrong file length is misuse', () => {
    expect(() => parseElf(buildElf(), { fileBytes: 10 })).toThrow(RangeError);
  });
});

describe('a file that is refused', () => {
  const rows: [string, Uint8Array, ElfErrorCode, string][] = [
    ['is empty', new Uint8Array(0), 'not-elf', 'e_ident[EI_MAG]'],
    ['is a text', new TextEncoder().encode('#!/bin/sh\n'.repeat(20)), 'not-elf', 'e_ident[EI_MAG]'],
    ['ends in the ELF header', buildElf().subarray(0, 63), 'truncated', 'e_ident'],
    ['is of an unknown class', patched(4, 3), 'bad-value', 'e_ident[EI_CLASS]'],
    ['is for a 32-bit machine', patched(4, 1), 'unsupported', 'e_ident[EI_CLASS]'],
    ['is big-endian', patched(5, 2), 'unsupported', 'e_ident[EI_DATA]'],
    ['has no byte order', patched(5, 0), 'bad-value', 'e_ident[EI_DATA]'],
    ['has an unknown header version', patched(6, 0), 'bad-value', 'e_ident[EI_VERSION]'],
    ['has an unknown object version', patched(20, 2), 'bad-value', 'e_version'],
    ['is an object file', patched(16, 1), 'unsupported', 'e_type'],
    ['is a core dump', patched(16, 4), 'unsupported', 'e_type'],
    ['is for the RVE base', patched(48, 8), 'unsupported', 'e_flags'],
    ['passes quad floats', patched(48, 6), 'unsupported', 'e_flags'],
    ['has unknown flags', patched(51, 1), 'bad-value', 'e_flags'],
    ['has a longer ELF header', patched(52, 65), 'bad-value', 'e_ehsize'],
    ['has longer program headers', patched(54, 57), 'bad-value', 'e_phentsize'],
    ['has no program headers', patched(56, 0), 'bad-value', 'e_phnum'],
    ['has too many program headers to count', patched(56, 0xff, 0xff), 'unsupported', 'e_phnum'],
    ['promises more program headers than it holds', patched(56, 0xff, 0xf0), 'truncated', 'e_phoff'],
    ['has program headers inside the ELF header', patched(32, 8), 'bad-value', 'e_phoff'],
    ['has program headers beyond the end', patched(36, 1), 'truncated', 'e_phoff'],
    ['has a position of 2^63', patched(39, 0x80), 'bad-value', 'e_phoff'],
    ['has a segment of more bytes than the file', patched(64 + 32, 17), 'truncated', 'p_filesz[0]'],
    ['has a segment that begins behind the end', patched(64 + 8, 0, 0x20), 'truncated', 'p_offset[0]'],
    ['has a segment smaller in memory than in the file', patched(64 + 40, 15), 'bad-value', 'p_filesz[0]'],
    [
      'has a segment that wraps around',
      patched(64 + 16, 0, 0x10, 0, 0, 0, 0, 0, 0xff),
      'bad-value',
      'p_vaddr[0]',
    ],
    [
      'has a segment that ends beyond 2^53',
      patched(64 + 40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f),
      'bad-value',
      'p_memsz[0]',
    ],
    ['has an alignment that is no power of two', patched(64 + 48, 3), 'bad-value', 'p_align[0]'],
    ['has a segment not congruent to its file part', patched(64 + 16, 8), 'bad-value', 'p_align[0]'],
    ['enters outside its segments', patched(24, 0x10), 'bad-entry', 'e_entry'],
    ['enters at an odd address', patched(24, 1), 'bad-entry', 'e_entry'],
    ['enters a segment that is not executable', patched(64 + 4, R), 'bad-entry', 'e_entry'],
    ['has nothing to load', patched(64, 0x51), 'bad-value', 'e_phnum'],
  ];
  test.each(rows)('%s', (_name, bytes, code, field) => {
    expect(errorOf(bytes)).toMatchObject({ name: 'ElfError', code, field });
  });

  const built: [string, ElfSpec, ElfErrorCode, string][] = [
    [
      'has overlapping segments',
      { segments: [text, { vaddr: 0x100f, data: new Uint8Array(1), align: 1 }] },
      'overlap',
      'p_vaddr[1]',
    ],
    [
      'has two segments in one page',
      { segments: [text, { vaddr: 0x1800, data: new Uint8Array(1) }] },
      'overlap',
      'p_vaddr[1]',
    ],
    [
      'has segments in falling order',
      { segments: [text, { vaddr: 0, data: new Uint8Array(1) }] },
      'bad-value',
      'p_vaddr[1]',
    ],
    [
      'needs a dynamic linker',
      { segments: [text, { type: PT.INTERP, data: new TextEncoder().encode('/lib/ld.so\0') }] },
      'needs-linker',
      'p_type[1]',
    ],
    [
      'has a dynamic section outside its segments',
      { segments: [text, { type: PT.DYNAMIC, vaddr: 0x1010, fileOffset: 0x1000, fileBytes: 16 }] },
      'bad-value',
      'PT_DYNAMIC',
    ],
    [
      'has two dynamic sections',
      {
        segments: [
          text,
          ...Array<object>(2).fill({ type: PT.DYNAMIC, vaddr: 0x1000, fileOffset: 0x1000, fileBytes: 16 }),
        ],
      },
      'bad-value',
      'p_type[2]',
    ],
    [
      'has two stacks',
      { segments: [text, { type: PT.GNU_STACK }, { type: PT.GNU_STACK }] },
      'bad-value',
      'p_type[2]',
    ],
    [
      'has two thread-local images',
      { segments: [text, { type: PT.TLS }, { type: PT.TLS }] },
      'bad-value',
      'p_type[2]',
    ],
  ];
  test.each(built)('%s', (_name, spec, code, field) => {
    expect(errorOf(buildElf(spec))).toMatchObject({ code, field });
  });

  test.each([
    [62, 'x86-64'],
    [183, 'AArch64'],
    [3, 'x86 (32-bit)'],
    [40, 'Arm (32-bit)'],
    [999, 'machine number 999'],
  ])('is for machine %i, and the message says %s', (machine, name) => {
    const error = errorOf(buildElf({ machine }));
    expect(error).toMatchObject({ code: 'unsupported', field: 'e_machine' });
    expect(error.message).toContain(name);
  });
});

test('segments that share a page, or are shifted within it, are good enough to be copied', () => {
  const shared = buildElf({ segments: [text, { vaddr: 0x1800, data: new Uint8Array(1) }] });
  expect(parseElf(shared, { mappable: false }).segments).toHaveLength(2);
  const shifted = buildElf({ segments: [{ ...text, vaddr: 0x1008, fileOffset: 120, align: 8 }] });
  expect(errorOf(shifted)).toMatchObject({ code: 'bad-value', field: 'p_offset[0]' });
  expect(parseElf(shifted, { mappable: false }).entry).toBe(0x1008);
});

test('the path of the dynamic linker is there for those who want it', () => {
  const interpreter = (path: string) =>
    buildElf({ segments: [text, { type: PT.INTERP, data: new TextEncoder().encode(path) }] });
  expect(parseElf(interpreter('/lib/ld.so\0'), { allowInterpreter: true }).interpreter).toBe('/lib/ld.so');
  expect(errorOf(interpreter('/lib/ld.so'), { allowInterpreter: true }).code).toBe('bad-value');
  expect(errorOf(interpreter(`${'x'.repeat(5000)}\0`), { allowInterpreter: true }).field).toBe('p_filesz[1]');
});
