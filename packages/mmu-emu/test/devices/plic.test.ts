import { describe, expect, test } from 'vitest';
import { EXIT_WFI, Plic, PLIC_BASE, PLIC_SOURCES, Uart16550, UART_BASE } from '../../src/index.js';
import type { DeviceHost } from '../../src/index.js';
import type { GuestMemory } from '../../src/index.js';
import { Bench } from '../run-program.js';

const [MEIP, SEIP] = [1 << 11, 1 << 9];

/** A controller for `harts` harts, of which mip is visible. */
function makePlic(harts = 1) {
  const mip = new Array<number>(harts).fill(0);
  const plic = new Plic();
  const unused = (): never => {
    throw new Error('not used by a PLIC');
  };
  const host: DeviceHost = {
    hartCount: harts,
    memory: undefined as unknown as GuestMemory,
    now: unused,
    ticks: unused,
    setTicks: unused,
    timeOfTick: unused,
    timer: unused,
    stop: unused,
    requestReset: unused,
    setInterrupts: (hart, mask, pending) => {
      mip[hart] = pending ? mip[hart] | mask : mip[hart] & ~mask;
    },
  };
  plic.attach(host);
  const read = (offset: number) => plic.load(offset, 4);
  const write = (offset: number, value: number) => plic.store(offset, 4, BigInt(value >>> 0));
  return {
    plic,
    mip,
    read,
    write,
    priority: (source: number, value: number) => write(4 * source, value),
    enable: (context: number, word: number, bits: number) => write(0x2000 + 0x80 * context + 4 * word, bits),
    threshold: (context: number, value: number) => write(0x20_0000 + 0x1000 * context, value),
    claim: (context: number) => read(0x20_0004 + 0x1000 * context),
    complete: (context: number, source: number) => write(0x20_0004 + 0x1000 * context, source),
  };
}

describe('an interrupt', () => {
  test('is seen by contexts that have it enabled, with a priority above their threshold', () => {
    const p = makePlic(2);
    p.plic.line(5)(true);
    expect(p.mip).toEqual([0, 0]);
    expect(p.read(0x1000)).toBe(1 << 5);
    p.priority(5, 3);
    p.enable(0, 0, 1 << 5);
    p.enable(3, 0, 1 << 5);
    expect(p.mip).toEqual([MEIP, SEIP]);
    p.threshold(3, 3);
    expect(p.mip).toEqual([MEIP, 0]);
    p.threshold(3, 2);
    expect(p.mip).toEqual([MEIP, SEIP]);
    p.priority(5, 0);
    expect(p.mip).toEqual([0, 0]);
  });

  test('is claimed once, in order of priority, and of number among equals', () => {
    const p = makePlic();
    for (const source of [3, 40, 41, 95]) {
      p.priority(source, source === 41 ? 7 : 2);
      p.plic.line(source)(true);
    }
    for (const word of [0, 1, 2]) p.enable(1, word, 0xffff_ffff);
    expect([1, 2, 3, 4, 5].map(() => p.claim(1))).toEqual([41, 3, 40, 95, 0]);
    expect(p.mip).toEqual([0]);
    expect(p.claim(0)).toBe(0);
  });

  test('is pending again after completion while its line is raised, not after it was lowered', () => {
    const p = makePlic();
    const line = p.plic.line(10);
    p.priority(10, 1);
    p.enable(0, 0, 1 << 10);
    line(true);
    expect(p.claim(0)).toBe(10);
    line(false);
    line(true);
    expect([p.claim(0), p.mip[0]]).toEqual([0, 0]);
    p.complete(0, 10);
    expect(p.mip[0]).toBe(MEIP);
    expect(p.claim(0)).toBe(10);
    line(false);
    p.complete(0, 10);
    expect([p.claim(0), p.mip[0]]).toEqual([0, 0]);
  });

  test('goes away when its line is lowered before anybody claims it', () => {
    const p = makePlic();
    p.priority(1, 1);
    p.enable(0, 0, 2);
    const line = p.plic.line(1);
    line(true);
    expect(p.mip[0]).toBe(MEIP);
    line(false);
    expect([p.mip[0], p.claim(0)]).toEqual([0, 0]);
  });

  test('is not completed by a context that has it not enabled', () => {
    const p = makePlic();
    p.priority(1, 1);
    p.enable(0, 0, 2);
    p.plic.line(1)(true);
    p.claim(0);
    p.complete(1, 1);
    expect(p.claim(0)).toBe(0);
    p.complete(0, 0xffff_ffff);
    p.complete(0, 1);
    expect(p.claim(0)).toBe(1);
  });

  test('the threshold does not keep it from being claimed', () => {
    const p = makePlic();
    p.priority(1, 1);
    p.enable(0, 0, 2);
    p.threshold(0, 7);
    p.plic.line(1)(true);
    expect([p.mip[0], p.claim(0)]).toEqual([0, 1]);
  });
});

describe('registers', () => {
  test('have the bits that exist', () => {
    const p = makePlic();
    p.priority(0, 7);
    p.priority(1, 0xffff_ffff);
    p.priority(PLIC_SOURCES + 1, 7);
    expect([p.read(0), p.read(4), p.read(4 * (PLIC_SOURCES + 1))]).toEqual([0, 7, 0]);
    p.enable(0, 0, 0xffff_ffff);
    p.enable(0, 3, 0xffff_ffff);
    p.enable(2, 0, 0xffff_ffff);
    expect([p.read(0x2000), p.read(0x200c), p.read(0x2100)]).toEqual([0xffff_fffe, 0, 0]);
    p.threshold(0, 0xffff_ffff);
    p.threshold(2, 1);
    expect([p.read(0x20_0000), p.read(0x20_2000), p.read(0x20_0008)]).toEqual([7, 0, 0]);
    p.write(0x1000, 0xffff_ffff);
    expect(p.read(0x1000)).toBe(0);
    expect(p.plic.load(4, 1)).toBe(0);
    p.plic.store(4, 2, 1n);
    expect(p.read(4)).toBe(7);
  });

  test('a source that is not there is misuse', () => {
    for (const source of [0, PLIC_SOURCES + 1, 1.5])
      expect(() => new Plic().line(source)).toThrow(RangeError);
  });
});

test('a program echoes what the serial port receives, by interrupts', async () => {
  const plic = new Plic();
  const sent: number[] = [];
  const uart = new Uart16550({ transmit: (byte) => sent.push(byte), interrupt: plic.line(10) });
  const bench = await Bench.of(
    `la t0, handler
    csrw mtvec, t0
    li s0, ${UART_BASE}
    li s1, ${PLIC_BASE}
    li t0, 1
    sw t0, 40(s1)
    li t0, 1024
    li t1, ${PLIC_BASE + 0x2000}
    sw t0, 0(t1)
    li s2, ${PLIC_BASE + 0x20_0000}
    sw zero, 0(s2)
    li t0, 1
    sb t0, 1(s0)
    li t0, 0x800
    csrw mie, t0
    csrsi mstatus, 8
  1: wfi
    addi s5, s5, 1
    j 1b
    .balign 4
  handler:
    csrr s3, mcause
    lw s4, 4(s2)
    lbu a1, 2(s0)
    lbu a0, 0(s0)
    sb a0, 0(s0)
    sw s4, 4(s2)
    mret`,
    { mode: 'full-system', devices: [uart, plic] },
  );
  expect(bench.machine.run(10_000)).toBe(EXIT_WFI);
  expect(bench.x('s5')).toBe(0n);
  expect(uart.receive(Uint8Array.of(1, 2, 3))).toBe(3);
  expect(bench.machine.run(10_000)).toBe(EXIT_WFI);
  expect(sent).toEqual([1, 2, 3]);
  expect([bench.x('s3'), bench.x('s4'), bench.x('a1')]).toEqual([(1n << 63n) | 11n, 10n, 4n]);
  expect(bench.x('s5')).toBe(1n);
});
