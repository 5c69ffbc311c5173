import { describe, expect, test } from 'vitest';
import { EXIT_BUDGET, EXIT_TRAP, EXIT_WFI, HART_CAUSE, HART_PC, makeClint, CLINT_BASE, MachineError, Machine } from '../src/index.js'; // prettier-ignore
import type { MachineOptions } from '../src/index.js';
import { Bench, ORIGIN, setWordPair, wordPair } from './run-program.js';
import { HART_X } from '../src/index.js';

/** Every hart begins at the start of the program. */
async function benchOf(source: string, options: MachineOptions): Promise<Bench> {
  const bench = await Bench.of(source, { mode: 'full-system', devices: makeClint(), ...options });
  for (const hart of bench.machine.harts) setWordPair(hart, HART_PC, BigInt(ORIGIN));
  return bench;
}

/** Each hart adds 1 to `word` 1,000 times, in a way given; the last to finish is told by `done`. */
const addingBy = (add: string): string => `
  la s0, word
  li s1, 1000
  li s2, 1
again: ${add}
  addi s1, s1, -1
  bnez s1, again
  la t0, done
  amoadd.d zero, s2, (t0)
  wfi
  .balign 8
word: .dword 0
done: .dword 0
lock: .dword 0
`;

const RESERVED = `1: lr.d t0, (s0)\n addi t0, t0, 1\n sc.d t1, t0, (s0)\n bnez t1, 1b`;
const LOCKED = `la t2, lock
1: amoswap.w.aq t0, s2, (t2)
  bnez t0, 1b
  ld t0, (s0)
  addi t0, t0, 1
  sd t0, (s0)
  amoswap.w.rl zero, zero, (t2)`;

describe.each([2, 4, 8])('%i harts', (harts) => {
  test.each([
    ['atomics', 'amoadd.d zero, s2, (s0)'],
    ['reservations', RESERVED],
    ['a lock', LOCKED],
  ])('count together by %s, whatever the interleaving', async (_name, add) => {
    for (const seed of [undefined, 1, 2, 3, 4, 5]) {
      const bench = await benchOf(addingBy(add), {
        harts,
        turnInstructions: 7,
        ...(seed === undefined ? {} : { seed }),
      });
      expect(bench.machine.run(5_000_000), `seed ${seed}`).toBe(EXIT_WFI);
      expect(bench.read(Number(bench.symbol('word'))), `seed ${seed}`).toBe(BigInt(1000 * harts));
      expect(bench.read(Number(bench.symbol('done')))).toBe(BigInt(harts));
    }
  });

  test('each has its number, and wakes the next by a software interrupt', async () => {
    const bench = await benchOf(
      `csrr a0, mhartid
      li s0, ${CLINT_BASE}
      la s1, order
      li t0, 8
      csrw mie, t0
      beqz a0, go
      wfi
   go: ld t0, 0(s1)
      slli t0, t0, 4
      or t0, t0, a0
      sd t0, 0(s1)
      slli t1, a0, 2
      add t1, t1, s0
      sw zero, 0(t1)
      li t2, ${harts - 1}
      bgeu a0, t2, end
      li t0, 1
      sw t0, 4(t1)
  end: csrw mie, zero
      wfi
      .balign 8
   order: .dword 0`,
      { harts },
    );
    expect(bench.machine.run(100_000)).toBe(EXIT_WFI);
    const order = Number(bench.read(Number(bench.symbol('order')))).toString(16);
    expect(order).toBe('1234567'.slice(0, harts - 1));
  });

  test('each has its own timer', async () => {
    const bench = await benchOf(
      `csrr a0, mhartid
      li t0, 0x80
      csrw mie, t0
      slli t1, a0, 3
      li t2, ${CLINT_BASE + 0x4000}
      add t2, t2, t1
      addi t3, a0, 1
      slli t3, t3, 10
      sd t3, 0(t2)
      wfi
      csrr a1, time
      csrw mie, zero
      wfi`,
      { harts },
    );
    expect(bench.machine.run(100_000)).toBe(EXIT_WFI);
    for (const hart of bench.machine.harts) {
      const woken = Number(wordPair(hart, HART_X + 2 * 11));
      expect(woken).toBe(1024 * (hart.id + 1));
    }
  });
});

describe('the interleaving', () => {
  /** Each hart writes its number into a log, as fast as it can. */
  const LOG = `
    csrr a0, mhartid
    la s0, next
    li s1, 1
  1: amoadd.d t0, s1, (s0)
    li t1, 2000
    bgeu t0, t1, 2f
    la t2, log
    add t2, t2, t0
    sb a0, 0(t2)
    j 1b
  2: wfi
    .balign 8
  next: .dword 0
  log: .zero 2048`;

  async function logOf(options: MachineOptions, pieces: number): Promise<string> {
    const bench = await benchOf(LOG, { harts: 3, turnInstructions: 50, ...options });
    let reason;
    do reason = bench.machine.run(pieces);
    while (reason === EXIT_BUDGET);
    const at = Number(bench.symbol('log')) - ORIGIN;
    return Buffer.from(bench.machine.ram.readable(0).subarray(at, at + 2000)).toString('hex');
  }

  test('is the same for the same seed, in one run or in pieces, and other for another seed', async () => {
    const first = await logOf({ seed: 7 }, 1_000_000);
    expect(await logOf({ seed: 7 }, 1_000_000)).toBe(first);
    expect(await logOf({ seed: 7 }, 13)).toBe(first);
    expect(await logOf({ seed: 7, engine: 'interpreter' }, 1_000_000)).toBe(first);
    expect(await logOf({ seed: 7, engine: 'translator' }, 1_000_000)).toBe(first);
    expect(await logOf({ seed: 8 }, 1_000_000)).not.toBe(first);
    expect(await logOf({}, 1_000_000)).not.toBe(first);
  });

  test('retired counts the instructions of all, and a budget is kept exactly', async () => {
    const bench = await benchOf('1: j 1b', { harts: 3, turnInstructions: 10 });
    expect(bench.machine.run(1234)).toBe(EXIT_BUDGET);
    expect(bench.machine.retired).toBe(1234);
  });
});

describe('between harts', () => {
  test('a reservation ends when another hart runs', async () => {
    const bench = await benchOf(
      `csrr a0, mhartid
      la s0, word
      bnez a0, other
      lr.d t0, (s0)
      .rept 20
      nop
      .endr
      sc.d a1, zero, (s0)
      wfi
    other: ld t0, 0(s0)
      addi t0, t0, 1
      sd t0, 0(s0)
      wfi
      .balign 8
    word: .dword 41`.replace(/\.rept[^]*\.endr/, 'nop\n'.repeat(20)),
      { harts: 2, turnInstructions: 10 },
    );
    bench.machine.run(1000);
    expect(bench.x('a1')).toBe(1n);
    expect(bench.read(Number(bench.symbol('word')))).toBe(42n);
  });

  test.each(['interpreter', 'translator'] as const)(
    'code that one hart changes is seen by the other (%s)',
    async (engine) => {
      // Hart 0 calls a function until it gives 2; hart 1 lets it run a while and changes it.
      const bench = await benchOf(
        `csrr a0, mhartid
        beqz a0, 1f
        j other
      1: jal function
        addi s0, s0, 1
        li t0, 2
        bne a1, t0, 1b
        wfi
        .balign 4096
      function: li a1, 1
        ret
        .balign 4096
      other: li t0, 300
      2: addi t0, t0, -1
        bnez t0, 2b
        la t1, function
        lw t2, replacement
        sw t2, 0(t1)
        fence.i
        wfi
      replacement: li a1, 2`,
        { harts: 2, turnInstructions: 100, engine },
      );
      expect(bench.machine.run(100_000)).toBe(EXIT_WFI);
      expect(bench.x('a1')).toBe(2n);
      expect(Number(bench.x('s0'))).toBeGreaterThan(20);
    },
  );
});

describe('hosted', () => {
  test('each hart is run on its own, or all in turns until one traps', async () => {
    const machine = await Machine.create({
      mode: 'hosted',
      harts: 2,
      ramBytes: 2 ** 20,
      turnInstructions: 10,
    });
    const code = new DataView(machine.ram.writable(0).buffer, machine.ram.writable(0).byteOffset, 64);
    code.setUint32(0, 0x0000006f, true); // j .
    code.setUint32(4, 0x00000013, true); // nop
    code.setUint32(8, 0x00000073, true); // ecall
    const [first, second] = machine.harts;
    setWordPair(first, HART_PC, BigInt(ORIGIN));
    setWordPair(second, HART_PC, BigInt(ORIGIN + 4));
    expect(machine.run(100)).toBe(EXIT_TRAP);
    expect(machine.currentHart).toBe(second);
    expect([second.state[HART_CAUSE], machine.retired]).toEqual([8, 11]);
    expect(first.run(5)).toBe(EXIT_BUDGET);
  });
});

test.each([
  [{ harts: 9 }, 'harts'],
  [{ turnInstructions: 0 }, 'turnInstructions'],
  [{ seed: -1 }, 'seed'],
  [{ seed: 2 ** 32 }, 'seed'],
] as readonly [MachineOptions, string][])('%j is refused', async (options, option) => {
  const error = await Machine.create(options).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(MachineError);
  expect(error).toMatchObject({ code: 'bad-option', option });
});
