import { describe, expect, test } from 'vitest';
import { EXIT_STOP, Htif } from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import { Bench, ORIGIN } from '../run-program.js';

const TOHOST = ORIGIN + 0x2000;
const FROMHOST = ORIGIN + 0x2040;

async function benchOf(source: string, engine: Engine = 'auto') {
  const bench = await Bench.of(`li s0, ${TOHOST}\nli s1, ${FROMHOST}\n${source}`, {
    mode: 'full-system',
    engine,
  });
  const sent: number[] = [];
  const htif = new Htif(bench.machine, {
    tohost: TOHOST,
    fromhost: FROMHOST,
    transmit: (byte) => sent.push(byte),
  });
  return { bench, htif, text: () => Buffer.from(sent).toString() };
}

describe.each(['interpreter', 'auto', 'translator'] as const)('%s', (engine) => {
  test('a program ends at the instruction that writes tohost', async () => {
    const { bench } = await benchOf('li a0, 85\nsd a0, 0(s0)\naddi a1, a1, 1\nj .', engine);
    expect(bench.machine.run(1_000_000)).toBe(EXIT_STOP);
    expect([bench.machine.exitCode, bench.x('a1')]).toEqual([42, 0n]);
  });

  test('it ends so after that word has been written to again and again', async () => {
    const { bench } = await benchOf(
      `li t0, 40000
    1: sd zero, 8(s0)
      addi t0, t0, -1
      bnez t0, 1b
      li a0, 3
      sd a0, 0(s0)
      addi a1, a1, 1
      j .`,
      engine,
    );
    expect(bench.machine.run(1_000_000)).toBe(EXIT_STOP);
    expect([bench.machine.exitCode, bench.x('a1')]).toEqual([1, 0n]);
  });
});

test('tohost may be in a page of code, which may lose its decoded form', async () => {
  const bench = await Bench.of(
    `la s0, tohost
    li t0, 1000
  1: sd zero, 8(s0)
    addi t0, t0, -1
    bnez t0, 1b
    li a0, 5
    sd a0, 0(s0)
    addi a1, a1, 1
    j .
    .balign 8
  tohost: .dword 0, 0`,
    { mode: 'full-system' },
  );
  new Htif(bench.machine, { tohost: Number(bench.symbol('tohost')) });
  expect(bench.machine.run(100_000)).toBe(EXIT_STOP);
  expect([bench.machine.exitCode, bench.x('a1')]).toEqual([2, 0n]);
});

test('a store of the low half alone is enough to end', async () => {
  const { bench } = await benchOf('li t0, 7\nsw t0, 0(s0)\naddi a1, a1, 1\nj .');
  expect(bench.machine.run(1000)).toBe(EXIT_STOP);
  expect([bench.machine.exitCode, bench.x('a1')]).toEqual([3, 0n]);
});

describe('system calls', () => {
  const call = (number: number, a0: number, a1: string, a2: number): string => `
    la t0, arguments
    li t1, ${number}
    sd t1, 0(t0)
    li t1, ${a0}
    sd t1, 8(t0)
    la t1, ${a1}
    sd t1, 16(t0)
    li t1, ${a2}
    sd t1, 24(t0)
    sd t0, 0(s0)
    ld a0, 0(t0)
    ld a1, 0(s1)
    ld a2, 0(s0)
    wfi
    .balign 64
    arguments: .zero 64
    text: .ascii "hello"`;

  test('write sends bytes and answers how many', async () => {
    const { bench, text } = await benchOf(call(64, 1, 'text', 5));
    bench.machine.run(1000);
    expect([text(), bench.x('a0'), bench.x('a1'), bench.x('a2')]).toEqual(['hello', 5n, 1n, 0n]);
  });

  test.each([
    [64, 3, 'text', 5, -9n],
    [64, 1, '0x1000', 5, -14n],
    [1000, 0, 'text', 0, -38n],
  ])('call %i of %i, %s, %i gives %i', async (number, a0, a1, a2, result) => {
    const source = call(number, a0, a1, a2).replace(
      `la t1, ${a1}`,
      a1 === 'text' ? 'la t1, text' : `li t1, ${a1}`,
    );
    const { bench, text } = await benchOf(source);
    bench.machine.run(1000);
    expect([text(), BigInt.asIntN(64, bench.x('a0'))]).toEqual(['', result]);
  });

  test("exit ends the run; arguments outside RAM are nobody's", async () => {
    const { bench } = await benchOf(call(93, 6, 'text', 0));
    expect([bench.machine.run(1000), bench.machine.exitCode]).toEqual([EXIT_STOP, 6]);
    const outside = await benchOf('li t0, 0x1000\nsd t0, 0(s0)\nld a0, 0(s0)\nwfi');
    outside.bench.machine.run(1000);
    expect(outside.bench.x('a0')).toBe(0n);
  });
});

test('the console answers when it is asked, one character at a time', async () => {
  const { bench, htif } = await benchOf(`
    li t0, 1
    slli t0, t0, 56
    sd t0, 0(s0)
    sd t0, 0(s0)
    ld a0, 0(s1)
    sd zero, 0(s1)
    ld a1, 0(s1)
    sd zero, 0(s1)
    ld a2, 0(s1)
    wfi`);
  expect(htif.receive(Uint8Array.of(7, 8, 9))).toBe(3);
  bench.machine.run(1000);
  // Two were asked for while the first answer stood there: the second comes when it has been taken.
  expect([bench.x('a0') & 0xffn, bench.x('a1') & 0xffn, bench.x('a2')]).toEqual([7n, 8n, 0n]);
  expect(htif.receive(new Uint8Array(5000))).toBe(4096 - 1);
  expect(htif.room).toBe(0);
});

test('words outside RAM are misuse', async () => {
  const { bench } = await benchOf('wfi');
  expect(() => new Htif(bench.machine, { tohost: 0x1000 })).toThrow(RangeError);
});
