import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assemble, disassemble } from '../../src/assembler/index.js';
import { INSTRUCTIONS } from '../../src/isa/index.js';

/** What comes back from a text, as a number. */
function bitsOf(text: string, pc: number): number {
  return assemble(text, { origin: pc }).bytes.reduceRight((bits, byte) => bits * 256 + byte, 0);
}

/** Distinct lines keep the exhaustive test to one source instead of tens of thousands. */
test('each of the 49,152 halfwords that are an instruction, or none, is assembled to itself', () => {
  const words: number[] = [];
  for (let word = 0; word < 0x1_0000; word++) if ((word & 3) !== 3) words.push(word);
  const origin = 0x8000_0000;
  const texts = words.map((word, index) => disassemble(word, origin + 2 * index));
  expect(texts.every(({ length }) => length === 2)).toBe(true);
  const { bytes } = assemble(texts.map(({ text }) => text).join('\n'), { origin });
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const wrong = words.filter((word, index) => view.getUint16(2 * index, true) !== word);
  expect(wrong.map((word) => disassemble(word).text)).toEqual([]);
  const data = texts.filter(({ text }) => text.startsWith('.')).length;
  // Most halfwords are instructions; were the disassembler to give up, the round trip would prove nothing.
  expect(data).toBeLessThan(11_000);
});

test('an encoding of any instruction, at any address, is assembled to itself', () => {
  const encoding = fc
    .tuple(fc.constantFrom(...INSTRUCTIONS.filter(({ length }) => length === 4)), fc.integer())
    .map(([{ match, mask }, bits]) => (match | (bits & ~mask)) >>> 0);
  const pc = fc.oneof(fc.nat(0x7fff_ffff), fc.maxSafeNat()).map((address) => address - (address % 2));
  fc.assert(
    fc.property(encoding, pc, (word, address) => {
      const { text, length } = disassemble(word, address);
      expect(length).toBe(4);
      expect(bitsOf(text, address)).toBe(word);
    }),
    { numRuns: 5000 },
  );
});

test('any 32 bits have a text, and that text is them', () => {
  fc.assert(
    fc.property(fc.integer(), (bits) => {
      const { text, length } = disassemble(bits, 0x1000);
      expect(bitsOf(text, 0x1000)).toBe(length === 4 ? bits >>> 0 : bits & 0xffff);
    }),
    { numRuns: 5000 },
  );
});
