import { describe, expect, test } from 'vitest';
import { assemble, AssemblerError, csrByName, csrName, disassemble } from '../../src/assembler/index.js';
import type { AssembleOptions } from '../../src/assembler/index.js';

const bytesOf = (source: string, options?: AssembleOptions): number[] => [...assemble(source, options).bytes];

/** The instructions of a source, as text. */
function listing(source: string, options: AssembleOptions = {}): string[] {
  const { bytes, origin } = assemble(source, options);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const word = [3, 2, 1, 0].reduce((bits, index) => bits * 256 + (bytes[at + index] ?? 0), 0);
    const { text, length } = disassemble(word, origin + at);
    lines.push(text);
    at += length;
  }
  return lines;
}

function errorOf(source: string, options?: AssembleOptions): string {
  try {
    assemble(source, options);
  } catch (error) {
    if (error instanceof AssemblerError) return `${error.code} ${error.line}:${error.column}`;
    throw error;
  }
  return 'no error';
}

describe('labels', () => {
  test('are addresses from the origin on', () => {
    const { symbols, origin } = assemble('start: nop\nnop\nend:', { origin: 0x8000_0000 });
    expect(Object.fromEntries(symbols)).toEqual({ start: 0x8000_0000, end: 0x8000_0008 });
    expect(origin).toBe(0x8000_0000);
  });

  test('may be used before they are defined, also by data and by symbols', () => {
    expect(
      bytesOf('.byte end - start, VALUE\nstart: .zero 3\nend:\n.equ VALUE, later\n.equ later, 9'),
    ).toEqual([3, 9, 0, 0, 0]);
  });

  test('of digits are the nearest in the direction asked for', () => {
    expect(listing('1: nop\n1: beq a0, a1, 1b\nbeq a0, a1, 1f\n1: nop\n1: nop')).toEqual([
      'addi zero,zero,0',
      'beq a0,a1,0x4',
      'beq a0,a1,0xc',
      'addi zero,zero,0',
      'addi zero,zero,0',
    ]);
  });

  test('may stand several on a line, before a statement or alone', () => {
    expect(Object.fromEntries(assemble('a: b: 1: nop; c:\n').symbols)).toEqual({ a: 0, b: 0, c: 4 });
  });
});

describe('symbols given by the caller', () => {
  test('are there, exact to 64 bits', () => {
    expect(bytesOf('.dword WIDE, NARROW', { symbols: { WIDE: 2n ** 64n - 1n, NARROW: 2 } })).toEqual([
      ...Array<number>(8).fill(255),
      2,
      ...Array<number>(7).fill(0),
    ]);
  });

  test('come back with the others when a number holds them', () => {
    const { symbols } = assemble('', { symbols: { WIDE: 2n ** 60n, NARROW: 5 } });
    expect(Object.fromEntries(symbols)).toEqual({ NARROW: 5 });
  });
});

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 4 - 3', 3],
    ['1 << 4 | 3', 19],
    ['1 + 2 | 4', 7],
    ['0xff & ~0x0f', 0xf0],
    ['0b101 ^ 0b001', 4],
    ['-7 / 2 + 10', 7],
    ['7 % 4', 3],
    ['0x80 >> 3', 16],
    ["'A' + 1", 66],
    ["'\\n'", 10],
    ['017', 15],
    ['- - 5', 5],
    ['+5', 5],
  ])('%s is %i', (text, value) => {
    expect(bytesOf(`.byte ${text}`)).toEqual([value]);
  });

  test('the dot is the address of the statement', () => {
    expect(bytesOf('nop\n.byte ., . - 1', { origin: 4 }).slice(4)).toEqual([8, 8]);
  });
});

describe('directives', () => {
  test('.org goes to an offset or to an address', () => {
    expect(bytesOf('.byte 1\n.org 3\n.byte 2')).toEqual([1, 0, 0, 2]);
    expect(bytesOf('start: .byte 1\n.org start + 3\n.byte 2', { origin: 100 })).toEqual([1, 0, 0, 2]);
  });

  test('.align counts in powers, .balign in bytes, both by address', () => {
    const { symbols } = assemble('.byte 0\n.align 3\na: .byte 0\n.balign 8, 1\nb:', { origin: 0x1002 });
    expect(Object.fromEntries(symbols)).toEqual({ a: 0x1008, b: 0x1010 });
  });

  test('alignment between instructions is made of nops', () => {
    expect(listing('c.nop\n.balign 8')).toEqual(['c.nop', 'c.nop', 'addi zero,zero,0']);
  });

  test('those about linking are ignored', () => {
    expect(bytesOf('.globl x\n.section .text, "ax"\n.type x, @function\n.size x, . - x\nx: .byte 1')).toEqual(
      [1],
    );
  });

  test('strings know escapes and UTF-8', () => {
    expect(bytesOf('.ascii "a\\0\\x7f\\101é€😀"')).toEqual([
      97,
      0,
      127,
      65,
      ...new TextEncoder().encode('é€😀'),
    ]);
  });
});

describe('compression', () => {
  test('is chosen by option and leaves what does not fit', () => {
    expect(listing('addi a0, a0, 1\naddi a0, a1, 1\nlw a0, 4(a1)', { compress: true })).toEqual([
      'c.addi a0,1',
      'addi a0,a1,1',
      'c.lw a0,4(a1)',
    ]);
  });

  test('of a jump depends on how far it goes', () => {
    const far = (count: number) =>
      assemble(`j end\n.zero ${count}\nend:`, { compress: true }).bytes.length - count;
    expect([far(2044), far(2046)]).toEqual([2, 4]);
  });

  test('of a chain of jumps, each just in reach of the next, comes to an end', () => {
    const source = Array.from({ length: 200 }, (_, i) => `l${i}: beqz a0, l${Math.min(i + 120, 199)}`).join(
      '\n',
    );
    const long = assemble(source);
    const short = assemble(source, { compress: true });
    expect(short.bytes.length).toBeLessThan(long.bytes.length);
    expect(short.symbols.get('l199')).toBe(short.bytes.length - 2);
  });

  test('can be asked for and refused by explicit names', () => {
    expect(listing('c.li a0, 3\n.option rvc\nli a0, 3\n.option norvc\nli a0, 3')).toEqual([
      'c.li a0,3',
      'c.li a0,3',
      'addi a0,zero,3',
    ]);
  });
});

describe('errors', () => {
  test.each([
    ['nop\n  frob a0', 'unknown-instruction 2:3'],
    ['.frob', 'unknown-instruction 1:1'],
    ['add a0, a1', 'bad-operand 1:1'],
    ['add a0, a1, a2, a3', 'bad-operand 1:1'],
    ['add a0, fa1, a2', 'bad-operand 1:1'],
    ['lw a0, a1', 'bad-operand 1:1'],
    ['li a0', 'bad-operand 1:1'],
    ['mv a0, 5', 'bad-operand 1:1'],
    ['nop a0', 'bad-operand 1:1'],
    ['lr.w a0, 4(a1)', 'bad-operand 1:10'],
    ['c.lw t0, 0(a0)', 'bad-operand 1:6'],
    ['c.addi16sp a0, 16', 'bad-operand 1:12'],
    ['lw a0, 0(fa0)', 'bad-operand 1:10'],
    ['c.lwsp zero, 0(sp)', 'bad-operand 1:1'],
    ['addi a0, a0, 2048', 'out-of-range 1:14'],
    ['addi a0, a0, -2049', 'out-of-range 1:14'],
    ['slli a0, a0, 64', 'out-of-range 1:14'],
    ['slliw a0, a0, 32', 'out-of-range 1:15'],
    ['lui a0, 0x100000', 'out-of-range 1:9'],
    ['lui a0, -1', 'out-of-range 1:9'],
    ['sd a0, 2048(sp)', 'out-of-range 1:8'],
    ['csrrwi a0, mtvec, 32', 'out-of-range 1:19'],
    ['csrr a0, 0x1000', 'out-of-range 1:10'],
    ['c.lw a0, 2(a0)', 'out-of-range 1:10'],
    ['beq a0, a1, . + 4096', 'out-of-range 1:15'],
    ['beq a0, a1, . + 3', 'out-of-range 1:15'],
    ['jal . + 0x100000', 'out-of-range 1:7'],
    ['li a0, 1 << 64', 'out-of-range 1:10'],
    ['li a0, 0x10000000000000000', 'out-of-range 1:8'],
    ['.byte 256', 'out-of-range 1:7'],
    ['.word -0x80000001', 'out-of-range 1:7'],
    ['.byte 1 / 0', 'out-of-range 1:9'],
    ['.balign 3', 'out-of-range 1:9'],
    ['.zero -1', 'out-of-range 1:7'],
    ['nop\n.org 2', 'out-of-range 2:6'],
    ['la a0, far', 'out-of-range 1:8'],
    ['j nowhere', 'unknown-symbol 1:3'],
    ['j 1f', 'unknown-symbol 1:3'],
    ['1: j 2b', 'unknown-symbol 1:6'],
    ['addi a0, a0, %pcrel_lo(0x100)', 'unknown-symbol 1:14'],
    ['a:\na:', 'duplicate-symbol 2:1'],
    ['.equ a, 1\na:', 'duplicate-symbol 2:1'],
    ['.equiv a, 1\n.equiv a, 2', 'duplicate-symbol 2:1'],
    ['.zero 0x10000000', 'too-large 1:7'],
    ['.zero 0x3ffffff\n.dword 1', 'too-large 2:1'],
    ['addi a0 a1, 1', 'syntax 1:9'],
    ['addi a0, a1,', 'syntax 1:13'],
    ['addi a0, a1, (1', 'syntax 1:16'],
    ['lw a0, 4(5)', 'syntax 1:10'],
    ['.byte 12ab', 'syntax 1:9'],
    ['.byte 09', 'syntax 1:9'],
    ['.byte "x"', 'syntax 1:7'],
    ['.ascii "x', 'syntax 1:10'],
    ['.ascii "\\q"', 'syntax 1:9'],
    ['.ascii 5', 'syntax 1:8'],
    [".byte 'ab'", 'syntax 1:9'],
    [".byte ''", 'syntax 1:8'],
    [".byte 'é'", 'syntax 1:10'],
    ['.byte @', 'syntax 1:7'],
    ['.byte %frob(1)', 'syntax 1:7'],
    ['5', 'syntax 1:1'],
    ['.option frob', 'syntax 1:1'],
    ['.set x', 'syntax 1:7'],
    ['0x10: nop', 'syntax 1:1'],
    [`.byte ${'('.repeat(500)}`, 'syntax 1:208'],
    ['a: .zero b - a\n.zero a + 1\nb: .equ c, b', 'syntax 1:1'],
  ])('%j: %s', (source, error) => {
    expect(errorOf(source, { symbols: { far: 2 ** 40 } })).toBe(error);
  });

  test('say what is possible instead', () => {
    expect(() => assemble('addi a0, a0, 5000')).toThrow(
      '5000 does not fit; a value from -2048 to 2047 is possible here',
    );
    expect(() => assemble('add a0, a1')).toThrow('add is written "add rd, rs1, rs2"');
    expect(() => assemble('beq a0, a1, 0x2000')).toThrow('the target is 8192 bytes away');
    expect(() => assemble('addi a0 a1')).toThrow('the end of the statement is expected, not a1');
  });

  test('an origin that is no address is misuse', () => {
    expect(() => assemble('', { origin: -1 })).toThrow(RangeError);
    expect(() => assemble('', { origin: 0.5 })).toThrow(RangeError);
  });
});

describe('names of control and status registers', () => {
  test.each([
    ['mstatus', 0x300],
    ['satp', 0x180],
    ['pmpcfg2', 0x3a2],
    ['pmpaddr63', 0x3ef],
    ['hpmcounter31', 0xc1f],
    ['mhpmevent3', 0x323],
  ])('%s is %i', (name, number) => {
    expect(csrByName(name)).toBe(number);
    expect(csrName(number)).toBe(name);
  });

  test('there is no pmpcfg1 with 64 bits, and unknown numbers stay numbers', () => {
    expect(csrByName('pmpcfg1')).toBeUndefined();
    expect(csrName(0x3a1)).toBe('0x3a1');
  });
});

describe('constants of fli', () => {
  const number = (text: string): number => {
    const { bytes } = assemble(`fli.d fa0, ${text}`);
    return (new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) >>> 15) & 31;
  };

  test.each([
    ['-1.0', 0],
    ['-1', 0],
    ['min', 1],
    ['0x1p-16', 2],
    ['1.52587890625e-05', 2],
    ['0.0078125', 5],
    ['0x1.4p-2', 9],
    ['0.3125', 9],
    ['0.5', 12],
    ['1', 16],
    ['1.', 16],
    ['0x1p0', 16],
    ['2.5', 21],
    ['65536', 29],
    ['6.5536e4', 29],
    ['inf', 30],
    ['nan', 31],
  ])('%s', (text, expected) => {
    expect(number(text)).toBe(expected);
  });

  test.each(['0.1', '-2', '0', 'most', '-inf', '1 + 1'])('there is none like %s', (text) => {
    expect(() => number(text)).toThrow('fli has no such constant');
  });

  test('numbers with a point stand nowhere else', () => {
    expect(() => assemble('li a0, 1.5')).toThrow('a whole number is expected');
  });
});

describe('floating-point operands', () => {
  test.each([
    ['fadd.d a0, fa1, fa2', 'fadd.d is written'],
    ['fadd.d fa0, fa1', 'fadd.d is written'],
    ['fadd.d fa0, fa1, fa2, rxx', 'rxx'],
    ['fld fa0, (fa1)', 'fa1 cannot hold an address'],
    ['fcvtmod.w.d a0, fa0', 'fcvtmod.w.d is written'],
    ['fcvtmod.w.d a0, fa0, rne', 'is not possible with these operands'],
    ['c.fld fa0, 0(sp)', 'only registers x8 to x15'],
  ])('%s is refused', (source, message) => {
    expect(() => assemble(source)).toThrow(message);
  });
});
