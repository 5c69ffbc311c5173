import { describe, expect, it } from 'vitest';
import { CAUSE_STORE_PAGE_FAULT, CAUSE_USER_ECALL, EXIT_BUDGET, EXIT_TRAP, HART_FCSR, PTE_W, RAM_BASE, Uart16550 } from '../../src/index.js'; // prettier-ignore
import type { MachineOptions, TranslationExit } from '../../src/index.js';
import { CODE, CODE_FRAME, DATA_FRAME, Sv39Machine, USER_RW, USER_RX } from '../mmu/sv39-machine.js';
import { Bench } from '../run-program.js';

const DATA = 0x4_0000n;
const DIVIDED = RAM_BASE + 0x4000;

/** What a user program under Sv39 was left for; fa1 = 0.1, fa2 = 0.2, s0 data, s1 an address that is not mapped. */
async function leftByUser(source: string, fcsr = 0): Promise<Record<string, number>> {
  const made = await Sv39Machine.of(source, { engine: 'translator' });
  made.map(CODE, CODE_FRAME, USER_RX | USER_RW);
  made.map(CODE + 4096n, CODE_FRAME + 1, USER_RX);
  made.machine.ram.writable(CODE_FRAME + 1).set([0x02, 0x90, 0x02, 0x90]); // c.ebreak, twice
  made.map(DATA, DATA_FRAME, USER_RW);
  made.hart.sfenceVma();
  made.setX('s0', DATA);
  made.setX('s1', 0x7000_0000n);
  made.setX('s2', CODE);
  made.setX('s3', CODE + 4098n);
  made.hart.state[HART_FCSR] = fcsr;
  made.hart.run(100);
  return counted(made.machine.translation?.exits ?? {});
}

async function leftByMachine(source: string, options: MachineOptions = {}): Promise<Record<string, number>> {
  const bench = await Bench.of(source, { mode: 'full-system', engine: 'translator', ...options });
  bench.run(200);
  return counted(bench.machine.translation?.exits ?? {});
}

function counted(exits: Partial<Record<TranslationExit, number>>): Record<string, number> {
  return { ...exits };
}

const once = (line: string): string => `j 1f\n1: nop\n${line}\nj 2f\n2: j 2b`;
const INEXACT = 1;

describe('the statistics of the translator', () => {
  it.each<[string, string, TranslationExit]>([
    ['a load of a page that the TLB does not have yet', once('lw a0, 0(s0)'), 'tlbMiss'],
    ['a store of a page that the TLB does not have yet', once('sd a0, 8(s0)'), 'tlbMiss'],
    ['an atomic operation on one', once('amoadd.w a0, a0, (s0)'), 'tlbMiss'],
    ['a load of what is not mapped', once('ld a0, 0(s1)'), 'fault'],
    ['a misaligned load', once('ld a0, 1(s0)'), 'misaligned'],
    ['a misaligned store', once('sh a0, 3(s0)'), 'misaligned'],
    ['a misaligned atomic operation', once('amoadd.w a0, a0, (s3)'), 'misaligned'],
    ['a load of two pages', once('lw a0, -2(s0)'), 'misaligned'],
    ['a store to its own page', once('sw a0, 1024(s2)'), 'storeToCode'],
    ['a counter', once('csrr a0, instret'), 'csr'],
    ['a system call', once('ecall'), 'system'],
    ['fence.i', once('fence.i'), 'fence'],
    ['a reservation on one', once('lr.d a0, (s0)'), 'tlbMiss'],
    ['a misaligned use of a reservation', once('sc.w a0, a0, (s3)'), 'misaligned'],
    ['a carry-less product', once('clmul a0, a1, a2'), 'routine'],
    ['no instruction', once('.word 0xffffffff'), 'illegal'],
    ['the first use of floating point', once('fmv.d.x ft0, a0'), 'floatState'],
    [
      'a sum that sets a flag',
      once('fmv.d.x ft0, a0\nfcvt.d.w fa1, s0\nfdiv.d fa0, fa1, ft0'),
      'floatDivide',
    ],
    ['a jump to another page', once('li t0, 5\nj 2f+4096'), 'otherPage'],
    ['a return to a place that is no entry', once('jr s3'), 'computedJump'],
  ])('tell that %s was it', async (_, source, exit) => {
    const left = await leftByUser(source);
    // What was never decoded is tried once more when it is.
    expect(left[exit], JSON.stringify(left)).toBeOneOf([1, 2]);
    expect(await leftByUser(once('nop'))).not.toHaveProperty(exit);
  });

  it('tell that a rounding mode was reserved, and that flags were set already', async () => {
    const source = once(
      'fmv.d.x ft0, a0\nfcvt.d.w fa1, s0\nli t1, 3\nfcvt.d.w fa2, t1\nfdiv.d fa0, fa1, fa2',
    );
    expect(await leftByUser(source, 5 << 5)).toHaveProperty('roundingMode');
    expect(await leftByUser(source, 0)).toHaveProperty('floatDivide');
    expect(await leftByUser(source, INEXACT)).not.toHaveProperty('floatDivide');
  });

  it('tell of devices and of pages that physical memory protection divides', async () => {
    const uart = new Uart16550({ transmit: () => undefined });
    expect(await leftByMachine(`li s0, ${uart.base}\n${once('lbu a0, 5(s0)')}`, { devices: [uart] })).toMatchObject({ device: 1 }); // prettier-ignore
    const divide = `li t0, ${DIVIDED}\nsrli t1, t0, 2\ncsrw pmpaddr0, t1\nli t1, 0x97\ncsrw pmpcfg0, t1\n`;
    expect(await leftByMachine(divide + once('lw a0, 0(t0)\nlw a0, 8(t0)'))).toMatchObject({ protection: 2 });
  });

  it('count the instructions that were retired in translated code, and all', async () => {
    const bench = await Bench.of('1: addi a0, a0, 1\nbnez a0, 1b', { engine: 'translator' });
    expect(bench.run(1001)).toBe(EXIT_BUDGET);
    expect(bench.run(1)).toBe(EXIT_BUDGET);
    const { exits, retired, retiredTranslated, refusals } = bench.machine.translation!;
    // Before and after the last instruction of each run.
    expect(exits).toEqual({ budget: 4 });
    expect(retired).toBe(1002);
    // All but the last of each run, which is less than a round of the loop.
    expect(retiredTranslated).toBe(1000);
    expect(refusals).toEqual({ illegal: 2 });
  });

  it('keep what was retired in regions that are gone', async () => {
    const bench = await Bench.of('1: addi a0, a0, 1\nj 1b', { engine: 'translator' });
    bench.run(1000);
    const before = bench.machine.translation!;
    expect(before).toMatchObject({ regions: 1, invalidations: 0 });
    bench.machine.ram.writable(0);
    expect(bench.machine.translation).toMatchObject({
      regions: 0,
      invalidations: 1,
      retired: before.retired,
      retiredTranslated: before.retiredTranslated,
    });
  });

  it('name what was not translated, and code that changes too often', async () => {
    const made = await Sv39Machine.of(
      '1: csrr a0, instret\nlw a1, 0(s2)\nsw a1, 0(s2)\naddi t0, t0, -1\nbnez t0, 1b\necall',
      { engine: 'translator' },
    );
    made.map(CODE, CODE_FRAME, USER_RX | USER_RW);
    made.setX('s2', CODE + 4n);
    made.setX('t0', 200n);
    made.hart.run(10_000);
    const { refusals } = made.machine.translation!;
    expect(Object.keys(refusals).sort()).toEqual(['changes too often', 'csrrs', 'ecall']);
  });

  it('show that a page fault in translated code is resumed in it', async () => {
    const pages = 256;
    // A sum of every second doubleword; the first load of each page faults, a store to it then finds it read-only.
    const made = await Sv39Machine.of(
      `next: ld a1, 0(s0)
      add a0, a0, a1
      andi a2, s0, 0x7f0
      addi a2, a2, -0x400
      bnez a2, 1f
      sd a1, 8(s0)
      1: addi s0, s0, 16
      bltu s0, s1, next
      ecall`,
      { engine: 'auto' },
    );
    const { machine, hart } = made;
    for (let page = 0; page < pages; page += 1) machine.ram.writable(DATA_FRAME + page).fill(page & 0x7f);
    made.setX('s0', DATA);
    made.setX('s1', DATA + BigInt(pages) * 4096n);
    let [reads, writes] = [0, 0];
    let warm = machine.translation!;
    for (;;) {
      const reason = hart.run(1_000_000);
      expect(reason).toBe(EXIT_TRAP);
      if (made.cause === CAUSE_USER_ECALL) break;
      const page = Number((made.tval - DATA) >> 12n);
      const write = made.cause === CAUSE_STORE_PAGE_FAULT;
      if (write) writes += 1;
      else reads += 1;
      expect(made.pc).toBe(CODE + (write ? 20n : 0n));
      made.map(made.tval & ~4095n, DATA_FRAME + page, write ? USER_RW : USER_RW & ~PTE_W);
      hart.sfenceVmaPage(Number(made.tval));
      if (reads === pages / 2 && !write) warm = machine.translation!;
    }
    expect([reads, writes]).toEqual([pages, pages]);
    const word = (byte: number): bigint => BigInt(byte) * 0x0101_0101_0101_0101n;
    const sum = Array.from({ length: pages }, (_, page) => word(page & 0x7f) * 256n);
    expect(made.x('a0')).toBe(
      BigInt.asUintN(
        64,
        sum.reduce((total, each) => total + each),
      ),
    );
    const { retired, retiredTranslated, exits } = machine.translation!;
    const share = (retiredTranslated - warm.retiredTranslated) / (retired - warm.retired);
    // Of each page's some 1500 instructions, those are interpreted that follow a fault up to the next jump.
    expect(share).toBeGreaterThan(0.98);
    expect((exits.fault ?? 0) - (warm.exits.fault ?? 0)).toBeGreaterThanOrEqual(pages - 2);
  });
});
