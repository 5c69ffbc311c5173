import { describe, expect, it } from 'vitest';
import { assemble, EXIT_TRAP } from '../../src/index.js';
import { TLB_ENTRY_BITS, TLB_MULTIPLIER } from '../../src/mmu/tlb.js';
import { Bench, ORIGIN } from '../run-program.js';

const encode = (source: string): bigint => {
  const { bytes } = assemble(source);
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
};

describe('code that changes', () => {
  it('one frame runs program A, is handed out, is filled with B, and runs B', async () => {
    const bench = await Bench.of('li a0, 1\nli a1, 1\necall');
    expect([bench.run(), bench.x('a0'), bench.x('a1')]).toEqual([EXIT_TRAP, 1n, 1n]);
    const { ram } = bench.machine;
    ram.writable(0).set(assemble('li a0, 2\necall').bytes);
    bench.pc = BigInt(ORIGIN);
    expect([bench.run(), bench.x('a0')]).toEqual([EXIT_TRAP, 2n]);
    // The same by a copy, and by clearing.
    ram.writable(5).set(assemble('li a0, 3\necall').bytes);
    ram.copy(0, 5);
    bench.pc = BigInt(ORIGIN);
    expect([bench.run(), bench.x('a0')]).toEqual([EXIT_TRAP, 3n]);
    ram.zero(0);
    bench.pc = BigInt(ORIGIN);
    expect([bench.run(), bench.pc, bench.tval]).toEqual([EXIT_TRAP, BigInt(ORIGIN), 0n]);
    ram.writePte(0, 0, Number(encode('li a0, 4')), Number(encode('ecall')));
    bench.pc = BigInt(ORIGIN);
    expect([bench.run(), bench.x('a0')]).toEqual([EXIT_TRAP, 4n]);
  });

  it.each(['interpreter', 'auto', 'translator'] as const)(
    'is seen in a page that code runs into over its edge, however often it is stored to (%s)',
    async (engine) => {
      const bench = await Bench.of(
        `
        la s0, target
        la s1, back
        li s2, 4
        li s3, 0
        li s4, 1 << 20
        again:
        jalr s0                   # what it gives, times ten each time
        li t0, 10
        mul s3, s3, t0
        add s3, s3, a0
        j edge                    # into the next page
        back:
        li t0, 600                # until the page counts as data, and more
        la t1, data
        1: sd t0, 0(t1)
        addi t0, t0, -1
        bnez t0, 1b
        jalr s0
        li t0, 300
        1: sd t0, 0(t1)
        addi t0, t0, -1
        bnez t0, 1b
        lw t0, 0(s0)              # one more than before
        add t0, t0, s4
        sw t0, 0(s0)
        fence.i
        addi s2, s2, -1
        bnez s2, again
        ecall
        .org 4092
        edge: frflags t2          # which is not translated
        jr s1
        .option norvc
        target: li a0, 1
        ret
        .balign 8
        data: .dword 0`,
        { engine },
      );
      expect(bench.run(100_000)).toBe(EXIT_TRAP);
      expect(bench.x('s3')).toBe(1234n);
    },
  );

  it('a store to the next instruction is seen, with fence.i and without', async () => {
    for (const fence of ['fence.i', '']) {
      const bench = await Bench.of(`
        li a3, 3
        again:
        sw a0, 0(a1)
        ${fence}
        patched: li a2, 1
        addi a4, a4, 1
        sw a5, 0(a1)
        ${fence}
        addi a3, a3, -1
        bnez a3, again
        ecall`);
      bench.setX('a0', encode('li a2, 77'));
      bench.setX('a5', encode('li a2, 5'));
      bench.setX('a1', bench.symbol('patched'));
      expect(bench.run(5)).toBe(0);
      expect(bench.run()).toBe(EXIT_TRAP);
      expect([bench.x('a2'), bench.x('a4')]).toEqual([77n, 3n]);
    }
  });

  it.each([
    ['sb', 0],
    ['sh', 0],
    ['sw', 0],
    ['sd', -4],
    ['sw', -2],
    ['sh', 2],
    ['sd', -7],
  ])('%s at %i from an instruction replaces it', async (store, offset) => {
    const bench = await Bench.of(
      `nop\nnop\n${store} a0, ${offset}(a1)\nj target\nnop\nnop\ntarget: addi a2, a2, 1\naddi a3, a3, 1\necall`,
    );
    const target = bench.symbol('target');
    bench.setX('a1', target);
    // Decoded first, so that there is something stale.
    bench.pc = target;
    expect(bench.run()).toBe(EXIT_TRAP);
    const before = [bench.x('a2'), bench.x('a3')];
    expect(before).toEqual([1n, 1n]);
    bench.setX('a0', 0n);
    bench.pc = BigInt(ORIGIN);
    expect(bench.run()).toBe(EXIT_TRAP);
    // Whatever is left of it, memory is what runs.
    const fresh = await Bench.of('nop');
    fresh.machine.ram.writable(0).set(bench.machine.ram.readable(0));
    fresh.pc = target;
    fresh.setX('a2', 1n);
    fresh.setX('a3', 1n);
    fresh.run();
    expect([bench.x('a2'), bench.x('a3'), bench.pc, bench.tval]).toEqual([fresh.x('a2'), fresh.x('a3'), fresh.pc, fresh.tval]); // prettier-ignore
  });

  it('a page of code and data is stored to as often as one likes', async () => {
    const bench = await Bench.of(`
      li a0, 3000
      la a1, cell
      loop:
      ld a2, 0(a1)
      addi a2, a2, 1
      sd a2, 0(a1)
      addi a0, a0, -1
      bnez a0, loop
      ecall
      .balign 8
      cell: .dword 0`);
    expect(bench.run()).toBe(EXIT_TRAP);
    expect(bench.read(Number(bench.symbol('cell')))).toBe(3000n);
  });

  it('more pages of code than the cache holds run right, in turn', async () => {
    const pages = 2300;
    const bench = await Bench.of('nop', { ramBytes: 16 * 2 ** 20 });
    for (let page = 1; page <= pages; page++) {
      bench.machine.ram
        .writable(page)
        .set(assemble(`addi a0, a0, ${page % 2048}\nadd a1, a1, a2\njr a1`).bytes);
    }
    bench.machine.ram.writable(pages + 1).set(assemble('ecall').bytes);
    const sum = Array.from({ length: pages }, (_, index) => (index + 1) % 2048).reduce((a, b) => a + b);
    for (let round = 0; round < 3; round++) {
      bench.setX('a0', 0n);
      bench.setX('a1', ORIGIN + 4096);
      bench.setX('a2', 4096n);
      bench.pc = BigInt(ORIGIN + 4096);
      expect(bench.run()).toBe(EXIT_TRAP);
      expect([bench.x('a0'), bench.hart.retired]).toEqual([BigInt(sum), pages * 3]);
    }
  });

  it.each(['interpreter', 'translator'] as const)(
    'is not mistaken for what took its place in the cache, where the TLB still knows its page (%s)',
    async (engine) => {
      const bench = await Bench.of('nop', { ramBytes: 16 * 2 ** 20, engine });
      const { ram } = bench.machine;
      const at = (page: number): number => ORIGIN + page * 4096;
      const place = (page: number): number => Math.imul(at(page), TLB_MULTIPLIER) >>> (32 - TLB_ENTRY_BITS);
      ram.writable(1).set(assemble('addi a0, a0, 1\necall').bytes);
      // As many others as there is room for and more, none of them at its place in the TLB.
      const others = Array.from({ length: 2200 }, (_, index) => index + 2).filter(
        (page) => place(page) !== place(1),
      );
      others.forEach((page, index) => {
        const next = at(others[index + 1] ?? 1);
        ram.writable(page).set(assemble(`addi a0, a0, 2\nli a1, ${next}\njr a1`).bytes);
      });
      bench.pc = BigInt(at(1));
      expect([bench.run(), bench.x('a0')]).toEqual([EXIT_TRAP, 1n]);
      bench.pc = BigInt(at(others[0]));
      expect([bench.run(), bench.x('a0'), bench.pc]).toEqual([
        EXIT_TRAP,
        BigInt(2 + 2 * others.length),
        BigInt(at(1) + 4),
      ]);
    },
  );
});

describe('an atomic operation that changes its own page', () => {
  it('keeps its operands when the page stops counting as code at that moment', async () => {
    const bench = await Bench.of(`
      la s0, word
      li s1, 600
      li s2, 1
    1: lr.d t0, (s0)
      addi t0, t0, 1
      sc.d t1, t0, (s0)
      bnez t1, 1b
      amoadd.d a0, s2, (s0)
      addi s1, s1, -1
      bnez s1, 1b
      ecall
      .balign 8
    word: .dword 0`);
    expect(bench.trap()).toBe(8);
    expect(bench.read(Number(bench.symbol('word')))).toBe(1200n);
    expect(bench.x('a0')).toBe(1199n);
  });
});
