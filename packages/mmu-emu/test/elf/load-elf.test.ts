import { describe, expect, test } from 'vitest';
import { ElfError, elfSymbols, findNote, loadElf, parseElf, relocations } from '../../src/elf/index.js';
import { buildElf, note, PT, R, W, words, X } from './elf-builder.js';
import type { ElfSpec } from './elf-builder.js';

const BASE = 0x8000_0000;

/** RAM that counts how often it was handed out. */
function makeRam(bytes: number) {
  const memory = new Uint8Array(bytes).fill(0xaa);
  return {
    base: BASE,
    bytes,
    memory,
    views: 0,
    writable(frame: number, count = 1) {
      this.views++;
      return memory.subarray(frame * 4096, (frame + count) * 4096);
    },
  };
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ElfError) return `${error.code} ${error.field}`;
    throw error;
  }
  return 'no error';
}

const text = (vaddr: number, data = Uint8Array.of(1, 2, 3, 4)) => ({ flags: R | X, vaddr, data });

describe('loading', () => {
  test('copies segments to their physical addresses and clears what the file does not give', () => {
    const ram = makeRam(0x8000);
    const data = { flags: R | W, vaddr: BASE + 0x1008, data: Uint8Array.of(9, 9), memoryBytes: 0x2000 };
    const loaded = loadElf({ ram }, buildElf({ entry: BASE + 2, segments: [text(BASE), data] }));
    expect(loaded).toMatchObject({ entry: BASE + 2, bias: 0, end: BASE + 0x3008 });
    expect([...ram.memory.subarray(0, 6)]).toEqual([1, 2, 3, 4, 0xaa, 0xaa]);
    expect([...ram.memory.subarray(0x1006, 0x100c)]).toEqual([0xaa, 0xaa, 9, 9, 0, 0]);
    expect([...ram.memory.subarray(0x3006, 0x300a)]).toEqual([0, 0, 0xaa, 0xaa]);
  });

  test('follows the physical address when a program is linked to run elsewhere', () => {
    const ram = makeRam(0x2000);
    const loaded = loadElf(
      { ram },
      buildElf({ segments: [{ ...text(0x4000), paddr: BASE + 0x1000 }], entry: 0x4002 }),
    );
    expect(loaded.entry).toBe(BASE + 0x1002);
    expect(ram.memory[0x1000]).toBe(1);
  });

  test('moves a position-independent program to the start of RAM and relocates it', () => {
    const ram = makeRam(0x8000);
    const loaded = loadElf({ ram }, buildElf(relocatable(words(0x2030, 3, -8))));
    expect(loaded).toMatchObject({ entry: BASE, bias: BASE - 0x1000 });
    const word = new DataView(ram.memory.buffer).getBigUint64(0x1030, true);
    expect(word).toBe(BigInt(BASE - 0x1000 - 8));
  });

  test('leaves a position-independent program where it says when that is RAM', () => {
    const ram = makeRam(0x2000);
    expect(loadElf({ ram }, buildElf({ type: 3, segments: [text(BASE + 0x1000)] }))).toMatchObject({
      bias: 0,
      entry: BASE + 0x1000,
    });
  });

  test.each([
    ['below RAM', buildElf({ segments: [text(0x1000)] }), 'does-not-fit p_paddr'],
    ['beyond RAM', buildElf({ segments: [text(BASE + 0x1ffe)] }), 'does-not-fit p_paddr'],
    [
      'bigger than RAM',
      buildElf({ segments: [{ ...text(BASE), memoryBytes: 0x2001 }] }),
      'does-not-fit p_paddr',
    ],
    [
      'twice to one place',
      buildElf({
        segments: [
          { ...text(BASE), paddr: BASE },
          { ...text(BASE + 0x1000), paddr: BASE + 2 },
        ],
      }),
      'overlap p_paddr',
    ],
    ['with a wrong relocation', buildElf(relocatable(words(0x2030, 2, 0))), 'bad-relocation r_info'],
  ])('a program %s is refused and nothing is written', (_name, bytes, code) => {
    const ram = makeRam(0x2000);
    expect(codeOf(() => loadElf({ ram }, bytes))).toBe(code);
    expect(ram.views).toBe(0);
  });
});

/** Text at 0x1000; at 0x2000 a dynamic section of three entries, followed by the relocations at 0x2030 + 8. */
function relocatable(table: Uint8Array, ...extra: (number | bigint)[]): ElfSpec {
  const dynamic = words(...extra, 7, 0x2100, 8, table.length, 0, 0);
  const data = new Uint8Array(0x100 + table.length);
  data.set(dynamic);
  data.set(table, 0x100);
  return {
    type: 3,
    segments: [
      text(0x1000),
      { flags: R | W, vaddr: 0x2000, data },
      { type: PT.DYNAMIC, vaddr: 0x2000, fileOffset: 0x2000, fileBytes: dynamic.length },
    ],
  };
}

describe('relocations', () => {
  const list = (spec: ElfSpec) => {
    const bytes = buildElf(spec);
    return [...relocations(bytes, parseElf(bytes))];
  };

  test('are listed, R_RISCV_NONE left out', () => {
    expect(list(relocatable(words(0x2000, 3, 0x1000, 0, 0, 0, 0x2008, 3, -1)))).toEqual([
      { vaddr: 0x2000, addend: 0x1000 },
      { vaddr: 0x2008, addend: -1 },
    ]);
  });

  test('there are none without a dynamic section', () => {
    expect(list({})).toEqual([]);
  });

  test.each([
    ['of another type', relocatable(words(0x2000, 5, 0)), 'bad-relocation r_info'],
    ['outside the segments', relocatable(words(0x21f9, 3, 0)), 'bad-value r_offset'],
    ['in a REL table', relocatable(words(0x2000, 3, 0), 18, 16), 'bad-relocation DT_RELSZ'],
    ['in a RELR table', relocatable(words(0x2000, 3, 0), 35, 8), 'bad-relocation DT_RELRSZ'],
    ['for procedure linkage', relocatable(words(0x2000, 3, 0), 2, 24), 'bad-relocation DT_PLTRELSZ'],
    ['of another size', relocatable(words(0x2000, 3, 0), 9, 16), 'bad-value DT_RELAENT'],
    ['that are cut', relocatable(words(0x2000, 3)), 'bad-value DT_RELASZ'],
    ['in a program with shared libraries', relocatable(words(0x2000, 3, 0), 1, 5), 'needs-linker DT_NEEDED'],
  ])('%s are refused', (_name, spec, code) => {
    expect(codeOf(() => list(spec))).toBe(code);
  });

  test('outside the file part of a segment are refused', () => {
    const spec = relocatable(words(0x2000, 3, 0));
    new DataView(spec.segments![1].data!.buffer).setUint32(8, 0x2101, true);
    expect(codeOf(() => list(spec))).toBe('bad-value DT_RELA');
  });

  test('name the type that is not possible', () => {
    expect(() => list(relocatable(words(0x2000, 5, 0)))).toThrow('R_RISCV_JUMP_SLOT');
    expect(() => list(relocatable(words(0x2000, 77, 0)))).toThrow('type 77');
  });
});

describe('notes', () => {
  const file = (data: Uint8Array) => buildElf({ segments: [text(0x1000), { type: PT.NOTE, data }] });
  const bytes = file(
    Uint8Array.from([...note('GNU', 3, [1, 2, 3, 4]), ...note('Faultline', 1, [7]), ...note('GNU', 1, [5])]),
  );

  test('are found by owner and type', () => {
    const image = parseElf(bytes);
    expect([...(findNote(bytes, image, 'Faultline', 1) ?? [])]).toEqual([7]);
    expect([...(findNote(bytes, image, 'GNU', 1) ?? [])]).toEqual([5]);
  });

  test('that are not there are undefined', () => {
    const image = parseElf(bytes);
    expect(findNote(bytes, image, 'Faultline', 2)).toBeUndefined();
    expect(findNote(bytes, image, 'Faultlin', 1)).toBeUndefined();
    expect(findNote(buildElf(), parseElf(buildElf()), 'GNU', 3)).toBeUndefined();
  });

  test('behind the head of a file are an error, not an absence', () => {
    const head = bytes.subarray(0, 256);
    expect(codeOf(() => findNote(head, parseElf(head, { fileBytes: bytes.length }), 'GNU', 3))).toBe(
      'head-too-short PT_NOTE',
    );
  });

  test('that leave their segment are an error', () => {
    const broken = note('GNU', 3, [1, 2, 3, 4]);
    broken[4] = 200;
    expect(codeOf(() => findNote(file(broken), parseElf(file(broken)), 'X', 3))).toBe('bad-value n_descsz');
  });
});

describe('symbols', () => {
  const symbols = [
    { name: 'tohost', value: 0x8000_1000n, size: 8, info: 0x11 },
    { name: 'missing', value: 0n, section: 0 },
    { name: 'a.c', value: 0n, info: 4, section: 0xfff1 },
    { name: '__absolute', value: 2n ** 63n, info: 0x10, section: 0xfff1 },
    { name: '_start', value: 0x8000_0000n, size: 4, info: 0x12 },
  ];

  test('are the defined ones that are addresses', () => {
    expect([...elfSymbols(buildElf({ symbols }))]).toEqual([
      { name: 'tohost', value: 0x8000_1000, size: 8, kind: 'object' },
      { name: '_start', value: 0x8000_0000, size: 4, kind: 'function' },
    ]);
  });

  test('of a stripped file are none', () => {
    expect([...elfSymbols(buildElf())]).toEqual([]);
  });

  test('of a file that is cut are an error', () => {
    const bytes = buildElf({ symbols });
    expect(codeOf(() => [...elfSymbols(bytes.subarray(0, bytes.length - 1))])).toBe('truncated e_shoff');
    expect(codeOf(() => [...elfSymbols(new Uint8Array(64))])).toBe('not-elf e_ident[EI_MAG]');
  });
});
