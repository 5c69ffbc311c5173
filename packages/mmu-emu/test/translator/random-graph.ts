/** Random programs of short blocks with a branch to anywhere at the end of each: control flow of every shape. */
import type { Random } from '../qemu/random.js';

/** Ends with an `ecall` after a0 rounds at most; s0 is a multiplier, and a1 and a3 tell which way it went. */
export function randomGraph(random: Random): string {
  const blocks = 4 + random.below(10);
  const target = (): string => (random.chance(8) ? 'end' : `b${random.below(blocks)}`);
  const lines = [`j b${random.below(blocks)}`, 'end: ecall'];
  for (let block = 0; block < blocks; block += 1) {
    lines.push(
      `b${block}: addi a1, a1, ${block + 1}`,
      'xor a3, a3, a1',
      'addi a0, a0, -1',
      'beqz a0, end',
      // The next number of a sequence decides.
      'mul a2, a2, s0',
      'addi a2, a2, 1013',
      `srli t0, a2, ${20 + random.below(20)}`,
      'andi t0, t0, 1',
      `${random.pick(['beqz', 'bnez'])} t0, ${target()}`,
    );
    if (random.chance(30)) lines.push(`j ${target()}`);
  }
  return [...lines, 'j end'].join('\n');
}
