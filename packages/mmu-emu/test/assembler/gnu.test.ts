/** The assembler and the disassembler against GNU binutils; data/README.md says how the data was made. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assemble, disassemble } from '../../src/assembler/index.js';
import { INSTRUCTIONS } from '../../src/isa/index.js';

const read = (name: string): string => readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8');
const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

test.each(['pseudo', 'compressed', 'float'])(
  '%s instructions have the bytes that GNU as gives them',
  (name) => {
    const source = read(`gnu-${name}.s`);
    const { bytes } = assemble(source, { origin: 0x8000_0000 });
    expect(toHex(bytes)).toBe(read(`gnu-${name}.hex`).replaceAll('\n', ''));
  },
);

describe('the text of GNU objdump', () => {
  const rows = read('gnu-objdump.txt')
    .trim()
    .split('\n')
    .map((line) => {
      const [address, encoding, text] = line.split('\t') as [string, string, string];
      return { pc: parseInt(address, 16), word: parseInt(encoding, 16), text };
    });

  test('is the text of the disassembler', () => {
    const ours = rows.map(({ pc, word }) => disassemble(word, pc).text);
    expect(ours).toEqual(rows.map(({ text }) => text));
  });

  test('is assembled to the same bits', () => {
    const ours = rows.map(({ pc, text }) => toHex(assemble(text, { origin: pc }).bytes.reverse()));
    expect(ours).toEqual(
      rows.map(({ word, text }) => word.toString(16).padStart(text.startsWith('c.') ? 4 : 8, '0')),
    );
  });

  test('covers every instruction of the table but c.nop, which objdump names otherwise, and extensions that it does not know', () => {
    const seen = new Set(rows.map(({ text }) => text.split(' ')[0].replace(/\.(aq|rl|aqrl)$/, '')));
    const unknown = new Set(['Zfa', 'Zicond', 'Zimop', 'Zcmop', 'Zcb']);
    const rest = INSTRUCTIONS.filter(({ extension }) => !unknown.has(extension));
    expect(rest.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual(['c.nop']);
  });
});
