/**
 * What is made of short pieces of code, as text that is looked at when it changes. `npm run golden -- -u` accepts a change; the
 * files are part of the commit.
 */
import { describe, expect, it } from 'vitest';
import { regionText } from '../../src/translator/region-text.js';
import { PAGE_ADDRESS, regionOf } from './page-of-code.js';

const SNIPPETS: Readonly<Record<string, string>> = {
  addi: 'addi a0, a1, 5',
  lw: 'lw a0, 8(a1)',
  beq: 'beq a0, a1, 1f\naddi a2, a2, 1\n1: addi a3, a3, 1',
  'amoadd.d': 'amoadd.d a0, a2, (a1)',
  reservation: 'lr.w a0, (a1)\nsc.w a2, a0, (a1)',
  csrrw: 'addi a0, a0, 1\ncsrrw a2, mscratch, a1',
  'fadd.d': 'fadd.d fa0, fa1, fa2',
  fmadd: 'fmadd.d fa0, fa1, fa2, fa3, rne',
  'sfence.vma': 'sd a0, 0(a1)\nsfence.vma a2, zero',
  words: 'srliw a2, a0, 7\nslliw a3, a0, 25\nor a2, a2, a3\nsext.w a4, a2\nxor a5, a2, a1',
  loop: '1: lbu a2, 0(a0)\nadd a3, a3, a2\naddi a0, a0, 1\nbne a0, a1, 1b\nret',
  call: 'mv s0, ra\ncall 1f\naddi a0, a0, 1\nmv ra, s0\nret\n1: slli a0, a0, 1\nret',
  frame: 'addi sp, sp, -32\nsd ra, 24(sp)\nsd s0, 16(sp)\nsw a0, 12(sp)\nlw a1, 8(sp)',
  gates:
    '1: mv a1, a0\n2: call 3f\ncall 3f\ncall 3f\nbnez a1, 2b\nbnez a0, 1b\nebreak\n3: addi a1, a1, -1\nret',
  'indirect jump': 'sh3add a1, a0, a1\nld a1, 0(a1)\njr a1',
};

describe('what is made of', () => {
  it.each(Object.entries(SNIPPETS))('%s is as it was', async (name, source) => {
    const text = `${source.replace(/^/gm, ';; ')}\n\n${regionText(regionOf(source), 1, PAGE_ADDRESS)}`;
    await expect(text).toMatchFileSnapshot(`golden/${name.replace(' ', '-')}.wat`);
  });
});
