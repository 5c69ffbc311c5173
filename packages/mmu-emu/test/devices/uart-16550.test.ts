import { describe, expect, test } from 'vitest';
import { Uart16550, UART_BASE } from '../../src/devices/index.js';

const [DATA, IER, FCR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const DATA_READY = 1;
const OVERRUN = 2;

function makeUart(receiveBytes?: number) {
  const sent: number[] = [];
  const transmit = (byte: number) => sent.push(byte);
  const uart = new Uart16550(receiveBytes === undefined ? { transmit } : { transmit, receiveBytes });
  return {
    sent,
    uart,
    read: (register: number) => uart.load(register, 1),
    write: (register: number, value: number) => uart.store(register, 1, BigInt(value)),
  };
}

describe('sending', () => {
  test('hands each byte over at once, the transmitter always being empty', () => {
    const { sent, read, write } = makeUart();
    expect(read(LSR)).toBe(0x60);
    for (const byte of [0x68, 0x69, 0xff]) write(DATA, byte);
    expect(sent).toEqual([0x68, 0x69, 0xff]);
    expect(read(LSR)).toBe(0x60);
  });

  test('takes the low byte of a wider write', () => {
    const { sent, uart } = makeUart();
    uart.store(DATA, 4, 0x1234_5641n);
    expect(sent).toEqual([0x41]);
  });
});

describe('receiving', () => {
  test('gives bytes in order, and the line status says whether there is one', () => {
    const { uart, read } = makeUart();
    expect(uart.receive(Uint8Array.of(1, 2))).toBe(2);
    expect(read(LSR) & DATA_READY).toBe(DATA_READY);
    expect([read(DATA), read(DATA)]).toEqual([1, 2]);
    expect(read(LSR) & DATA_READY).toBe(0);
    expect(read(DATA)).toBe(0);
  });

  test('takes no more than there is room for, also around the end of the queue', () => {
    const { uart, read } = makeUart(3);
    expect(uart.receive(Uint8Array.of(1, 2))).toBe(2);
    expect(read(DATA)).toBe(1);
    expect(uart.room).toBe(2);
    expect(uart.receive(Uint8Array.of(3, 4, 5))).toBe(2);
    expect([read(DATA), read(DATA), read(DATA)]).toEqual([2, 3, 4]);
    expect(uart.room).toBe(3);
  });

  test('is emptied by the FIFO control register', () => {
    const { uart, read, write } = makeUart();
    uart.receive(Uint8Array.of(1, 2));
    write(FCR, 0x03);
    expect(read(LSR) & DATA_READY).toBe(0);
  });

  test('a queue without room is misuse', () => {
    expect(() => makeUart(0)).toThrow(RangeError);
  });
});

describe('registers', () => {
  test('the divisor latch hides data and interrupt enable', () => {
    const { sent, read, write } = makeUart();
    write(IER, 0xff);
    write(LCR, 0x83);
    write(DATA, 0x34);
    write(IER, 0x12);
    expect([read(DATA), read(IER)]).toEqual([0x34, 0x12]);
    write(LCR, 0x03);
    expect([read(DATA), read(IER), read(LCR)]).toEqual([0, 0x0f, 0x03]);
    expect(sent).toEqual([]);
  });

  test('no interrupt is pending at first; the FIFO bits follow the FIFO control register', () => {
    const { read, write } = makeUart();
    expect(read(FCR)).toBe(0x01);
    write(FCR, 0x01);
    expect(read(FCR)).toBe(0xc1);
  });

  test('scratch keeps its byte, reserved modem bits do not stay', () => {
    const { read, write } = makeUart();
    write(SCR, 0xa5);
    write(MCR, 0xe3);
    expect([read(SCR), read(MCR)]).toEqual([0xa5, 0x03]);
  });

  test('the other side is ready', () => {
    expect(makeUart().read(MSR)).toBe(0xb0);
  });

  test('beyond the eight registers there is nothing', () => {
    const { sent, read, write } = makeUart();
    write(8, 0x55);
    expect(read(8)).toBe(0);
    expect(sent).toEqual([]);
  });
});

describe('loopback', () => {
  test('returns what is sent, reports what does not fit, and sends nothing', () => {
    const { sent, read, write } = makeUart(1);
    write(MCR, 0x10);
    write(DATA, 7);
    write(DATA, 8);
    expect(read(LSR)).toBe(0x60 | DATA_READY | OVERRUN);
    expect(read(LSR)).toBe(0x60 | DATA_READY);
    expect(read(DATA)).toBe(7);
    expect(sent).toEqual([]);
  });

  test.each([
    [0x01, 0x20],
    [0x02, 0x10],
    [0x04, 0x40],
    [0x08, 0x80],
  ])('returns modem output %i as input %i', (output, input) => {
    const { read, write } = makeUart();
    write(MCR, 0x10 | output);
    read(MSR);
    expect(read(MSR)).toBe(input);
  });
});

describe('interrupts', () => {
  function interrupting() {
    const levels: boolean[] = [];
    const uart = new Uart16550({
      transmit: () => undefined,
      interrupt: (level) => levels.push(level),
      receiveBytes: 4,
    });
    const read = (register: number) => uart.load(register, 1);
    const write = (register: number, value: number) => uart.store(register, 1, BigInt(value));
    return { uart, levels, read, write };
  }

  test('received bytes interrupt until they are read; below the trigger level as a timeout', () => {
    const { uart, levels, read, write } = interrupting();
    uart.receive(Uint8Array.of(1));
    expect(levels).toEqual([]);
    write(IER, 0x01);
    expect([levels, read(FCR)]).toEqual([[true], 0x04]);
    write(FCR, 0x41);
    expect(read(FCR)).toBe(0xcc);
    uart.receive(Uint8Array.of(2, 3, 4));
    expect(read(FCR)).toBe(0xc4);
    for (let i = 0; i < 4; i++) read(DATA);
    expect([levels, read(FCR)]).toEqual([[true, false], 0xc1]);
  });

  test('the empty transmitter interrupts when enabled and after each byte, until it is identified', () => {
    const { levels, read, write } = interrupting();
    write(IER, 0x02);
    expect(levels).toEqual([true]);
    expect([read(FCR), read(FCR)]).toEqual([0x02, 0x01]);
    expect(levels).toEqual([true, false]);
    write(IER, 0x02);
    expect(levels).toEqual([true, false]);
    write(DATA, 65);
    expect([read(FCR), read(FCR)]).toEqual([0x02, 0x01]);
    expect(levels).toEqual([true, false, true, false]);
  });

  test('an overrun interrupts first of all, until the line status is read', () => {
    const { uart, read, write } = interrupting();
    write(IER, 0x0f);
    write(MCR, 0x10);
    for (let i = 0; i < 5; i++) write(DATA, i);
    expect(uart.room).toBe(0);
    expect(read(FCR)).toBe(0x06);
    read(LSR);
    expect(read(FCR)).toBe(0x04);
  });

  test('changed modem inputs interrupt until the modem status is read', () => {
    const { levels, read, write } = interrupting();
    write(IER, 0x08);
    write(MCR, 0x10);
    expect([levels, read(FCR)]).toEqual([[true], 0x00]);
    expect(read(MSR)).toBe(0x0b);
    expect([levels, read(FCR)]).toEqual([[true, false], 0x01]);
    write(MCR, 0x14);
    // The ring indicator reports its end only.
    expect([read(FCR), read(MSR)]).toEqual([0x01, 0x40]);
    write(MCR, 0x10);
    expect([read(FCR), read(MSR)]).toEqual([0x00, 0x04]);
  });
});

test('it lies where QEMU has it unless told otherwise', () => {
  expect(makeUart().uart.base).toBe(UART_BASE);
  expect(new Uart16550({ transmit: () => undefined, base: 0x1000 }).base).toBe(0x1000);
});
