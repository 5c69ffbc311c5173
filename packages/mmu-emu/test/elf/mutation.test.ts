import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ElfError, elfSymbols, findNote, loadElf, parseElf, relocations } from '../../src/elf/index.js';
import { buildElf, note, PT, R, W, words, X } from './elf-builder.js';

const data = new Uint8Array(0x100);
data.set(words(7, 0x8000_2080, 8, 48, 0, 0));
data.set(words(0x8000_2000, 3, 16, 0x8000_2008, 3, -4), 0x80);

const original = buildElf({
  type: 3,
  segments: [
    { flags: R | X, vaddr: 0x8000_1000, data: new Uint8Array(64) },
    { flags: R | W, vaddr: 0x8000_2000, data, memoryBytes: 0x1800 },
    { type: PT.DYNAMIC, vaddr: 0x8000_2000, fileOffset: 0x2000, fileBytes: 48 },
    { type: PT.NOTE, data: note('Faultline', 1, [1, 2, 3, 4]) },
    { type: PT.GNU_STACK, memoryBytes: 0x4000 },
  ],
  symbols: [{ name: 'tohost', value: 0x8000_2000n }],
});

/** Everything that reads a file, on whatever RAM there is. */
function readAll(bytes: Uint8Array, fileBytes: number): void {
  const image = parseElf(bytes, { fileBytes });
  findNote(bytes, image, 'Faultline', 1);
  let count = 0;
  for (const { vaddr } of relocations(bytes, image)) count += vaddr > 0 ? 1 : 0;
  for (const { name } of elfSymbols(bytes)) count += name.length;
  const ramBytes = 0x10000;
  const memory = new Uint8Array(ramBytes);
  const ram = {
    base: 0x8000_0000,
    bytes: ramBytes,
    writable(frame: number, frames = 1) {
      const view = memory.subarray(frame * 4096, (frame + frames) * 4096);
      // A wrong frame number would give a short view, and writes to it would be lost without a trace.
      if (view.length !== frames * 4096) throw new Error('frames outside RAM');
      return view;
    },
  };
  expect(loadElf({ ram }, bytes).image.segments.length + count).toBeGreaterThan(0);
}

function onlyElfErrors(bytes: Uint8Array, fileBytes = bytes.length): void {
  try {
    readAll(bytes, fileBytes);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    expect(error.message).toContain(error.field);
  }
}

// Places in the file that mean something; the rest is contents.
const HEADER_END = 64 + 5 * 56;
const position = fc.oneof(
  { weight: 6, arbitrary: fc.nat(HEADER_END - 1) },
  { weight: 2, arbitrary: fc.integer({ min: 0x2000, max: 0x2100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0x3000, max: original.length - 1 }) },
);
const value = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xfe, 0xff), fc.nat(255));

test('the file that is mutated is a good one', () => {
  readAll(original, original.length);
  expect(parseElf(original).segments).toHaveLength(2);
});

test('a file with changed bytes gives a typed error or is read', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(position, value), { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = original.slice();
      for (const [at, byte] of changes) bytes[at] = byte;
      onlyElfErrors(bytes);
    }),
    { numRuns: 5000 },
  );
});

test('a file with a changed 64-bit field gives a typed error or is read', () => {
  const wide = fc.oneof(
    fc.bigInt(0n, 2n ** 64n - 1n),
    fc.constantFrom(2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  );
  fc.assert(
    fc.property(fc.nat(HEADER_END - 8), wide, (at, field) => {
      const bytes = original.slice();
      new DataView(bytes.buffer).setBigUint64(at, field, true);
      onlyElfErrors(bytes);
    }),
    { numRuns: 5000 },
  );
});

test('a file cut anywhere gives a typed error or is read, also as the head of the whole', () => {
  fc.assert(
    fc.property(fc.nat(original.length), (length) => {
      onlyElfErrors(original.slice(0, length));
      onlyElfErrors(original.slice(0, length), original.length);
    }),
    { numRuns: 2000 },
  );
});

test('random bytes behind the magic number give a typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 256 }), (tail) => {
      onlyElfErrors(Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...tail]));
    }),
    { numRuns: 2000 },
  );
});
