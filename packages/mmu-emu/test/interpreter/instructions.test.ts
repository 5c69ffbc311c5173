import { describe, expect, it } from 'vitest';
import { CAUSE_BREAKPOINT, CAUSE_ILLEGAL_INSTRUCTION, CAUSE_LOAD_MISALIGNED, CAUSE_STORE_MISALIGNED, CAUSE_USER_ECALL, EXIT_BUDGET } from '../../src/index.js'; // prettier-ignore
import { atomicResult, BRANCHES, CORNERS, IMMEDIATES, OPERATIONS, UNARY } from '../model/integer-model.js';
import { Bench, ORIGIN } from '../run-program.js';

const SIZES = { b: 8, h: 16, w: 32, d: 64 } as const;
const hex = (v: bigint): string => `0x${v.toString(16)}`;

describe('register operations', () => {
  it.each(Object.keys(OPERATIONS).filter((name) => name !== 'sll.uw'))(
    '%s gives what the manual says, for every pair of corner values',
    async (name) => {
      const bench = await Bench.of(`${name} a0, a1, a2`);
      for (const a of CORNERS) {
        for (const b of CORNERS) {
          bench.pc = BigInt(ORIGIN);
          bench.setX('a1', a);
          bench.setX('a2', b);
          bench.run(1);
          expect(bench.x('a0'), `${hex(a)} ${hex(b)}`).toBe(OPERATIONS[name](a, b));
        }
      }
    },
  );

  it.each(Object.keys(UNARY))('%s gives what the manual says', async (name) => {
    const bench = await Bench.of(`${name} a0, a1`);
    const patterns = [0x0001_0000_ff00_0180n, 0x0123_4567_89ab_cdefn, 0x0080_0000_0000_0000n];
    for (const a of [...CORNERS, ...patterns]) {
      bench.pc = BigInt(ORIGIN);
      bench.setX('a1', a);
      bench.run(1);
      expect(bench.x('a0'), hex(a)).toBe(UNARY[name](a));
    }
  });

  it('leaves x0 at zero and reads it as zero', async () => {
    const bench = await Bench.of(
      'addi zero, a0, 5\nadd zero, a0, a0\nlui zero, 5\nadd a1, zero, zero\nld zero, 0(sp)',
    );
    bench.setX('a0', 7);
    bench.setX('a1', 9);
    bench.setX('sp', ORIGIN);
    expect(bench.run(5)).toBe(EXIT_BUDGET);
    expect([bench.x('zero'), bench.x('a1')]).toEqual([0n, 0n]);
  });

  it('reads its sources before it writes a destination that is one of them', async () => {
    const bench = await Bench.of('mulh a0, a0, a0\njalr a1, 8(a1)');
    bench.setX('a0', -3n);
    bench.setX('a1', ORIGIN);
    bench.run(2);
    expect([bench.x('a0'), bench.x('a1'), bench.pc]).toEqual([0n, BigInt(ORIGIN + 8), BigInt(ORIGIN + 8)]);
  });
});

describe('immediate operations', () => {
  it.each(Object.entries(IMMEDIATES))('%s', async (name, { operation, shift }) => {
    const immediates = shift
      ? [0, 1, 7, 31, ...(shift === 64 ? [32, 63] : [])]
      : [0, 1, -1, 2047, -2048, 1365, -1366];
    const bench = await Bench.of(immediates.map((i) => `${name} a0, a1, ${i}\necall`).join('\n'));
    for (const a of CORNERS) {
      immediates.forEach((immediate, index) => {
        bench.pc = BigInt(ORIGIN + 8 * index);
        bench.setX('a1', a);
        bench.run(1);
        const b = BigInt.asUintN(64, BigInt(immediate));
        expect(bench.x('a0'), `${hex(a)} ${immediate}`).toBe(OPERATIONS[operation](a, b));
      });
    }
  });

  it('lui and auipc extend the sign of bit 31', async () => {
    const bench = await Bench.of(
      'lui a0, 0x80000\nauipc a1, 0x80000\nauipc a2, 1\nlui a3, 0x7ffff\nauipc a4, 0',
    );
    bench.run(5);
    expect(bench.x('a0')).toBe(0xffff_ffff_8000_0000n);
    expect(bench.x('a1')).toBe(BigInt.asUintN(64, BigInt(ORIGIN) + 4n - 0x8000_0000n));
    expect(bench.x('a2')).toBe(BigInt(ORIGIN) + 8n + 0x1000n);
    expect(bench.x('a3')).toBe(0x7fff_f000n);
    expect(bench.x('a4')).toBe(BigInt(ORIGIN) + 16n);
  });
});

describe('control flow', () => {
  it.each(Object.keys(BRANCHES))(
    '%s is taken exactly when its condition holds, near and far',
    async (name) => {
      // The second branch's target is in another page.
      const bench = await Bench.of(
        `${name} a1, a2, near\nnop\nnear: ${name} a1, a2, far\n.zero 4084\nfar: nop`,
      );
      const far = bench.symbol('far');
      expect(far >> 12n).not.toBe(BigInt(ORIGIN) >> 12n);
      for (const a of CORNERS) {
        for (const b of CORNERS) {
          const taken = BRANCHES[name](a, b);
          bench.setX('a1', a);
          bench.setX('a2', b);
          bench.pc = BigInt(ORIGIN);
          bench.run(1);
          expect(bench.pc).toBe(BigInt(ORIGIN + (taken ? 8 : 4)));
          bench.pc = BigInt(ORIGIN + 8);
          bench.run(1);
          expect(bench.pc).toBe(taken ? far : BigInt(ORIGIN + 12));
        }
      }
    },
  );

  it('jal and jalr link the next instruction, and jalr clears bit 0 of its target', async () => {
    const bench = await Bench.of('jal ra, target\nnop\ntarget: jalr t0, 3(a0)\n.balign 16\nback: c.jr ra');
    bench.setX('a0', bench.symbol('back') - 2n);
    bench.run(2);
    expect(bench.x('ra')).toBe(BigInt(ORIGIN + 4));
    expect(bench.x('t0')).toBe(BigInt(ORIGIN + 12));
    expect(bench.pc).toBe(bench.symbol('back'));
    bench.run(1);
    expect(bench.pc).toBe(BigInt(ORIGIN + 4));
  });

  it('compressed jumps link two bytes on', async () => {
    const bench = await Bench.of('c.jalr a0\nc.nop\nc.nop\ntarget: c.j target');
    bench.setX('a0', bench.symbol('target'));
    bench.run(2);
    expect(bench.x('ra')).toBe(BigInt(ORIGIN + 2));
    expect(bench.pc).toBe(bench.symbol('target'));
  });
});

describe('loads and stores', () => {
  const data = ORIGIN + 0x2000;
  const pattern = 0xf1e2_d3c4_b5a6_9788n;

  it.each(['lb', 'lh', 'lw', 'ld', 'lbu', 'lhu', 'lwu'])(
    '%s extends what it reads, at any alignment',
    async (name) => {
      const bench = await Bench.of(`${name} a0, -8(a1)`);
      const bits = SIZES[name[1] as keyof typeof SIZES];
      // The first access of all only fills the TLB.
      for (const shift of [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]) {
        bench.write(data, pattern);
        bench.write(data + 8, ~pattern);
        bench.write(data + 16, pattern);
        bench.pc = BigInt(ORIGIN);
        bench.setX('a1', data + 8 + shift);
        bench.run(1);
        const both = (pattern << 128n) | (BigInt.asUintN(64, ~pattern) << 64n) | pattern;
        const raw = BigInt.asUintN(bits, both >> BigInt(8 * shift));
        const extended = name.endsWith('u') ? raw : BigInt.asUintN(64, BigInt.asIntN(bits, raw));
        expect(bench.x('a0'), `offset ${shift}`).toBe(extended);
      }
    },
  );

  it.each(['sb', 'sh', 'sw', 'sd'])('%s changes its bytes only, at any alignment', async (name) => {
    const bench = await Bench.of(`${name} a0, 8(a1)`);
    const bits = BigInt(SIZES[name[1] as keyof typeof SIZES]);
    // The first access of all only fills the TLB.
    for (const shift of [0n, 0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]) {
      bench.write(data, 0n);
      bench.write(data + 8, 0n);
      bench.pc = BigInt(ORIGIN);
      bench.setX('a0', pattern);
      bench.setX('a1', BigInt(data) - 8n + shift);
      bench.run(1);
      const memory = bench.read(data) | (bench.read(data + 8) << 64n);
      expect(memory, `offset ${shift}`).toBe((pattern & ((1n << bits) - 1n)) << (8n * shift));
    }
  });

  it('wraps the sum of base and offset, so that a small negative base works as an address', async () => {
    const bench = await Bench.of('ld a0, 2047(a1)');
    bench.setX('a1', BigInt(data) - 2047n);
    for (const value of [5n, 6n]) {
      bench.write(data, value);
      bench.pc = BigInt(ORIGIN);
      bench.run(1);
      expect(bench.x('a0')).toBe(value);
    }
  });
});

describe('atomics', () => {
  const at = ORIGIN + 0x2000;
  const names = ['amoswap', 'amoadd', 'amoxor', 'amoand', 'amoor', 'amomin', 'amomax', 'amominu', 'amomaxu'];

  it.each(names.flatMap((name) => [[`${name}.w`, name, 32] as const, [`${name}.d`, name, 64] as const]))(
    '%s',
    async (mnemonic, name, bits) => {
      const bench = await Bench.of(`${mnemonic}.aqrl a0, a2, (a1)`);
      bench.setX('a1', at);
      for (const old of CORNERS) {
        for (const operand of CORNERS) {
          bench.write(at, old);
          bench.setX('a2', operand);
          bench.pc = BigInt(ORIGIN);
          bench.run(1);
          const loaded = BigInt.asUintN(64, BigInt.asIntN(bits, old));
          const kept = bits === 32 ? (old >> 32n) << 32n : 0n;
          expect(bench.x('a0'), `${hex(old)} ${hex(operand)}`).toBe(loaded);
          expect(bench.read(at)).toBe(kept | atomicResult(name, old, operand, bits));
        }
      }
    },
  );

  it.each(['w', 'd'])('sc.%s stores after lr of the same address, once', async (width) => {
    const bench = await Bench.of(`lr.${width} a0, (a1)\nsc.${width} a2, a3, (a1)\nsc.${width} a4, a3, (a1)`);
    bench.setX('a1', at);
    bench.setX('a3', 77);
    bench.write(at, 5n);
    bench.run(3);
    expect([bench.x('a0'), bench.x('a2'), bench.x('a4'), bench.read(at)]).toEqual([5n, 0n, 1n, 77n]);
  });

  it('sc fails at another address, after a cleared reservation, and after a trap', async () => {
    const bench = await Bench.of('lr.d a0, (a1)\nsc.d a2, a3, (a4)\nlr.d a0, (a1)\nsc.d a2, a3, (a1)\nlr.d a0, (a1)\necall\nsc.d a2, a3, (a1)'); // prettier-ignore
    bench.setX('a1', at);
    bench.setX('a4', at + 8);
    bench.run(2);
    expect(bench.x('a2')).toBe(1n);
    bench.run(1);
    bench.hart.clearReservation();
    bench.setX('a2', 0);
    bench.run(1);
    expect(bench.x('a2')).toBe(1n);
    expect(bench.trap()).toBe(CAUSE_USER_ECALL);
    bench.pc += 4n;
    bench.setX('a2', 0);
    bench.run(1);
    expect(bench.x('a2')).toBe(1n);
  });

  it('keeps a reservation over the end of a budget', async () => {
    const bench = await Bench.of('lr.w a0, (a1)\nnop\nsc.w a2, a3, (a1)');
    bench.setX('a1', at);
    bench.setX('a2', 9);
    for (let i = 0; i < 3; i++) expect(bench.run(1)).toBe(EXIT_BUDGET);
    expect(bench.x('a2')).toBe(0n);
  });

  it.each([
    ['lr.w a0, (a1)', 2, CAUSE_LOAD_MISALIGNED],
    ['lr.d a0, (a1)', 4, CAUSE_LOAD_MISALIGNED],
    ['sc.w a0, a2, (a1)', 1, CAUSE_STORE_MISALIGNED],
    ['amoadd.w a0, a2, (a1)', 2, CAUSE_STORE_MISALIGNED],
    ['amoswap.d a0, a2, (a1)', 4, CAUSE_STORE_MISALIGNED],
  ])('%s off by %i raises address-misaligned', async (source, offset, cause) => {
    const bench = await Bench.of(source);
    bench.setX('a1', at + offset);
    expect(bench.trap()).toBe(cause);
    expect([bench.tval, bench.pc, bench.hart.retired]).toEqual([BigInt(at + offset), BigInt(ORIGIN), 0]);
  });
});

describe('environment calls and what is not an instruction', () => {
  it('ecall and ebreak leave a hosted run at their own pc', async () => {
    const bench = await Bench.of('ecall\nebreak\nc.ebreak');
    expect([bench.trap(), bench.tval, bench.pc]).toEqual([CAUSE_USER_ECALL, 0n, BigInt(ORIGIN)]);
    bench.pc += 4n;
    expect([bench.trap(), bench.tval]).toEqual([CAUSE_BREAKPOINT, BigInt(ORIGIN + 4)]);
    bench.pc += 4n;
    expect([bench.trap(), bench.tval]).toEqual([CAUSE_BREAKPOINT, BigInt(ORIGIN + 8)]);
  });

  it.each([
    ['.word 0', 0n],
    ['.word 0xffffffff', 0xffff_ffffn],
    ['.half 0x8002, 0x1234', 0x8002n],
    ['.half 0x2001, 0xffff', 0x2001n],
    ['.word 0x00005053', 0x5053n],
    ['.word 0x0000302b', 0x302bn],
    ['csrr a0, mstatus', 0x3000_2573n],
    ['csrw cycle, a0', 0xc005_1073n],
    ['mret', 0x3020_0073n],
    ['sret', 0x1020_0073n],
    ['wfi', 0x1050_0073n],
    ['sfence.vma', 0x1200_0073n],
  ])('%s is illegal in user mode, and tval has its bits', async (source, bits) => {
    const bench = await Bench.of(source);
    expect(bench.trap()).toBe(CAUSE_ILLEGAL_INSTRUCTION);
    expect([bench.tval, bench.pc, bench.hart.retired]).toEqual([bits, BigInt(ORIGIN), 0]);
  });

  it('fences are instructions that change nothing, with any operands', async () => {
    const bench = await Bench.of(
      'fence\nfence rw, w\nfence.i\n.word 0x8330000f\n.word 0x0ff5058f\n.word 0x0100000f',
    );
    expect(bench.run(6)).toBe(EXIT_BUDGET);
    expect(bench.pc).toBe(BigInt(ORIGIN + 24));
  });
});
