/** Code that was translated and is then other code, or elsewhere: what runs is what memory and page tables say. */
import { describe, expect, it } from 'vitest';
import { assemble, EXIT_BUDGET, EXIT_TRAP, HART_PC, HART_X, PTE_X, RAM_BASE, VIRTIO_BASE, VirtioBlock } from '../../src/index.js'; // prettier-ignore
import { VirtioDriver } from '../devices/virtio/virtio-driver.js';
import { CODE, CODE_FRAME, DATA_FRAME, Sv39Machine, USER_RW, USER_RX } from '../mmu/sv39-machine.js';
import { Bench, ORIGIN, setWordPair, wordPair } from '../run-program.js';

const ENGINE = { engine: 'translator' } as const;

const bytesOf = (source: string): Uint8Array => assemble(`.option norvc\n${source}`).bytes;
const encoding = (source: string): bigint =>
  bytesOf(source).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** Regions that were dropped, and instructions retired in any. */
const worked = ({ translation }: Bench['machine']): void => {
  expect(translation?.invalidations).toBeGreaterThan(0);
  expect(translation?.retiredTranslated).toBeGreaterThan(0);
};

describe('a store into translated code', () => {
  it.each([
    // The last halfword of what a region ends with, and the first one of what it begins with.
    ['sh', 2, 'last'],
    ['sb', 3, 'last'],
    ['sw', 2, 'last'],
    ['sh', 0, 'first'],
    ['sb', 0, 'first'],
    ['sw', -2, 'first'],
    ['sd', -7, 'first'],
    ['sd', 0, 'first'],
  ])('%s at %i from its %s instruction is seen by the next round', async (store, offset, which) => {
    const bench = await Bench.of(
      `.option norvc
      j go
      nop
      nop
      function:
      first: addi a2, a2, 1
      addi a3, a3, 1
      last: addi a4, a4, 1
      ecall
      go: ${store} a0, ${offset}(a1)
      j function`,
      ENGINE,
    );
    const target = bench.symbol(which);
    const call = (): readonly bigint[] => {
      bench.pc = bench.symbol('function');
      for (const name of ['a2', 'a3', 'a4']) bench.setX(name, 0);
      expect(bench.run()).toBe(EXIT_TRAP);
      return [...['a2', 'a3', 'a4'].map((name) => bench.x(name)), bench.tval, bench.pc];
    };
    for (let round = 0; round < 3; round += 1) expect(call().slice(0, 3)).toEqual([1n, 1n, 1n]);
    const before = bench.machine.ram.readable(0).slice();
    let changes = 0;
    for (const value of [0x0626_0613_0636_0613n, 0n, 0x7fff_ffff_ffff_ffffn, 0x0071_0071_0071_0071n]) {
      bench.setX('a0', value);
      bench.setX('a1', target);
      bench.pc = bench.symbol('go');
      // The jump leads on to what has just been stored.
      expect(bench.run(2)).toBe(EXIT_BUDGET);
      const changed = bench.machine.ram.readable(0).slice();
      if (Buffer.compare(changed, before) !== 0) changes += 1;
      const fresh = await Bench.of('nop', { engine: 'interpreter' });
      fresh.machine.ram.writable(0).set(changed);
      const [expected, got] = [fresh, bench].map((each) => {
        each.pc = bench.symbol('function');
        for (const name of ['a2', 'a3', 'a4']) each.setX(name, 0);
        const reason = each.run(100);
        return [reason, ...['a2', 'a3', 'a4'].map((name) => each.x(name)), each.pc, each.hart.retired];
      });
      expect(got, value.toString(16)).toEqual(expected);
      bench.machine.ram.writable(0).set(before);
      expect(call().slice(0, 3)).toEqual([1n, 1n, 1n]);
    }
    expect(changes).toBeGreaterThan(1);
    worked(bench.machine);
  });

  it('is seen by what follows in the same block', async () => {
    const bench = await Bench.of(
      `.option norvc
      again: sw a0, 0(a1)
      addi a3, a3, 1
      changed: addi a2, a2, 1
      addi a4, a4, 1
      sw a5, 0(a1)
      addi s0, s0, -1
      bnez s0, again
      ecall`,
      ENGINE,
    );
    bench.setX('a0', encoding('addi a2, a2, 10'));
    bench.setX('a5', encoding('addi a2, a2, 1'));
    bench.setX('a1', bench.symbol('changed'));
    bench.setX('s0', 5);
    expect(bench.run()).toBe(EXIT_TRAP);
    expect([bench.x('a2'), bench.x('a3'), bench.x('a4')]).toEqual([50n, 5n, 5n]);
    worked(bench.machine);
  });

  it('is seen where the page was stored to before it was run', async () => {
    const bench = await Bench.of(
      `.option norvc
      la s1, page
      li s0, 40
      1: sw a0, 8(s1)          # the TLB lets stores through
      sw a5, 0(s1)
      sw a0, 4(s1)
      jalr s1                  # and now the page is code
      sw a6, 0(s1)
      jalr s1
      addi s0, s0, -1
      bnez s0, 1b
      ecall
      .balign 4096
      page: .zero 4096`,
      ENGINE,
    );
    bench.setX('a0', encoding('jr ra'));
    bench.setX('a5', encoding('addi a2, a2, 1'));
    bench.setX('a6', encoding('addi a2, a2, 100'));
    expect(bench.run()).toBe(EXIT_TRAP);
    expect(bench.x('a2')).toBe(40n * 101n);
    worked(bench.machine);
  });

  it('is seen by every hart, whichever stored and whichever ran it', async () => {
    const bench = await Bench.of(
      `.option norvc
      store: sw a0, 0(a1)
      ecall
      .balign 4096
      function: addi a2, a2, 1
      ecall`,
      { ...ENGINE, harts: 2 },
    );
    const [first, second] = bench.machine.harts;
    const target = bench.symbol('function');
    const run = (hart: typeof first, pc: bigint, registers: readonly (readonly [number, bigint])[]): void => {
      for (const [x, value] of registers) setWordPair(hart, HART_X + 2 * x, value);
      setWordPair(hart, HART_PC, pc);
      expect(hart.run(100)).toBe(EXIT_TRAP);
    };
    for (let round = 1n; round < 30n; round += 1n) {
      const [writer, reader] = round % 3n === 0n ? [first, second] : [second, first];
      // Stored to by each before it runs again, so that both have had the page in their TLBs.
      run(writer, BigInt(ORIGIN), [[10, encoding(`addi a2, a2, ${round}`)], [11, target]]); // prettier-ignore
      for (const hart of [reader, writer]) {
        run(hart, target, [[12, 0n]]);
        expect(wordPair(hart, HART_X + 24), `round ${round}`).toBe(round);
      }
    }
    worked(bench.machine);
  });
});

describe('an instruction that crosses into another page', () => {
  it('changes when either half is stored to, or either page is mapped elsewhere', async () => {
    // Its first halfword is the last of one page.
    const source = `.option norvc\n.org ${Number(CODE) + 4088}\nstart: addi a3, a3, 1\n.half 0x0001\ncross: addi a2, a2, 1\naddi a3, a3, 1\necall`;
    const made = await Sv39Machine.of('nop', ENGINE);
    const { ram } = made.machine;
    const { bytes, symbols } = assemble(source, { origin: Number(CODE) });
    const cross = BigInt(symbols.get('cross') as number);
    expect(cross % 4096n).toBe(4094n);
    ram.writable(CODE_FRAME, 2).set(bytes);
    // The pages are not adjacent in memory, and can be stored to.
    ram.copy(CODE_FRAME + 3, CODE_FRAME + 1);
    ram.copy(CODE_FRAME + 5, CODE_FRAME + 1);
    made.map(CODE, CODE_FRAME, USER_RW | PTE_X);
    made.map(CODE + 4096n, CODE_FRAME + 3, USER_RW | PTE_X);
    const stub = 0x8_0000n;
    ram.writable(DATA_FRAME).set(bytesOf('sh a0, 0(a1)\njr a5'));
    made.map(stub, DATA_FRAME, USER_RX);
    made.hart.sfenceVma();
    const halves = (text: string): readonly [bigint, bigint] => {
      const word = encoding(text);
      return [word & 0xffffn, word >> 16n];
    };
    const run = (store: readonly [bigint, bigint] | undefined): readonly bigint[] => {
      for (const name of ['a2', 'a3', 'a4']) made.setX(name, 0n);
      made.setX('a5', CODE + 4088n);
      if (store !== undefined) {
        made.setX('a1', store[0]);
        made.setX('a0', store[1]);
      }
      made.pc = store === undefined ? CODE + 4088n : stub;
      expect(made.hart.run(100)).toBe(EXIT_TRAP);
      return ['a2', 'a3', 'a4'].map((name) => made.x(name));
    };
    for (let round = 0; round < 4; round += 1) {
      expect(run(undefined)).toEqual([1n, 2n, 0n]);
      // The immediate is in the second half, the destination in the first.
      expect(run([cross + 2n, halves('addi a2, a2, 9')[1]])).toEqual([9n, 2n, 0n]);
      expect(run([cross, halves('addi a4, a2, 9')[0]])).toEqual([0n, 2n, 9n]);
      made.map(CODE + 4096n, CODE_FRAME + 5, USER_RW | PTE_X);
      made.hart.sfenceVmaPage(Number(CODE + 4096n));
      expect(run(undefined)).toEqual([0n, 2n, 1n]);
      made.map(CODE + 4096n, CODE_FRAME + 3, USER_RW | PTE_X);
      made.hart.sfenceVmaPage(Number(CODE + 4096n));
      expect(run([cross, halves('addi a2, a2, 9')[0]])).toEqual([9n, 2n, 0n]);
      expect(run([cross + 2n, halves('addi a2, a2, 1')[1]])).toEqual([1n, 2n, 0n]);
    }
    expect(made.machine.translation?.retiredTranslated).toBeGreaterThan(0);
  });
});

describe('mappings of translated code', () => {
  it('a virtual address runs the frame that it is mapped to now', async () => {
    // The loop calls a page whose frame changes between runs.
    const made = await Sv39Machine.of('li s0, 20\n1: jalr s1\naddi s0, s0, -1\nbnez s0, 1b\necall', ENGINE);
    const { ram } = made.machine;
    const page = CODE + 0x5000n;
    [1, 10, 100].forEach((step, index) =>
      ram.writable(DATA_FRAME + index).set(bytesOf(`addi a2, a2, ${step}\nret`)),
    );
    made.setX('s1', page);
    for (let round = 0; round < 12; round += 1) {
      const index = (round * 7) % 3;
      made.map(page, DATA_FRAME + index, USER_RX);
      if (round % 2 === 0) made.hart.sfenceVmaPage(Number(page));
      else made.hart.sfenceVma();
      made.setX('a2', 0n);
      made.pc = CODE;
      expect([made.hart.run(1000), made.x('a2')]).toEqual([EXIT_TRAP, 20n * 10n ** BigInt(index)]);
    }
    // Nothing was wrong with the code: each frame kept its regions.
    expect(made.machine.translation).toMatchObject({ invalidations: 0 });
  });

  it('one frame at several addresses knows where it runs, and changes at all of them', async () => {
    const made = await Sv39Machine.of('nop', ENGINE);
    const { ram } = made.machine;
    ram
      .writable(CODE_FRAME)
      .set(
        bytesOf('auipc a0, 0\nli s0, 9\n1: addi a1, a1, 3\naddi s0, s0, -1\nbnez s0, 1b\nauipc a2, 1\necall'),
      );
    const places = [CODE, 0x7000_0000n, 0x3f_ffff_f000n, 0x12_3456_7000n];
    for (const place of places) made.map(place, CODE_FRAME, USER_RX);
    const writable = 0x4000_0000n;
    made.map(writable, CODE_FRAME, USER_RW);
    ram.writable(DATA_FRAME).set(bytesOf('sw a0, 8(a1)\necall'));
    made.map(0x8_0000n, DATA_FRAME, USER_RX);
    made.hart.sfenceVma();
    for (let step = 1n; step < 6n; step += 1n) {
      made.setX('a0', encoding(`addi a1, a1, ${step}`));
      made.setX('a1', writable);
      made.pc = 0x8_0000n;
      expect(made.hart.run(10)).toBe(EXIT_TRAP);
      for (const place of places) {
        made.setX('a1', 0n);
        made.pc = place;
        expect(made.hart.run(1000)).toBe(EXIT_TRAP);
        expect([made.x('a0'), made.x('a1'), made.x('a2')]).toEqual([place, 9n * step, place + 20n + 4096n]);
      }
    }
    worked(made.machine);
  });
});

describe('a device', () => {
  it('that writes over translated code has what it wrote run', async () => {
    const sectors = 12;
    const content = new Uint8Array(sectors * 512);
    for (let sector = 0; sector < sectors; sector += 1) {
      content.set(bytesOf(`addi a2, a2, ${sector + 1}\naddi a3, a3, 1\nret`), sector * 512);
    }
    const store = {
      bytes: content.length,
      readOnly: true,
      read: (offset: number, into: Uint8Array) => into.set(content.subarray(offset, offset + into.length)),
      write: () => undefined,
      flush: () => undefined,
    };
    const driver = await VirtioDriver.of((queues) => new VirtioBlock(store, queues), 8, ENGINE);
    const { machine } = driver;
    const [code, target, header, status] = [0x2_0000, 0x3_0000, 0x4_0000, 0x4_0100];
    driver.describe(0, 0, RAM_BASE + header, 16, 1, 1);
    driver.describe(0, 1, RAM_BASE + target, 512, 3, 2);
    driver.describe(0, 2, RAM_BASE + status, 1, 2, 0);
    const { bytes } = assemble(
      `.option norvc
      li s0, ${VIRTIO_BASE}
      li s1, ${RAM_BASE + header}
      li s2, ${RAM_BASE + driver.at(0, 0x1000)}
      li s3, ${RAM_BASE + target}
      li s5, 3
    round:
      li s4, 0
    1: sd s4, 8(s1)
      lhu t0, 2(s2)
      addi t0, t0, 1
      sh t0, 2(s2)
      sw zero, 0x50(s0)       # the sector is read now, over the code that ran before
      li s6, 4
    2: jalr s3
      addi s6, s6, -1
      bnez s6, 2b
      addi s4, s4, 1
      li t1, ${sectors}
      bne s4, t1, 1b
      addi s5, s5, -1
      bnez s5, round
    3: j 3b`,
      { origin: RAM_BASE + code },
    );
    machine.ram.writable(code / 4096).set(bytes);
    const hart = machine.harts[0];
    setWordPair(hart, HART_PC, BigInt(RAM_BASE + code));
    hart.run(20_000);
    expect(machine.ram.readable(0, 0x80)[status]).toBe(0);
    const sum = (sectors * (sectors + 1)) / 2;
    expect([wordPair(hart, HART_X + 24), wordPair(hart, HART_X + 26)]).toEqual([
      BigInt(3 * 4 * sum),
      BigInt(3 * 4 * sectors),
    ]);
    worked(machine);
  });
});
