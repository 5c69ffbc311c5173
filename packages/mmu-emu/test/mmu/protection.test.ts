import { describe, expect, it } from 'vitest';
import { EXIT_WFI } from '../../src/index.js';
import { Bench } from '../run-program.js';

/** Traps end the program with cause, tval and epc in s0, s1, s2. */
const HANDLER = `
  .balign 4
  handler:
  csrr s0, mcause
  csrr s1, mtval
  csrr s2, mepc
  wfi
  .balign 4096
  page: .zero 4096
`;

/** pmpaddr of a range of a power of two bytes, 8 or more. */
const napot = (address: string, bytes: number): string => `(${address} >> 2) + ${bytes / 8 - 1}`;

/** Everything is allowed by the last entry, what `entries` says comes before. */
const program = (entries: string, body: string): string => `
  la t0, handler
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr7, t0
  ${entries}
  ${body}
  wfi
  ${HANDLER}`;

/** Loads and stores as the supervisor's, without translation. */
const AS_SUPERVISOR = `
  li t0, 0x20800
  csrs mstatus, t0
`;

async function run(source: string): Promise<Bench> {
  const bench = await Bench.of(source, { mode: 'full-system' });
  expect(bench.run(100_000)).toBe(EXIT_WFI);
  return bench;
}

const READ_WRITE_EXECUTE = 0x1f;
const LAST = `${READ_WRITE_EXECUTE} << 56`;

describe('physical memory protection', () => {
  it('gives supervisor and user nothing while no entry matches, and machine mode everything', async () => {
    const bench = await run(program('', `la a0, page\nld a1, 0(a0)\n${AS_SUPERVISOR}\nthere: sd a1, 8(a0)`));
    expect([bench.x('s0'), bench.x('s1'), bench.x('s2')]).toEqual([
      7n,
      bench.symbol('page') + 8n,
      bench.symbol('there'),
    ]);
  });

  it.each([
    ['ld', 0x18, 5n],
    ['ld', 0x19, 0n],
    ['sd', 0x19, 7n],
    ['sd', 0x1b, 0n],
    ['amoadd.d', 0x19, 7n],
    ['lr.d', 0x18, 5n],
  ] as const)('%s with the configuration %i ends in %i', async (name, configuration, cause) => {
    const operands = { ld: 'a1, 0(a0)', sd: 'a1, 0(a0)', 'lr.d': 'a1, (a0)', 'amoadd.d': 'a1, a1, (a0)' }[
      name
    ];
    const bench = await run(
      program(
        `la a0, page\nsrli t0, a0, 2\naddi t0, t0, 511\ncsrw pmpaddr0, t0\nli t0, ${LAST} | ${configuration}\ncsrw pmpcfg0, t0`,
        `${AS_SUPERVISOR}\n${name} ${operands}`,
      ),
    );
    expect(bench.x('s0')).toBe(cause);
  });

  it('divides a page at four bytes, without help of the translation cache', async () => {
    const entry = `la a0, page\nsrli t0, a0, 2\naddi t0, t0, 4\ncsrw pmpaddr0, t0\nli t0, ${LAST} | 0x10\ncsrw pmpcfg0, t0`;
    for (const [offset, name, cause] of [
      [8, 'ld', 0n],
      [12, 'lw', 0n],
      [15, 'lb', 0n],
      [16, 'lb', 5n],
      [19, 'lb', 5n],
      [20, 'lb', 0n],
      [14, 'lw', 5n],
      [18, 'sw', 7n],
      [16, 'sd', 7n],
    ] as const) {
      const bench = await run(
        program(entry, `${AS_SUPERVISOR}\nld a2, 0(a0)\nsd a2, 0(a0)\n${name} a1, ${offset}(a0)`),
      );
      expect([offset, bench.x('s0')]).toEqual([offset, cause]);
      if (cause !== 0n) expect(bench.x('s1')).toBe(bench.symbol('page') + BigInt(offset));
    }
  });

  it('fails an access that an entry matches in part, in machine mode too', async () => {
    const bench = await run(
      program(
        `la a0, page\nsrli t0, a0, 2\ncsrw pmpaddr0, t0\nli t0, ${LAST} | 0x17\ncsrw pmpcfg0, t0`,
        'lw a1, 0(a0)\nlw a1, 4(a0)\nthere: ld a1, 0(a0)',
      ),
    );
    expect([bench.x('s0'), bench.x('s2')]).toEqual([5n, bench.symbol('there')]);
  });

  it('binds machine mode by locked entries, and locks them and the base of a range', async () => {
    const bench = await run(
      program(
        `la a0, page
        srli t0, a0, 2
        csrw pmpaddr0, t0
        addi t0, t0, 4
        csrw pmpaddr1, t0
        li t0, ${LAST} | 0x8900
        csrw pmpcfg0, t0`,
        `csrw pmpcfg0, zero
        csrw pmpaddr0, zero
        csrw pmpaddr1, zero
        csrr a2, pmpcfg0
        csrr a3, pmpaddr0
        csrr a4, pmpaddr1
        ld a1, 8(a0)
        sd a1, 16(a0)
        there: sd a1, 8(a0)`,
      ),
    );
    const base = bench.symbol('page') / 4n;
    expect([bench.x('a2'), bench.x('a3'), bench.x('a4')]).toEqual([0x8900n, base, base + 4n]);
    expect([bench.x('s0'), bench.x('s2')]).toEqual([7n, bench.symbol('there')]);
  });

  it('takes the entry of the lowest number, and a change is seen at once', async () => {
    const bench = await run(
      program(
        `la a0, page\nli t0, ${napot('page', 4096)}\ncsrw pmpaddr0, t0\ncsrw pmpaddr1, t0\nli t0, ${LAST} | 0x181f\ncsrw pmpcfg0, t0`,
        `${AS_SUPERVISOR}\nld a1, 0(a0)\nsd a1, 0(a0)\nli t0, ${LAST} | 0x1f18\ncsrw pmpcfg0, t0\nthere: sd a1, 0(a0)`,
      ),
    );
    expect([bench.x('s0'), bench.x('s2')]).toEqual([7n, bench.symbol('there')]);
  });

  it('drops W where R is not, and reserved bits', async () => {
    const bench = await run(program('', 'li t0, 0x7f7e7d7c7b7a7978\ncsrw pmpcfg2, t0\ncsrr a0, pmpcfg2'));
    expect(bench.x('a0')).toBe(0x1f1c_1d1c_1b18_1918n);
  });

  it('checks each halfword of code', async () => {
    // The supervisor runs into four bytes, 8 after `code`, that it may not execute; an instruction begins there, or two
    // bytes before.
    for (const [lines, begins] of [
      ['c.nop\nc.nop\nc.nop', 8n],
      ['c.nop\n.option norvc\naddi a1, a1, 1', 6n],
    ] as const) {
      const bench = await run(
        program(
          `li t0, (code + 8) >> 2\ncsrw pmpaddr0, t0\nli t0, ${LAST} | 0x11\ncsrw pmpcfg0, t0`,
          `li t0, 0x1800
          csrc mstatus, t0
          li t0, 0x800
          csrs mstatus, t0
          la t0, code
          csrw mepc, t0
          mret
          .balign 64
          code: .option norvc
          addi a0, a0, 1
          .option rvc
          ${lines}
          .option rvc
          j .`,
        ),
      );
      const code = bench.symbol('code');
      // An instruction of which the second half is forbidden has not run.
      expect([bench.x('s0'), bench.x('s1'), bench.x('s2')]).toEqual([1n, code + 8n, code + begins]);
      expect([bench.x('a0'), bench.x('a1')]).toEqual([1n, 0n]);
    }
  });
});

describe('page tables under protection', () => {
  const ROOT = 0x8008_0000;
  const build = (entry: bigint, protection: string, access: string, menvcfg = 0n): string =>
    program(
      protection,
      `li t0, ${menvcfg}
      csrw menvcfg, t0
      li t0, ${ROOT}
      li t1, ${entry}
      sd t1, 16(t0)
      li t0, 8 << 60 | ${ROOT / 4096}
      csrw satp, t0
      sfence.vma
      ${AS_SUPERVISOR}
      la a0, page
      ${access}
      li t0, 0x20000
      csrc mstatus, t0
      li t0, ${ROOT}
      ld a3, 16(t0)`,
    );
  const GIGAPAGE = 0x2000_0000n;
  const FREE = `li t0, ${LAST}\ncsrw pmpcfg0, t0`;
  const tables = (configuration: number): string =>
    `li t0, ${ROOT / 4 + 511}\ncsrw pmpaddr0, t0\nli t0, ${LAST} | ${configuration}\ncsrw pmpcfg0, t0`;
  const ADUE = 1n << 61n;
  const PBMTE = 1n << 62n;

  it('reads entries as a supervisor does', async () => {
    expect((await run(build(GIGAPAGE | 0xcfn, tables(0x1c), 'ld a1, 0(a0)'))).x('s0')).toBe(5n);
    expect((await run(build(GIGAPAGE | 0xcfn, tables(0x19), 'ld a1, 0(a0)'))).x('s0')).toBe(0n);
  });

  it('writes A and D as a supervisor does: an access fault of the access where it may not', async () => {
    for (const [configuration, cause, after] of [
      [0x19, 7n, 0x0fn],
      [0x1b, 0n, 0xcfn],
    ] as const) {
      const bench = await run(build(GIGAPAGE | 0x0fn, tables(configuration), 'sd a1, 0(a0)', ADUE));
      expect(bench.x('s0')).toBe(cause);
      expect(bench.read(ROOT + 16)).toBe(GIGAPAGE | after);
    }
  });

  it.each([
    [0n, 0n, 0n],
    [1n, 0n, 13n],
    [1n, PBMTE, 0n],
    [2n, PBMTE, 0n],
    [3n, PBMTE, 13n],
  ])('memory type %i with menvcfg 0x%x ends in %i', async (type, menvcfg, cause) => {
    const bench = await run(build(GIGAPAGE | 0xcfn | (type << 61n), FREE, 'ld a1, 0(a0)', menvcfg));
    expect(bench.x('s0')).toBe(cause);
  });
});

describe('cache blocks', () => {
  const block = (configuration: number, access: string): string =>
    program(
      `li t0, (page >> 2) + 16 + 3
      csrw pmpaddr0, t0
      li t0, ${LAST} | ${configuration}
      csrw pmpcfg0, t0`,
      `la a0, page
      li a1, -1
      ${[56, 64, 72, 80, 120, 128].map((offset) => `sw a1, ${offset}(a0)`).join('\n')}
      ${AS_SUPERVISOR}
      addi a0, a0, 101
      ${access}`,
    );

  it('are zeroed whole where every part allows it, and not at all where one does not', async () => {
    const zeroed = await run(block(0x17, 'cbo.zero (a0)'));
    const page = Number(zeroed.symbol('page'));
    const words = [56, 64, 72, 80, 120, 128].map((offset) => zeroed.read(page + offset) & 0xffff_ffffn);
    expect([zeroed.x('s0'), ...words]).toEqual([0n, 0xffff_ffffn, 0n, 0n, 0n, 0n, 0xffff_ffffn]);
    const refused = await run(block(0x15, 'cbo.zero (a0)'));
    expect([refused.x('s0'), refused.x('s1')]).toEqual([7n, refused.symbol('page') + 101n]);
    expect(refused.read(page + 64) & 0xffff_ffffn).toBe(0xffff_ffffn);
  });

  it('are managed where they may be read; the fault is a store’s', async () => {
    for (const name of ['inval', 'clean', 'flush']) {
      expect((await run(block(0x11, `cbo.${name} (a0)`))).x('s0')).toBe(0n);
      const refused = await run(block(0x14, `cbo.${name} (a0)`));
      expect([refused.x('s0'), refused.x('s1')]).toEqual([7n, refused.symbol('page') + 101n]);
    }
  });
});
