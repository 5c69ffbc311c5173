import { describe, expect, test } from 'vitest';
import { Debugger, EXIT_RESET, readRegister, TestFinisher, writeRegister } from '../../../src/index.js';
import type { Device } from '../../../src/index.js';
import { Bench, ORIGIN } from '../../run-program.js';
import { Client, hex, register } from './gdb-client.js';

const FINISHER = 0x10_0000;
/** Counts in a register and in memory, then asks for a reset. */
const SOURCE = `
  first: la s0, count
    ld a1, 0(s0)
    addi a1, a1, 1
    sd a1, 0(s0)
    addi a0, a0, 1
    li t0, ${FINISHER}
    li t1, 0x7777
  ask: sw t1, 0(t0)
    j .
    .balign 8
  count: .dword 0`;

/** A machine with a client who can have it reset, and how often the program was loaded again. */
async function resettable(devices: readonly Device[] = []) {
  const bench = await Bench.of(SOURCE, { mode: 'full-system', devices: [new TestFinisher(), ...devices] });
  const image = bench.machine.ram.readable(0).slice();
  let resets = 0;
  const reset = (): void => {
    bench.machine.reset();
    bench.machine.ram.writable(0).set(image);
    bench.pc = BigInt(ORIGIN);
    resets++;
  };
  const debug = await Debugger.attach(bench.machine);
  const client = new Client(debug, reset);
  const said = (command: string): string =>
    Buffer.from(client.ask(`qRcmd,${hex(command)}`), 'hex').toString();
  return {
    bench,
    debug,
    client,
    reset,
    said,
    resets: () => resets,
    at: (name: string) => bench.symbol(name).toString(16),
  };
}

describe('monitor reset', () => {
  test('makes everything as it was, and leaves the client stopped with its breakpoints', async () => {
    const { bench, client, said, at, resets } = await resettable();
    client.ask(`Z0,${at('ask')},4`);
    for (let time = 0; time < 3; time++) {
      expect(client.resume('vCont;c')).toBe('T05thread:1;swbreak:;');
      expect([readRegister(bench.hart, 'a0'), bench.read(Number(bench.symbol('count')))]).toEqual([1n, 1n]);
      expect(said('reset')).toMatch(/^the machine was reset; /);
      expect([client.session.state, resets()]).toEqual(['stopped', time + 1]);
      expect([client.ask('p20'), client.ask('pa')]).toEqual([register(BigInt(ORIGIN)), register(0n)]);
      expect(client.ask(`m${at('count')},1`)).toBe('00');
    }
  });

  test('stops at a breakpoint at the first instruction, which has just been passed', async () => {
    const { client, said, at } = await resettable();
    client.ask(`Z0,${at('first')},4`);
    for (let time = 0; time < 2; time++) {
      expect(client.resume('vCont;c')).toBe('T05thread:1;swbreak:;');
      said('reset');
    }
  });

  test('is refused without somebody who loads the program, with a device that cannot be reset, and with anything after it', async () => {
    const { said } = await resettable([
      { name: 'gadget', base: 0x2000_0000, bytes: 8, load: () => 0, store: () => undefined },
    ]);
    expect(said('reset')).toBe('monitor reset: the device gadget can be neither saved nor restored\n');
    expect(said('reset now')).toBe('monitor reset: nothing is expected after it\n');
    const bench = await Bench.of(SOURCE, { mode: 'full-system' });
    const client = new Client(await Debugger.attach(bench.machine));
    const answer = Buffer.from(client.ask(`qRcmd,${hex('reset')}`), 'hex').toString();
    expect(answer).toBe('monitor reset: this machine has nobody who loads its program again\n');
    expect(Buffer.from(client.ask(`qRcmd,${hex('help')}`), 'hex').toString()).toContain('monitor reset');
  });
});

describe('a reset that the guest asks for', () => {
  test('goes on to the next breakpoint, without the client hearing of it', async () => {
    const { bench, client, reset, at } = await resettable();
    client.ask(`Z0,${at('first')},4`);
    expect(client.resume('vCont;c')).toBe('T05thread:1;swbreak:;');
    expect(client.resume('vCont;c')).toBe('runs');
    expect([client.session.state, bench.machine.run(1)]).toEqual(['running', EXIT_RESET]);
    reset();
    client.session.run(1000);
    expect(client.heard().map((reply) => reply.slice(0, 3))).toEqual(['T05']);
    expect(client.ask('p20')).toBe(register(BigInt(ORIGIN)));
  });

  test.each(['vCont;s:1', 'vCont;r80000000,80000100:1'])(
    'ends a step (%s) where the program begins',
    async (step) => {
      const { bench, client, reset, at } = await resettable();
      client.ask(`Z0,${at('ask')},4`);
      client.resume('vCont;c');
      expect(client.resume(step)).toBe('runs');
      reset();
      client.session.run(1000);
      expect([client.session.state, client.session.retired, bench.pc]).toEqual([
        'stopped',
        0,
        BigInt(ORIGIN),
      ]);
      expect(client.heard().map((reply) => reply.slice(0, 3))).toEqual(['T05']);
      expect(client.resume('vCont;s:1')).toBe('T05thread:1;');
      expect(bench.pc).toBe(BigInt(ORIGIN + 4));
    },
  );

  test('may end the program instead', async () => {
    const { client } = await resettable();
    expect(client.resume('vCont;c')).toBe('runs');
    client.session.end(123);
    expect([client.heard(), client.session.state]).toEqual([['W7b'], 'ended']);
  });
});

test('a floating-point register that a client writes is dirty', async () => {
  const { bench, client } = await resettable();
  writeRegister(bench.hart, 'mstatus', 0x2000n);
  expect(client.ask(`P${(33 + 10).toString(16)}=${register(0x4000_0000_0000_0000n)}`)).toBe('OK');
  expect(readRegister(bench.hart, 'mstatus')).toBe((1n << 63n) | 0xa_0000_6000n);
});
