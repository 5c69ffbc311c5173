import { describe, expect, it } from 'vitest';
import { EXIT_STOP, EXIT_WFI, Machine, TestFinisher } from '../../src/index.js';
import type { Device } from '../../src/index.js';
import { Bench } from '../run-program.js';
import { drop, FULL, REPORT, runToWfi, SET_UP } from './full-system-program.js';

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
