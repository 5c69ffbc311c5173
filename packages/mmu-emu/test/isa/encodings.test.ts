import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decode, INSTRUCTIONS } from '../../src/isa/index.js';
import { extractField, insertField } from '../../src/isa/instruction.js';

const FOLDER = fileURLToPath(new URL('../data/riscv-opcodes/', import.meta.url));

interface Reference {
  readonly name: string;
  readonly match: number;
  readonly mask: number;
}

/** Fixed bits of the entries of the riscv-opcodes files, `$import` and `$pseudo_op` lines left out. */
function references(): Reference[] {
  return (
    readdirSync(FOLDER)
      .filter((file) => file.startsWith('rv'))
      .flatMap((file) => readFileSync(FOLDER + file, 'utf8').split('\n'))
      .map((line) => line.replace(/#.*/, '').trim())
      // Cases of others for riscv-opcodes, and instructions of their own here: zext.h without Zbkb's packw, hints with
      // names, and operations with a number in their name.
      .map((line) => line.replace(OWN_NAME, '$<name>').replace('imm12hi', ''))
      .filter((line) => !/^(mop\.r|mop\.rr|c\.mop)\.N /.test(line))
      .filter((line) => line !== '' && !line.startsWith('$'))
      .map((line) => {
        const [name = '', ...parts] = line.split(/\s+/);
        let match = 0n;
        let mask = 0n;
        for (const part of parts) {
          const found = /^(\d+)(?:\.\.(\d+))?=(\w+)$/.exec(part);
          if (!found) continue;
          const high = Number(found[1]);
          const low = Number(found[2] ?? found[1]);
          match |= BigInt(found[3]) << BigInt(low);
          mask |= ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
        }
        return { name, match: Number(match), mask: Number(mask) };
      })
  );
}

const OWN_NAME =
  /^\$pseudo_op [a-z0-9_]+::[a-zA-Z.]+ (?<name>zext\.h|pause|prefetch\.[irw]|mop\.rr?\.\d+|c\.mop\.\d+)(?= )/;

describe('the instruction table', () => {
  const all = references();

  it('has every instruction of its extensions, with the encodings of riscv-opcodes', () => {
    const ours = new Map(INSTRUCTIONS.map(({ name, match, mask }) => [name, { name, match, mask }]));
    expect(all.length).toBeGreaterThan(120);
    for (const reference of all) expect(ours.get(reference.name), reference.name).toEqual(reference);
  });

  it('has no instruction beside those', () => {
    const names = new Set(all.map(({ name }) => name));
    expect(INSTRUCTIONS.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual([]);
  });

  it('decodes each instruction as itself, whatever its operands are', () => {
    for (const spec of INSTRUCTIONS) {
      for (const { field, name } of spec.operands) {
        const constraint = spec.constraints.find((c) => c.name === name);
        for (const ones of [0, 1, 2, 3]) {
          let encoding = spec.match;
          let fieldMask = 0;
          for (const slice of field.slices) {
            const value = ones === 0 ? 0 : ones === 1 ? -1 : ones === 2 ? 0x5555_5555 : 0x2aaa_aaaa;
            encoding |= (value & (2 ** slice.width - 1)) << slice.from;
            fieldMask |= (2 ** slice.width - 1) << slice.from;
          }
          encoding >>>= 0;
          const value = extractField(field, encoding);
          expect(insertField(field, value), spec.name).toBe((encoding & fieldMask) >>> 0);
          if (constraint?.not.includes(value)) continue;
          if (spec.constraints.some((c) => c.name !== name && c.not.includes(0))) continue;
          // A prefetch is an ori to x0.
          if (spec.name === 'ori') expect(decode(encoding)?.name).toMatch(/^(ori|prefetch\.[irw])$/);
          else expect([spec.name, 'c.addi16sp', 'c.nop', 'pause']).toContain(decode(encoding)?.name);
        }
      }
    }
  });

  it('takes all zeros, all ones and the reserved compressed encodings for nothing', () => {
    const reserved = [
      0x0000, 0xffff_ffff, 0x9000, // all zeros, all ones, reserved quadrant 0
      0x0004, // c.addi4spn with immediate 0
      0x2001, // c.addiw to x0
      0x6101, 0x6201, 0x6801, // c.addi16sp and c.lui with immediate 0
      0x4002, 0x6002, // c.lwsp and c.ldsp to x0
      0x8002, // c.jr x0
      0x9c79, 0x9c7d, // reserved beside those of Zcb
    ]; // prettier-ignore
    for (const encoding of reserved) expect(decode(encoding)?.name, encoding.toString(16)).toBe(undefined);
  });
});
