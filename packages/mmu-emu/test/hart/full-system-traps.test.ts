import { describe, expect, it } from 'vitest';
import { EXIT_BUDGET, EXIT_WFI } from '../../src/index.js';
import { HART_PRIVILEGE } from '../../src/hart/state.js';
import { Bench, ORIGIN } from '../run-program.js';
import { drop, FULL, REPORT, runToWfi, SET_UP } from './full-system-program.js';

describe('traps', () => {
  it.each([
    [0, 8n],
    [1, 9n],
  ] as const)('an ecall from privilege %i reaches machine mode with its cause', async (privilege, cause) => {
    const bench = await runToWfi(`${SET_UP}${drop(privilege, 'there')}\nthere: ecall\n${REPORT}`);
    expect([bench.x('s0'), bench.x('s1'), bench.x('s2')]).toEqual([cause, bench.symbol('there'), 0n]);
    expect((bench.x('s3') >> 11n) & 3n).toBe(BigInt(privilege));
  });

  it('a machine-mode ecall has cause 11, keeps MPP machine, and stacks the interrupt enable', async () => {
    const bench = await runToWfi(`${SET_UP}\ncsrsi mstatus, 8\nthere: ecall\n${REPORT}`);
    expect([bench.x('s0'), bench.x('s1')]).toEqual([11n, bench.symbol('there')]);
    expect(bench.x('s3') & 0x1888n).toBe(0x1880n);
  });

  it('delegated exceptions of user and supervisor go to the supervisor, those of machine mode do not', async () => {
    const delegate = `li t0, 0xb3ff\ncsrw medeleg, t0`;
    for (const privilege of [0, 1] as const) {
      const bench = await Bench.of(
        `${SET_UP}${delegate}${drop(privilege, 'there')}\nthere: .word 0\n${REPORT}`,
        FULL,
      );
      expect(bench.run()).toBe(EXIT_BUDGET);
      expect([bench.x('s0'), bench.x('s1'), bench.x('s2'), bench.x('s4')]).toEqual([
        2n,
        bench.symbol('there'),
        0n,
        1n,
      ]);
      expect((bench.x('s3') >> 8n) & 1n).toBe(BigInt(privilege));
      expect(bench.hart.state[HART_PRIVILEGE]).toBe(1);
    }
    const bench = await runToWfi(`${SET_UP}${delegate}\nthere: .word 0\n${REPORT}`);
    expect([bench.x('s0'), bench.x('s4')]).toEqual([2n, 0n]);
  });

  it('mret and sret restore privilege and interrupt enables, and clear MPRV when they leave machine mode', async () => {
    const bench = await Bench.of(
      `
      li t0, -1
      csrw pmpaddr0, t0
      csrwi pmpcfg0, 0x1f
      li t0, 0x20080           # MPRV, MPIE, MPP = U
      csrs mstatus, t0
      la t0, user
      csrw mepc, t0
      mret
      user: j .`,
      FULL,
    );
    bench.run(20);
    expect(bench.hart.state[HART_PRIVILEGE]).toBe(0);
    expect(bench.pc).toBe(bench.symbol('user'));
    const again = await runToWfi(`${SET_UP}
      li t0, 0x20080
      csrs mstatus, t0
      ${drop(0, 'user')}
      user: ecall
      ${REPORT}`);
    expect(again.x('s3') & 0x2_0088n).toBe(0x80n);
  });

  it('TSR, TVM and TW make sret, sfence.vma, satp and wfi of the supervisor illegal', async () => {
    for (const [bit, source] of [
      [22, 'sret'],
      [20, 'sfence.vma'],
      [20, 'csrr a0, satp'],
      [20, 'csrw satp, zero'],
      [21, 'wfi'],
    ] as const) {
      for (const set of [true, false]) {
        const bench = await runToWfi(`${SET_UP}
          la t0, after
          csrw sepc, t0
          csrwi mideleg, 2
          csrwi mie, ${source === 'wfi' ? 2 : 0}
          csrwi mip, 2
          li t0, ${set ? 1 << bit : 0}
          csrs mstatus, t0
          ${drop(1, 'there')}
          there: ${source}
          after: .word 0
          ${REPORT}`);
        expect(bench.x('s0'), source).toBe(2n);
        const later = bench.x('s1') === bench.symbol('after');
        // The sret lands on `after` in user mode.
        expect(later, `${source} ${set}`).toBe(!set);
      }
    }
  });

  it('an mret to a mode that does not exist cannot be asked for', async () => {
    const bench = await runToWfi(
      'li t0, 0x1800\ncsrc mstatus, t0\nli t0, 0x1000\ncsrs mstatus, t0\ncsrr a0, mstatus\nwfi',
    );
    expect(bench.x('a0')).toBe(0xa_0000_0000n);
  });

  it('vectored interrupts go to base + 4 cause, exceptions to base', async () => {
    const bench = await runToWfi(`
      la t0, vector + 1
      csrw mtvec, t0
      csrwi mie, 2
      csrwi mip, 2
      csrsi mstatus, 8
      nop
      .balign 64
      vector: j exception
      li a0, 77
      csrr a1, mcause
      csrr a2, mepc
      csrw mip, zero
      ecall
      exception: li a3, 1
      csrr a4, mcause
      wfi`);
    expect([bench.x('a0'), bench.x('a1')]).toEqual([77n, (1n << 63n) | 1n]);
    expect([bench.x('a3'), bench.x('a4')]).toEqual([1n, 11n]);
    expect(bench.x('a2')).toBe(BigInt(ORIGIN + 24));
  });

  it('takes interrupts by priority, and delegated ones only below machine mode', async () => {
    const bench = await runToWfi(`${SET_UP}
      li t0, 0x222
      csrw mie, t0
      csrw mip, t0
      csrsi mstatus, 8
      nop
      ${REPORT}`);
    expect(bench.x('s0')).toBe((1n << 63n) | 9n);
    const delegated = await Bench.of(
      `${SET_UP}
      li t0, 0x222
      csrw mideleg, t0
      csrw mie, t0
      csrw mip, t0
      csrsi mstatus, 8
      li a0, 5
      ${drop(0, 'user')}
      user: li a0, 6
      ${REPORT}`,
      FULL,
    );
    delegated.run();
    expect([delegated.x('a0'), delegated.x('s0'), delegated.x('s1')]).toEqual([
      5n,
      (1n << 63n) | 9n,
      delegated.symbol('user'),
    ]);
  });

  it('a handler that cannot be fetched ends the run as waiting, not in a loop', async () => {
    const bench = await Bench.of('csrw mtvec, zero\n.word 0', FULL);
    expect(bench.run(1_000_000)).toBe(EXIT_WFI);
    expect(bench.hart.retired).toBe(1);
    expect(bench.run(1000)).toBe(EXIT_WFI);
  });

  it('so it does with an interrupt pending that is enabled in mie and not globally', async () => {
    const bench = await Bench.of('csrw mtvec, zero\ncsrwi mie, 2\ncsrwi mip, 2\n.word 0', FULL);
    expect(bench.run(1000)).toBe(EXIT_WFI);
    expect(bench.run(1000)).toBe(EXIT_WFI);
    expect(bench.hart.retired).toBe(0);
  });
});
