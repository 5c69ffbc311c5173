import { describe, expect, it } from 'vitest';
import { assemble, HART_X, INTEGER_REGISTERS } from '../../src/index.js';
import { orderFlow } from '../../src/translator/flow.js';
import type { Flow } from '../../src/translator/flow.js';
import { planRegisters } from '../../src/translator/register-plan.js';
import type { RegisterPlan } from '../../src/translator/register-plan.js';
import { discoverRegion } from '../../src/translator/region.js';
import { wordsOf } from '../../src/translator/register-set.js';
import type { RegisterSet } from '../../src/translator/register-set.js';

/** The plan of the region at the beginning of a program, and its nodes by label. */
function planOf(source: string): { plan: RegisterPlan; flow: Flow; node: (label: string) => number } {
  const { bytes, symbols } = assemble(source, { origin: 0 });
  const page = new Uint8Array(4096);
  page.set(bytes);
  const limits = { blocks: 100, instructions: 500, calledInstructions: 48 };
  const region = discoverRegion(new DataView(page.buffer), [0], limits);
  if (region === null) throw new Error('nothing to translate');
  const starts = [...region.blocks.keys()];
  const node = (offset: number): number => starts.indexOf(offset) + 1;
  const blocks = [null, ...region.blocks.values()];
  const flow = orderFlow(
    blocks.map((block) => (block === null ? [0] : block.targets).map(node).filter((found) => found !== 0)),
  );
  const plan = planRegisters(flow, blocks, () => null);
  return { plan, flow, node: (label) => node(symbols.get(label) as number) };
}

const names = (registers: RegisterSet): string[] =>
  wordsOf(registers).map((word) => INTEGER_REGISTERS[(word - HART_X) / 2]);

describe('the plan of where registers are', () => {
  const MANY = ['s0', 's1', 's2', 's3', 's4', 's5', 's6'].map((name) => `xor t0, t0, ${name}`).join('\n');

  it('lets a loop carry what it reads, and write the rest to memory when it comes round', () => {
    const { plan, node } = planOf(`
      li   t1, 7
      loop:
      slli t0, a0, 3
      ${MANY}
      mv   t2, t0
      add  a0, a0, t2
      bnez a0, loop
      sd   t1, 0(a1)
      ecall`);
    const loop = node('loop');
    expect(names(plan.held(loop))).not.toContain('t2');
    expect(names(plan.held(loop))).toEqual(expect.arrayContaining(['a0', 's0', 's6', 't1', 'a1']));
    // t1 was written before the loop and is not written in it: nothing in it has to store it.
    expect(names(plan.dirty(loop))).toEqual(['a0']);
    expect(names(plan.dirtyAfter(loop)).sort()).toEqual(['a0', 't0', 't2']);
  });

  it('lets a loop of few registers carry all of them', () => {
    const { plan, node } = planOf(
      'li a1, 9\nloop: lw t0, 0(a0)\nadd a2, a2, t0\naddi a0, a0, 4\nbne a0, a1, loop\necall',
    );
    expect(names(plan.dirty(node('loop'))).sort()).toEqual(['a0', 'a2', 't0']);
  });

  it('holds at each node what is held at the end of every node before it', () => {
    const { plan, flow } = planOf(`
      loop: beqz a0, odd
      add a1, a1, a2
      j both
      odd: sub a3, a3, a4
      both: addi a0, a0, -1
      blt a0, a5, loop
      add a6, a1, a3
      ret`);
    for (const from of flow.sequence) {
      for (const to of flow.successors[from]) {
        const [before, after] = [names(plan.heldAfter(from)), names(plan.held(to))];
        expect(before, `${from} to ${to}`).toEqual(expect.arrayContaining(after));
        expect(after).toEqual(expect.arrayContaining(names(plan.dirty(to))));
      }
    }
  });
});
