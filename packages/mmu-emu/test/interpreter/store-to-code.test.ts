/** Stores to a page with decoded code that the TLB knows: as before, but for the walk. */
import { describe, expect, it } from 'vitest';
import { assemble, EXIT_BUDGET, EXIT_TRAP, HART_CAUSE, RAM_BASE } from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import { CODE, DATA_FRAME, Sv39Machine, USER_RW, USER_RX } from '../mmu/sv39-machine.js';

const ENGINES: readonly Engine[] = ['interpreter', 'auto', 'translator'];
const STORE_PAGE_FAULT = 15;
/** Where the page that is stored to is writable, and where it is run. */
const [WRITTEN, RUN] = [0x7_0000n, 0x5_0000n];

const bytesOf = (source: string): Uint8Array => assemble(`.option norvc\n${source}`).bytes;
const encoding = (source: string): bigint =>
  bytesOf(source).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** Stores a0 by `store` at s1, and calls s2; `s0` times, with a0 one immediate further each time. */
const storing = (store: string): string => `
  li s3, 1 << 20
1: ${store} a0, 0(s1)
  add a0, a0, s3
  jalr s2
  addi s0, s0, -1
  bnez s0, 1b
  ecall`;

async function made(store: string, engine: Engine): Promise<Sv39Machine> {
  const machine = await Sv39Machine.of(storing(store), { engine });
  machine.map(RUN, DATA_FRAME, USER_RX);
  machine.map(WRITTEN, DATA_FRAME, USER_RW);
  machine.hart.sfenceVma();
  return machine;
}

describe.each(ENGINES)('a store to code that was stored to before (%s)', (engine) => {
  it.each([0, 4, 2044, 2048, 4084])('is seen at once, at %i in the page', async (offset) => {
    const machine = await made('sw', engine);
    machine.machine.ram.writable(DATA_FRAME).set(bytesOf('nop\naddi a2, a2, 1000\nret'), offset);
    // More often than a page is code for, without anything decoded in between: but here each is.
    const rounds = 700n;
    machine.setX('a0', encoding('addi a1, a1, 1'));
    machine.setX('s0', rounds);
    machine.setX('s1', WRITTEN + BigInt(offset));
    machine.setX('s2', RUN + BigInt(offset));
    expect(machine.hart.run(20_000)).toBe(EXIT_TRAP);
    expect(machine.x('a1')).toBe((rounds * (rounds + 1n)) / 2n);
    expect(machine.x('a2')).toBe(1000n * rounds);
  });

  it('of one byte or two is seen by the instruction that they belong to, and that before', async () => {
    for (const [store, at, step] of [
      ['sb', 3n, 1n << 20n],
      ['sh', 2n, 1n << 20n],
      ['sd', 0n, 1n << 20n],
    ] as const) {
      const machine = await made(store, engine);
      machine.machine.ram.writable(DATA_FRAME).set(bytesOf('addi a1, a1, 0\naddi a2, a2, 1\nret'));
      // The immediate is in bits 20 to 31; a byte of it counts in steps of 16, two in steps of one.
      const tail = encoding('addi a2, a2, 1') << 32n;
      const first = { sb: 0n, sh: 0x0005n | (1n << 4n), sd: encoding('addi a1, a1, 1') | tail }[store];
      const source = `li s3, ${{ sb: 1, sh: 16, sd: step }[store]}\n1: ${store} a0, 0(s1)\nadd a0, a0, s3\njalr s2\naddi s0, s0, -1\nbnez s0, 1b\necall`;
      machine.machine.ram.writable(64).set(assemble(source).bytes);
      machine.setX('a0', first);
      machine.setX('s0', 100n);
      machine.setX('s1', WRITTEN + at);
      machine.setX('s2', RUN);
      expect(machine.hart.run(20_000)).toBe(EXIT_TRAP);
      expect([store, machine.x('a1'), machine.x('a2')]).toEqual([
        store,
        store === 'sb' ? 16n * 4950n : 5050n,
        100n,
      ]);
    }
  });

  it('goes where the page is mapped now, or faults, after a fence', async () => {
    const machine = await made('sw', engine);
    const { ram } = machine.machine;
    for (const frame of [DATA_FRAME, DATA_FRAME + 1]) ram.writable(frame).set(bytesOf('nop\nret'));
    const run = (): number => {
      machine.setX('a0', encoding('addi a1, a1, 1'));
      machine.setX('a1', 0n);
      machine.setX('s0', 10n);
      machine.setX('s1', WRITTEN);
      machine.setX('s2', RUN);
      machine.pc = CODE;
      return machine.hart.run(20_000);
    };
    expect([run(), machine.x('a1')]).toEqual([EXIT_TRAP, 55n]);
    // Stores go to another frame, and what runs stays.
    machine.map(WRITTEN, DATA_FRAME + 1, USER_RW);
    machine.hart.sfenceVmaPage(Number(WRITTEN));
    expect([run(), machine.x('a1')]).toEqual([EXIT_TRAP, 100n]);
    expect(ram.readable(DATA_FRAME + 1)[3]).toBe(0);
    machine.map(RUN, DATA_FRAME + 1, USER_RX);
    machine.hart.sfenceVma();
    expect([run(), machine.x('a1')]).toEqual([EXIT_TRAP, 55n]);
    machine.map(WRITTEN, DATA_FRAME + 1, USER_RX);
    machine.hart.sfenceVmaPage(Number(WRITTEN));
    expect([run(), machine.hart.state[HART_CAUSE], machine.x('s0')]).toEqual([
      EXIT_TRAP,
      STORE_PAGE_FAULT,
      10n,
    ]);
  });

  it('is reported by whoever watches the page since', async () => {
    const machine = await made('sw', engine);
    machine.machine.ram.writable(DATA_FRAME).set(bytesOf('nop\nret'));
    machine.setX('a0', encoding('addi a1, a1, 1'));
    machine.setX('s0', 1000n);
    machine.setX('s1', WRITTEN);
    machine.setX('s2', RUN);
    // An instruction to begin with, then rounds of seven.
    expect(machine.hart.run(1 + 7 * 100)).toBe(EXIT_BUDGET);
    let stores = 0;
    machine.machine.watchStores(RAM_BASE + DATA_FRAME * 4096, () => (stores += 1));
    expect(machine.hart.run(7 * 100)).toBe(EXIT_BUDGET);
    expect([stores, machine.x('s0')]).toEqual([100, 800n]);
  });
});
