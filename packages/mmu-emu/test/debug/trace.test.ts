import { describe, expect, test } from 'vitest';
import { Debugger, EXIT_TRAP, EXIT_WFI, writeRegister } from '../../src/index.js';
import type { TraceEvent } from '../../src/index.js';
import { Bench, ORIGIN } from '../run-program.js';

const FULL = { mode: 'full-system' } as const;

/** An event in a line. */
function line(event: TraceEvent): string {
  const pc = (event.pc - BigInt(ORIGIN)).toString(16);
  if (event.kind === 'trap')
    return `${pc} ${event.interrupt ? 'interrupt' : 'exception'} ${event.cause} ${event.tval.toString(16)}`;
  const registers = event.registers.map(({ name, value }) => `${name}=${value.toString(16)}`);
  const memory = event.memory.map(
    ({ access, address, bytes, value }) =>
      `${access} ${(address - BigInt(ORIGIN)).toString(16)}/${bytes}=${value.toString(16)}`,
  );
  return [pc, event.text, ...registers, ...memory].join(' | ');
}

async function traced(source: string, options: object = FULL) {
  const bench = await Bench.of(source, options);
  const debug = await Debugger.attach(bench.machine);
  const lines: string[] = [];
  debug.trace((event) => lines.push(line(event)));
  return { bench, debug, lines };
}

describe('a trace', () => {
  test('tells of registers, memory, CSRs and traps of each instruction that retires', async () => {
    const { bench, lines } = await traced(`
      auipc s0, 0
      c.li a0, -1
      .option norvc
      sb a0, 512(s0)
      lbu a1, 512(s0)
      add zero, a0, a0
      li t0, 0x2000
      csrrs zero, mstatus, t0
      csrr a2, mscratch
      addi t1, s0, 512
      amoadd.w a3, a0, (t1)
      lr.d a4, (t1)
      sc.d a5, a0, (t1)
      fcvt.d.w ft0, a0
      li t2, 3
      fcvt.s.w fa1, t2
      fdiv.s fa1, fa1, fa1
      fdiv.d ft1, ft0, ft2
      la t3, handler
      csrw mtvec, t3
      .word 0
      .balign 4
    handler: wfi`);
    expect(bench.machine.run(1000)).toBe(EXIT_WFI);
    expect(lines).toEqual([
      '0 | auipc s0,0x0 | s0=80000000',
      '4 | c.li a0,-1 | a0=ffffffffffffffff',
      '6 | sb a0,512(s0) | write 200/1=ff',
      'a | lbu a1,512(s0) | a1=ff | read 200/1=ff',
      'e | add zero,a0,a0',
      '12 | lui t0,0x2 | t0=2000',
      '16 | csrrs zero,mstatus,t0 | mstatus=a00002000',
      '1a | csrrs a2,mscratch,zero | a2=0',
      '1e | addi t1,s0,512 | t1=80000200',
      '22 | amoadd.w a3,a0,(t1) | a3=ff | atomic 200/4=fe',
      '26 | lr.d a4,(t1) | a4=fe | read 200/8=fe',
      '2a | sc.d a5,a0,(t1) | a5=0 | write 200/8=ffffffffffffffff',
      '2e | fcvt.d.w ft0,a0 | ft0=bff0000000000000',
      '32 | addi t2,zero,3 | t2=3',
      '36 | fcvt.s.w fa1,t2 | fa1=ffffffff40400000',
      '3a | fdiv.s fa1,fa1,fa1 | fa1=ffffffff3f800000',
      '3e | fdiv.d ft1,ft0,ft2 | ft1=fff0000000000000 | fcsr=8',
      '42 | auipc t3,0x0 | t3=80000042',
      '46 | addi t3,t3,18 | t3=80000054',
      '4a | csrrw zero,mtvec,t3 | mtvec=80000054',
      '4e exception 2 0',
      '54 | wfi',
    ]);
  });

  test('tells of exceptions at a fetch, and of interrupts, before the handler', async () => {
    const { bench, lines } = await traced(`
      li t0, 0x1000
      jr t0
      .balign 4
    handler: csrr a0, mcause
      bltz a0, 1f
      csrsi mstatus, 8
      nop
    1: nop`);
    writeRegister(bench.hart, 'mtvec', bench.symbol('handler'));
    writeRegister(bench.hart, 'mie', 2n);
    writeRegister(bench.hart, 'mip', 2n);
    bench.machine.run(8);
    expect(lines).toEqual([
      '0 | lui t0,0x1 | t0=1000',
      '4 | jalr zero,0(t0)',
      '-7ffff000 exception 1 1000',
      '8 | csrrs a0,mcause,zero | a0=1',
      'c | blt a0,zero,0x80000018',
      '10 | csrrsi zero,mstatus,8 | mstatus=a00001808',
      '14 interrupt 1 0',
      '8 | csrrs a0,mcause,zero | a0=8000000000000001',
      'c | blt a0,zero,0x80000018',
      '18 | addi zero,zero,0',
    ]);
  });

  test('of a hosted machine ends with the trap that leaves the run', async () => {
    const { bench, lines } = await traced('li a7, 1\necall', {});
    expect(bench.machine.run(100)).toBe(EXIT_TRAP);
    expect(lines).toEqual(['0 | addi a7,zero,1 | a7=1', '4 exception 8 0']);
  });

  test('is the same however the run is cut, and the guest does the same with it', async () => {
    const source =
      '1: addi a0, a0, 3\nandi a1, a0, 7\nbnez a1, 1b\nrdinstret a2\nli t0, 9\nblt a0, t0, 1b\nwfi';
    const whole = await traced(source);
    whole.bench.machine.run(1000);
    const cut = await traced(source);
    for (let budget = 1; cut.bench.machine.run(budget) !== EXIT_WFI; budget = (budget % 4) + 1);
    expect(cut.lines).toEqual(whole.lines);
    const plain = await Bench.of(source, FULL);
    plain.machine.run(1000);
    expect(whole.bench.hart.context).toEqual(plain.hart.context);
    whole.debug.trace(undefined);
    const count = whole.lines.length;
    whole.bench.pc = BigInt(ORIGIN);
    whole.bench.machine.run(10);
    expect(whole.lines).toHaveLength(count);
  });
});
