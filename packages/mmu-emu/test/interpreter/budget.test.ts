import { describe, expect, it } from 'vitest';
import { EXIT_BUDGET, EXIT_TRAP, VirtualClock } from '../../src/index.js';
import { Bench, ORIGIN } from '../run-program.js';

/** Loops, calls, compressed instructions and a page boundary, ending in an ecall. */
const PROGRAM = `
  li s0, 7
  outer:
  li s1, 5
  inner:
  c.addi s2, 1
  sd s2, 0(sp)
  ld s3, 0(sp)
  call far
  c.addi s1, -1
  bnez s1, inner
  addi s0, s0, -1
  bnez s0, outer
  ecall
  .balign 4096
  .zero 4094
  far:
  addi s4, s4, 3
  ret
`;

async function program(): Promise<Bench> {
  const bench = await Bench.of(PROGRAM, { clock: new VirtualClock() });
  bench.setX('sp', ORIGIN + 0x8000);
  return bench;
}

describe('budgets', () => {
  it('are exact: any way of cutting a run gives the same steps', async () => {
    const whole = await program();
    expect(whole.run()).toBe(EXIT_TRAP);
    const total = whole.hart.retired;
    expect(total).toBeGreaterThan(200);
    // The pc after each number of instructions, one at a time.
    const single = await program();
    const pcs: bigint[] = [];
    for (let i = 0; i < total; i++) {
      expect([single.run(1), single.hart.retired]).toEqual([EXIT_BUDGET, 1]);
      pcs.push(single.pc);
    }
    expect([single.run(1), single.hart.retired]).toEqual([EXIT_TRAP, 0]);
    for (let budget = 2; budget <= total; budget++) {
      const bench = await program();
      for (let done = 0; done + budget <= total; done += budget) {
        expect(bench.run(budget)).toBe(EXIT_BUDGET);
        expect([bench.hart.retired, bench.pc]).toEqual([budget, pcs[done + budget - 1]]);
      }
      if (budget > 40) break;
    }
    expect([whole.x('s4'), single.x('s4')]).toEqual([105n, 105n]);
  });

  it('longer than a slice are exact too, and the clock moves by what retired', async () => {
    const clock = new VirtualClock();
    const bench = await Bench.of('loop: addi a0, a0, 1\nj loop', { clock });
    for (const budget of [1_000_001, 65_536, 32_768, 32_769]) {
      const [before, time] = [bench.x('a0'), clock.now()];
      const odd = bench.pc !== BigInt(ORIGIN);
      expect([bench.run(budget), bench.hart.retired]).toEqual([EXIT_BUDGET, budget]);
      const added = odd ? Math.floor(budget / 2) : Math.ceil(budget / 2);
      expect([bench.x('a0') - before, clock.now() - time]).toEqual([BigInt(added), budget]);
    }
  });

  it('leave the fault of the next instruction to the next run', async () => {
    const bench = await Bench.of('nop\nj .+0xffffe');
    expect(bench.run(2)).toBe(EXIT_BUDGET);
    expect(bench.run(1)).toBe(EXIT_TRAP);
    expect([bench.hart.retired, bench.pc]).toEqual([0, BigInt(ORIGIN + 4 + 0xf_fffe)]);
  });

  it('of zero run nothing', async () => {
    const bench = await Bench.of('nop');
    expect([bench.run(0), bench.hart.retired, bench.pc]).toEqual([EXIT_BUDGET, 0, BigInt(ORIGIN)]);
  });

  it('a trap does not retire, and a run goes on where the embedder says', async () => {
    const bench = await Bench.of('li a0, 1\necall\nli a0, 2\necall');
    expect([bench.run(), bench.hart.retired]).toEqual([EXIT_TRAP, 1]);
    bench.pc += 4n;
    expect([bench.run(), bench.hart.retired, bench.x('a0')]).toEqual([EXIT_TRAP, 1, 2n]);
  });

  it.each(['interpreter', 'auto', 'translator'] as const)(
    'end where an embedder puts an odd pc, which is the even one before it (%s)',
    async (engine) => {
      const bench = await Bench.of('addi a0, a0, 1\naddi a0, a0, 1\necall', { engine });
      bench.pc = BigInt(ORIGIN + 1);
      expect([bench.run(1000), bench.x('a0'), bench.pc]).toEqual([EXIT_TRAP, 2n, BigInt(ORIGIN + 8)]);
    },
  );
});
