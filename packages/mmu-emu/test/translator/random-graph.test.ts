import { afterAll, describe, expect, it } from 'vitest';
import { EXIT_BUDGET } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { Bench } from '../run-program.js';
import { DISPATCHER, orderFlow } from '../../src/translator/flow.js';
import { layEntrances } from '../../src/translator/entrances.js';
import { regionOf } from './page-of-code.js';
import { randomGraph } from './random-graph.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = 60;

/** Ways back of the region that begins a program which lead to no loop that they are in. */
function irreducibleEdges(source: string): number {
  const { blocks, entries } = regionOf(source);
  const nodes = new Map([...blocks.keys()].map((start, index) => [start, index + 1]));
  const nodesOf = (offsets: readonly number[]): number[] =>
    [...new Set(offsets)].map((offset) => nodes.get(offset)).filter((node) => node !== undefined);
  const targets = [[], ...[...blocks.values()].map((block) => nodesOf(block.targets))];
  const flow = orderFlow(layEntrances(targets, new Map(), nodesOf(entries)).successors);
  return flow.successors
    .flatMap((to, from) => (from === DISPATCHER ? [] : to.map((node) => [from, node] as const)))
    .filter(([from, to]) => flow.isBackward(from, to) && !flow.dominates(to, from)).length;
}

describe('control flow of any shape', () => {
  let irreducible = 0;
  let translated = 0;

  it.each(Array.from({ length: PROGRAMS }, (_, index) => index))(
    'goes the same way under either engine (program %i)',
    async (index) => {
      const random = new Random(Math.imul(SEED + 9000 + index, 0x9e37_79b1));
      const source = randomGraph(random);
      const benches = [
        await Bench.of(source, { engine: 'interpreter' }),
        await Bench.of(source, { engine: 'translator' }),
      ];
      for (const bench of benches) {
        bench.setX('a0', 4000);
        bench.setX('a2', index);
        bench.setX('s0', 1_103_515_245);
      }
      for (let reason: number = EXIT_BUDGET; reason === EXIT_BUDGET;) {
        const budget = random.chance(30) ? 1 + random.below(20) : 1 + random.below(20_000);
        const states = benches.map((bench) => [
          bench.run(budget),
          bench.pc,
          bench.hart.retired,
          ...['a0', 'a1', 'a2', 'a3', 't0'].map((name) => bench.x(name)),
        ]);
        expect(states[1], source).toEqual(states[0]);
        reason = Number(states[0][0]);
      }
      translated += benches[1].machine.translation?.retiredTranslated ?? 0;
      irreducible += irreducibleEdges(source);
    },
  );

  afterAll(() => {
    if (irreducible < PROGRAMS / 2) throw new Error(`${irreducible} edges are irreducible`);
    if (translated < 1000) throw new Error(`${translated} instructions ran translated`);
  });
});
