import { describe, expect, it } from 'vitest';
import { EXIT_BUDGET, EXIT_STOP, EXIT_WFI, Machine, TestFinisher, VirtualClock } from '../../src/index.js';
import type { Device, MachineOptions } from '../../src/index.js';
import { HART_PRIVILEGE } from '../../src/hart/state.js';
import { Bench, ORIGIN } from '../run-program.js';

const FULL: MachineOptions = { mode: 'full-system' };

/** Runs machine-mode code that ends in wfi. */
async function runToWfi(source: string, options: MachineOptions = {}): Promise<Bench> {
  const bench = await Bench.of(source, { ...FULL, ...options });
  expect(bench.run()).toBe(EXIT_WFI);
  return bench;
}

/** A handler that keeps what it was told and waits. */
const REPORT = `
  .balign 4
report:
  csrr s0, mcause
  csrr s1, mepc
  csrr s2, mtval
  csrr s3, mstatus
  csrw mie, zero
  wfi
  .balign 4
supervisor_report:
  csrr s0, scause
  csrr s1, sepc
  csrr s2, stval
  csrr s3, sstatus
  li s4, 1
  j .
`;

/** Sets mtvec and stvec, and lets supervisor and user reach all of memory. */
const SET_UP = `
  li t0, -1
  csrw pmpaddr0, t0
  csrwi pmpcfg0, 0x1f
  la t0, report
  csrw mtvec, t0
  la t0, supervisor_report
  csrw stvec, t0
`;

/** Goes to a label in supervisor (1) or user (0) mode. */
const drop = (privilege: 0 | 1, label: string): string => `
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${privilege << 11}
  csrs mstatus, t0
  la t0, ${label}
  csrw mepc, t0
  mret
`;

describe('CSRs', () => {
  it('have their reset values and fixed fields', async () => {
    const bench = await runToWfi(
      'csrr a0, misa\ncsrr a1, mhartid\ncsrr a2, mstatus\ncsrr a3, mvendorid\ncsrr a4, satp\nwfi',
    );
    expect(bench.x('a0')).toBe(
      (2n << 62n) | [...'ABCDFIMSU'].reduce((bits, c) => bits | (1n << BigInt(c.charCodeAt(0) - 65)), 0n),
    );
    expect([bench.x('a1'), bench.x('a2'), bench.x('a3'), bench.x('a4')]).toEqual([
      0n,
      0xa_0000_0000n,
      0n,
      0n,
    ]);
  });

  it.each([
    ['mstatus', 0x8000_000a_007e_79aan],
    ['sstatus', 0x8000_0002_000c_6122n],
    ['medeleg', 0xb3ffn],
    ['mideleg', 0x222n],
    ['mie', 0xaaan],
    ['mip', 0x222n],
    ['mepc', 0xffff_ffff_ffff_fffen],
    ['sepc', 0xffff_ffff_ffff_fffen],
    ['mscratch', 0xffff_ffff_ffff_ffffn],
    ['sscratch', 0xffff_ffff_ffff_ffffn],
    ['mcause', 0xffff_ffff_ffff_ffffn],
    ['stval', 0xffff_ffff_ffff_ffffn],
    ['mcounteren', 0xffff_ffffn],
    ['scounteren', 0xffff_ffffn],
    ['menvcfg', 0xe000_0000_0000_00f1n],
    ['senvcfg', 0xf1n],
    ['misa', 0x8000_0000_0014_112fn],
    ['mhpmcounter3', 0n],
    ['mhpmevent3', 0n],
    ['mcountinhibit', 5n],
    ['pmpaddr0', 0x3f_ffff_ffff_ffffn],
    ['pmpaddr14', 0x3f_ffff_ffff_ffffn],
  ])('%s keeps the bits it has and no others', async (name, ones) => {
    const bench = await runToWfi(
      `li a0, -1\ncsrw ${name}, a0\ncsrr a1, ${name}\ncsrw ${name}, zero\ncsrr a2, ${name}\nwfi`,
    );
    expect(bench.x('a1').toString(16)).toBe(ones.toString(16));
    const fixed = { mstatus: 0xa_0000_0000n, sstatus: 0x2_0000_0000n, misa: ones } as Readonly<
      Record<string, bigint>
    >;
    expect(bench.x('a2')).toBe(fixed[name] ?? 0n);
  });

  it('swap, set and clear give the old value; x0 and immediate 0 do not write', async () => {
    const bench = await runToWfi(`
      li a0, 0xf0
      csrw mscratch, a0
      li a1, 0x3c
      csrrs a2, mscratch, a1
      csrrc a3, mscratch, a1
      csrrw a4, mscratch, a1
      csrrwi a5, mscratch, 21
      csrrsi a6, mscratch, 10
      csrrci a7, mscratch, 1
      csrr s2, mscratch
      csrrs s3, mhartid, zero
      csrrci s4, mhartid, 0
      wfi`);
    const values = ['a2', 'a3', 'a4', 'a5', 'a6', 'a7', 's2', 's3', 's4'].map((name) => bench.x(name));
    expect(values).toEqual([0xf0n, 0xfcn, 0xc0n, 0x3cn, 21n, 31n, 30n, 0n, 0n]);
  });

  it('a write to a read-only CSR, and any access to one that does not exist, is illegal', async () => {
    for (const source of [
      'csrw mhartid, a0',
      'csrrsi a0, cycle, 1',
      'csrr a0, 0x3a1',
      'csrr a0, pmpcfg4',
      'csrr a0, pmpaddr16',
      'csrr a0, mseccfg',
      'csrr a0, fflags',
      'csrw 0x7ff, a0',
    ]) {
      const bench = await runToWfi(`${SET_UP}\nbad: ${source}\nwfi\n${REPORT}`);
      expect([bench.x('s0'), bench.x('s1')], source).toEqual([2n, bench.symbol('bad')]);
    }
  });

  it('instret counts what retired before, and a write takes the place of the count', async () => {
    const bench = await runToWfi(`
      csrr a0, minstret
      nop
      csrr a1, minstret
      csrr a2, mcycle
      li a3, -1
      csrw minstret, a3
      csrr a4, minstret
      csrr a5, minstret
      csrr a6, instret
      wfi`);
    const values = ['a0', 'a1', 'a2', 'a4', 'a5', 'a6'].map((name) => bench.x(name));
    expect(values).toEqual([0n, 2n, 3n, 0xffff_ffff_ffff_ffffn, 0n, 1n]);
  });

  it('time follows the clock and the instructions retired, at the rate of the timebase', async () => {
    const clock = new VirtualClock({ start: 5_000_000 });
    const bench = await Bench.of('csrr a0, time\nnop\nnop\ncsrr a1, time\nwfi', {
      ...FULL,
      clock,
      timebaseHz: 1e9,
    });
    expect(bench.run()).toBe(EXIT_WFI);
    expect([bench.x('a0'), bench.x('a1'), clock.now()]).toEqual([5_000_000n, 5_000_003n, 5_000_005]);
    const slow = await Bench.of('csrr a0, time\nwfi', {
      ...FULL,
      clock: new VirtualClock({ start: 12_345 }),
      timebaseHz: 1e7,
    });
    slow.run();
    expect(slow.x('a0')).toBe(123n);
  });

  it('counters are readable in user mode as far as mcounteren and scounteren allow', async () => {
    for (const [machine, supervisor, allowed] of [
      [7, 7, true],
      [7, 5, true],
      [6, 7, false],
      [7, 6, false],
    ] as const) {
      const bench = await runToWfi(`${SET_UP}
        li t0, ${machine}
        csrw mcounteren, t0
        li t0, ${supervisor}
        csrw scounteren, t0
        ${drop(0, 'user')}
        user: csrr a0, cycle
        ecall
        ${REPORT}`);
      expect(bench.x('s0'), `${machine} ${supervisor}`).toBe(allowed ? 8n : 2n);
    }
  });
});

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

describe('supervisor translation', () => {
  /** One gigapage of RAM: user with U, else supervisor's. Machine mode tries accesses with MPRV. */
  const tables = (flags: number): string => `
    la t0, root
    li t1, ${(0x8000_0000 / 4096) * 1024 + flags}
    sd t1, 16(t0)
    srli t0, t0, 12
    li t1, 8
    slli t1, t1, 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma`;
  const program = (flags: number, mstatus: number, access: string): string => `${SET_UP}
    ${tables(flags)}
    la a1, cell
    li t0, ${mstatus}
    csrs mstatus, t0
    there: ${access}
    li t0, 0x20000
    csrc mstatus, t0
    wfi
    ${REPORT}
    .balign 8
    cell: .dword 0x1234
    .balign 4096
    root: .zero 4096`;
  const U = 16;
  const BASE = 0xc1; // V, A, D
  const MPRV = 0x2_0000;
  const AS_SUPERVISOR = MPRV | 0x800;
  const SUM = 0x4_0000;
  const MXR = 0x8_0000;

  it.each([
    ['supervisor page as supervisor', BASE | 6, AS_SUPERVISOR, 'ld a0, 0(a1)', 0n],
    ['supervisor page as user', BASE | 6, MPRV, 'ld a0, 0(a1)', 13n],
    ['user page as user', BASE | U | 6, MPRV, 'sd a0, 0(a1)', 0n],
    ['user page as supervisor', BASE | U | 6, AS_SUPERVISOR, 'ld a0, 0(a1)', 13n],
    ['user page as supervisor, store', BASE | U | 6, AS_SUPERVISOR, 'sd a0, 0(a1)', 15n],
    ['user page as supervisor with SUM', BASE | U | 6, AS_SUPERVISOR | SUM, 'ld a0, 0(a1)', 0n],
    ['user page as user with SUM', BASE | U | 6, MPRV | SUM, 'ld a0, 0(a1)', 0n],
    ['supervisor page as user with SUM', BASE | 6, MPRV | SUM, 'ld a0, 0(a1)', 13n],
    ['execute-only page', BASE | 8, AS_SUPERVISOR, 'ld a0, 0(a1)', 13n],
    ['execute-only page with MXR', BASE | 8, AS_SUPERVISOR | MXR, 'ld a0, 0(a1)', 0n],
    ['execute-only page with MXR, store', BASE | 8, AS_SUPERVISOR | MXR, 'sd a0, 0(a1)', 15n],
    ['no MPRV', BASE | U, 0, 'ld a0, 0(a1)', 0n],
  ])('%s', async (_, flags, mstatus, access, cause) => {
    const bench = await Bench.of(program(flags, mstatus, access), FULL);
    expect(bench.run()).toBe(EXIT_WFI);
    expect(bench.x('s0')).toBe(cause);
    if (cause !== 0n)
      expect([bench.x('s1'), bench.x('s2')]).toEqual([bench.symbol('there'), bench.symbol('cell')]);
    else if (access.startsWith('ld')) expect(bench.x('a0')).toBe(0x1234n);
  });

  const LOAD = 'ld a0, 0(a1)';
  it.each([
    ['SUM is set', BASE | U | 6, AS_SUPERVISOR, '', `csrs ${SUM}`, 0n],
    ['SUM is cleared', BASE | U | 6, AS_SUPERVISOR | SUM, LOAD, `csrc ${SUM}`, 13n],
    ['MXR is set', BASE | 8, AS_SUPERVISOR, '', `csrs ${MXR}`, 0n],
    ['MXR is cleared', BASE | 8, AS_SUPERVISOR | MXR, LOAD, `csrc ${MXR}`, 13n],
    ['MPRV is set', BASE | 6, 0, LOAD, `csrs ${MPRV}`, 13n],
    ['MPRV is cleared', BASE | U | 6, MPRV, LOAD, `csrc ${MPRV}`, 0n],
    ['MPP is set', BASE | 6, MPRV, '', 'csrs 0x800', 0n],
    ['MPP is cleared', BASE | 6, AS_SUPERVISOR, LOAD, 'csrc 0x800', 13n],
  ])('follows mstatus from the next load on: %s', async (_, flags, mstatus, before, change, cause) => {
    const [write, bits] = change.split(' ');
    const access = `${before}\nli t0, ${bits}\n${write} mstatus, t0\n${LOAD}`;
    const bench = await Bench.of(program(flags, mstatus, access), FULL);
    expect(bench.run()).toBe(EXIT_WFI);
    expect(bench.x('s0')).toBe(cause);
    if (cause === 0n || before !== '') expect(bench.x('a0')).toBe(0x1234n);
  });

  it('the supervisor never executes a user page, with SUM or without', async () => {
    for (const sum of [0, SUM]) {
      const bench = await runToWfi(
        `${SET_UP}${tables(BASE | U | 14)}\nli t0, ${sum}\ncsrs mstatus, t0\n${drop(1, 'there')}\nthere: nop\n${REPORT}\n.balign 4096\nroot: .zero 4096`,
      );
      expect([bench.x('s0'), bench.x('s2')]).toEqual([12n, bench.symbol('there')]);
    }
  });

  it('satp ignores a write of a mode that does not exist', async () => {
    const bench = await runToWfi(
      'li a0, 11\nslli a0, a0, 60\ncsrw satp, a0\ncsrr a1, satp\nli a0, 8\nslli a0, a0, 60\naddi a0, a0, 5\ncsrw satp, a0\ncsrr a2, satp\ncsrw satp, zero\nwfi',
    );
    expect([bench.x('a1'), bench.x('a2')]).toEqual([0n, (8n << 60n) + 5n]);
  });
});

describe('devices', () => {
  class Probe implements Device {
    readonly name = 'probe';
    readonly base = 0x1000_0000;
    readonly bytes = 16;
    readonly log: string[] = [];
    load(offset: number, width: number): bigint {
      this.log.push(`load ${offset} ${width}`);
      return 0xfedc_ba98_7654_3210n;
    }
    store(offset: number, width: number, value: bigint): void {
      this.log.push(`store ${offset} ${width} ${value.toString(16)}`);
    }
  }

  it('see accesses by offset, width and value, once each', async () => {
    const probe = new Probe();
    const bench = await runToWfi(
      `li a0, 0x10000000\nli a1, -2\nlb a2, 1(a0)\nlhu a3, 2(a0)\nlw a4, 4(a0)\nld a5, 8(a0)\nsb a1, 15(a0)\nsh a1, 6(a0)\nsw a1, 12(a0)\nsd a1, 0(a0)\nwfi`,
      { devices: [probe] },
    );
    expect(probe.log).toEqual(['load 1 1', 'load 2 2', 'load 4 4', 'load 8 8', 'store 15 1 fe', 'store 6 2 fffe', 'store 12 4 fffffffe', 'store 0 8 fffffffffffffffe']); // prettier-ignore
    expect(['a2', 'a3', 'a4', 'a5'].map((name) => bench.x(name))).toEqual([0x10n, 0x3210n, 0x7654_3210n, 0xfedc_ba98_7654_3210n]); // prettier-ignore
  });

  it.each([
    ['ld a1, 0(a0)', 0x2000_0000, 5n],
    ['sb a1, 0(a0)', 0x2000_0000, 7n],
    ['lw a1, 2(a0)', 0x1000_0000, 5n],
    ['sd a1, 4(a0)', 0x1000_0000, 7n],
    ['ld a1, 16(a0)', 0x1000_0000, 5n],
    ['amoadd.w a1, a1, (a0)', 0x1000_0000, 7n],
    ['lr.w a1, (a0)', 0x1000_0000, 5n],
    ['ld a1, -4(a0)', 0x8010_0000, 5n],
  ])('%s at 0x%x raises an access fault', async (access, base, cause) => {
    const probe = new Probe();
    const bench = await runToWfi(`${SET_UP}\nli a0, ${base}\nthere: ${access}\nwfi\n${REPORT}`, {
      devices: [probe],
    });
    expect([bench.x('s0'), bench.x('s1')]).toEqual([cause, bench.symbol('there')]);
    expect(probe.log).toEqual([]);
  });

  it('a jump to a device or to nowhere raises a fetch access fault', async () => {
    for (const target of ['0x10000000', '0', '-16']) {
      const bench = await runToWfi(`${SET_UP}\nli a0, ${target}\njr a0\n${REPORT}`, {
        devices: [new Probe()],
      });
      expect([bench.x('s0'), bench.x('s1')]).toEqual([1n, BigInt.asUintN(64, BigInt(target))]);
    }
  });

  it('one that stops the machine ends the run after its store has retired', async () => {
    const machine: Machine = await Machine.create({
      ramBytes: 2 ** 20,
      devices: [new TestFinisher({ stop: (code) => machine.stop(code) })],
    });
    const bench = await Bench.of('li a0, 0x100000\nli a1, 0x73333\nsw a1, 0(a0)\nafter: j .', FULL);
    machine.ram.writable(0).set(bench.machine.ram.readable(0));
    machine.harts[0].state.set(bench.hart.state.subarray(0, 2));
    expect(machine.run(1000)).toBe(EXIT_STOP);
    expect([machine.exitCode, machine.harts[0].state[0]]).toEqual([7, Number(bench.symbol('after'))]);
    expect(machine.harts[0].retired).toBeLessThan(10);
    expect(machine.run(1000)).toBe(EXIT_STOP);
  });
});
