import { describe, expect, it } from 'vitest';
import { EXIT_BUDGET, EXIT_TRAP, INSTRUCTIONS, Machine } from '../../src/index.js';
import { setWordPair } from '../run-program.js';
import { HART_PC, HART_X } from '../../src/hart/state.js';

/** Numbers from a seed: 32 random bits a call (xorshift). */
function bits(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** RAM of random halfwords and of random operands in known encodings. */
function fill(machine: Machine, random: () => number): void {
  const frames = 64;
  const view = machine.ram.writable(0, frames);
  const words = new DataView(view.buffer, view.byteOffset, view.length);
  for (let at = 0; at + 4 <= view.length;) {
    if (random() % 8 === 0) {
      words.setUint16(at, random() & 0xffff, true);
      at += 2;
      continue;
    }
    const spec = INSTRUCTIONS[random() % INSTRUCTIONS.length];
    const encoding = (spec.match | (random() & ~spec.mask)) >>> 0;
    if (spec.length === 2) words.setUint16(at, encoding & 0xffff, true);
    else words.setUint32(at, encoding, true);
    at += spec.length;
  }
}

describe('random memory', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'never makes a hosted machine throw or run over its budget (seed %i)',
    async (seed) => {
      const random = bits(seed);
      const machine = await Machine.create({
        mode: 'hosted',
        ramBytes: 2 ** 20,
        adUpdate: seed % 2 ? 'fault' : 'hardware',
      });
      const hart = machine.harts[0];
      fill(machine, random);
      let retired = 0;
      let traps = 0;
      for (let round = 0; round < 3000; round++) {
        for (let x = 1; x < 32; x++) {
          const kind = random() % 3;
          const near = 0x8000_0000 + (random() & 0xf_ffff);
          setWordPair(
            hart,
            HART_X + 2 * x,
            kind === 0 ? BigInt(near) : (BigInt(random()) << 32n) | BigInt(random()),
          );
        }
        setWordPair(hart, HART_PC, BigInt(0x8000_0000 + (random() & 0x3_fffe)));
        // Now and then under page tables made of noise.
        if (round === 1500) hart.setAddressSpace(machine.ram.basePpn + (random() & 63), random() & 0xffff);
        const budget = 1 + (random() % 500);
        const reason = hart.run(budget);
        expect([EXIT_BUDGET, EXIT_TRAP]).toContain(reason);
        expect(hart.retired).toBeLessThanOrEqual(budget);
        if (reason === EXIT_BUDGET) expect(hart.retired).toBe(budget);
        else traps++;
        retired += hart.retired;
      }
      expect(retired).toBeGreaterThan(1000);
      expect(traps).toBeGreaterThan(100);
      expect(hart.state[HART_X] + hart.state[HART_X + 1]).toBe(0);
    },
  );
});
