import { beforeEach, describe, expect, it } from 'vitest';
import { CAUSE_FETCH_PAGE_FAULT, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, EXIT_BUDGET, EXIT_TRAP, PTE_W } from '../../src/index.js'; // prettier-ignore
import { CODE, CODE_FRAME, DATA_FRAME, Sv39Machine, USER_RW, USER_RX } from './sv39-machine.js';

const PAGE = 0x4020_1000n;
const NEXT = PAGE + 0x1000n;

describe('accesses that cross a page', () => {
  let sv39: Sv39Machine;

  beforeEach(async () => {
    sv39 = await Sv39Machine.of('ld a0, 0(a1)\necall\nsd a2, 0(a1)\necall');
    // Frames that do not adjoin, in the wrong order.
    sv39.map(PAGE, DATA_FRAME + 5, USER_RW);
    sv39.map(NEXT, DATA_FRAME, USER_RW);
  });

  it('read both pages', () => {
    for (let bytes = 1n; bytes < 8n; bytes++) {
      sv39.machine.ram.writable(DATA_FRAME + 5).set([1, 2, 3, 4, 5, 6, 7, 8], 4088);
      sv39.machine.ram.writable(DATA_FRAME).set([11, 12, 13, 14, 15, 16, 17, 18], 0);
      sv39.pc = CODE;
      sv39.setX('a1', NEXT - bytes);
      expect(sv39.hart.run(1)).toBe(EXIT_BUDGET);
      const expected = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18]
        .slice(8 - Number(bytes))
        .slice(0, 8);
      expect(sv39.x('a0')).toBe(expected.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
    }
  });

  it('write both pages, and nothing beside', () => {
    sv39.pc = CODE + 8n;
    sv39.setX('a1', NEXT - 3n);
    sv39.setX('a2', 0x8877_6655_4433_2211n);
    expect(sv39.hart.run(1)).toBe(EXIT_BUDGET);
    expect([...sv39.machine.ram.readable(DATA_FRAME + 5).subarray(4092)]).toEqual([0, 0x11, 0x22, 0x33]);
    expect([...sv39.machine.ram.readable(DATA_FRAME).subarray(0, 6)]).toEqual([
      0x44, 0x55, 0x66, 0x77, 0x88, 0,
    ]);
  });

  it('fault on the first page with the address, on the second with its first address, and change nothing', () => {
    sv39.setX('a1', NEXT - 3n);
    sv39.setX('a2', -1n);
    sv39.setX('a0', 5n);
    sv39.map(NEXT, DATA_FRAME, USER_RW & ~PTE_W);
    sv39.pc = CODE + 8n;
    expect([sv39.hart.run(1), sv39.cause, sv39.tval]).toEqual([EXIT_TRAP, CAUSE_STORE_PAGE_FAULT, NEXT]);
    expect(sv39.pc).toBe(CODE + 8n);
    expect([...sv39.machine.ram.readable(DATA_FRAME + 5).subarray(4092)]).toEqual([0, 0, 0, 0]);
    sv39.setEntry(NEXT, 0n);
    sv39.hart.sfenceVma();
    sv39.pc = CODE;
    expect([sv39.hart.run(1), sv39.cause, sv39.tval]).toEqual([EXIT_TRAP, CAUSE_LOAD_PAGE_FAULT, NEXT]);
    expect(sv39.x('a0')).toBe(5n);
    sv39.setEntry(PAGE, 0n);
    sv39.hart.sfenceVma();
    expect([sv39.hart.run(1), sv39.cause, sv39.tval]).toEqual([EXIT_TRAP, CAUSE_LOAD_PAGE_FAULT, NEXT - 3n]);
  });
});

describe('instructions that cross a page', () => {
  let sv39: Sv39Machine;

  beforeEach(async () => {
    // addi a0, a0, 1 lies over the page boundary, in frames that do not adjoin.
    sv39 = await Sv39Machine.of('j target\n.zero 4088\nc.nop\ntarget: addi a0, a0, 1\naddi a1, a1, -1\nbnez a1, target\necall'); // prettier-ignore
    sv39.machine.ram.copy(DATA_FRAME, CODE_FRAME + 1);
    sv39.machine.ram.zero(CODE_FRAME + 1);
  });

  it('run, over and over', () => {
    sv39.map(CODE + 0x1000n, DATA_FRAME, USER_RX);
    sv39.setX('a1', 1000n);
    expect(sv39.hart.run(10_000)).toBe(EXIT_TRAP);
    expect([sv39.x('a0'), sv39.hart.retired]).toEqual([1000n, 3001]);
  });

  it('fault with the second page as tval and their own pc', () => {
    sv39.setX('a1', 1n);
    expect(sv39.hart.run(100)).toBe(EXIT_TRAP);
    expect([sv39.cause, sv39.tval, sv39.pc]).toEqual([CAUSE_FETCH_PAGE_FAULT, CODE + 0x1000n, CODE + 0xffen]);
    expect([sv39.hart.retired, sv39.x('a0')]).toEqual([1, 0n]);
    sv39.map(CODE + 0x1000n, DATA_FRAME, USER_RX);
    expect(sv39.hart.run(100)).toBe(EXIT_TRAP);
    expect(sv39.x('a0')).toBe(1n);
  });

  it('are read anew when the second page changes or is another', () => {
    sv39.map(CODE + 0x1000n, DATA_FRAME, USER_RX);
    sv39.setX('a1', 1n);
    sv39.hart.run(100);
    expect(sv39.x('a0')).toBe(1n);
    // The upper half of `addi a0, a0, 1` becomes that of `addi a0, a0, 2`.
    sv39.machine.ram.copy(DATA_FRAME + 1, DATA_FRAME);
    sv39.machine.ram.writable(DATA_FRAME + 1)[1] = 0x00;
    sv39.machine.ram.writable(DATA_FRAME + 1)[0] = 0x25;
    sv39.map(CODE + 0x1000n, DATA_FRAME + 1, USER_RX);
    sv39.hart.sfenceVma();
    sv39.setX('a1', 1n);
    sv39.pc = CODE;
    sv39.hart.run(100);
    expect(sv39.x('a0')).toBe(3n);
  });
});
