import { describe, expect, it, test } from 'vitest';
import { disassemble, HART_F, HART_FCSR, INSTRUCTIONS } from '../../src/index.js';
import { CAUSE_ILLEGAL_INSTRUCTION, CAUSE_LOAD_ACCESS } from '../../src/hart/causes.js';
import { HART_MSTATUS } from '../../src/hart/state.js';
import { SemanticsBuilder } from '../../src/isa/semantics.js';
import { Bench, ORIGIN, setWordPair, wordPair } from '../run-program.js';

const OFF = 0;
const INITIAL = 1;
const CLEAN = 2;
const DIRTY = 3;
const SHIFT = 13;

const floatState = (bench: Bench): number => (bench.hart.state[HART_MSTATUS] >>> SHIFT) & 3;
const setFloatState = (bench: Bench, value: number): void => {
  const { state } = bench.hart;
  state[HART_MSTATUS] = (state[HART_MSTATUS] & ~(3 << SHIFT)) | (value << SHIFT);
};
const setF = (bench: Bench, register: number, value: bigint): void =>
  setWordPair(bench.hart, HART_F + 2 * register, value);
const f = (bench: Bench, register: number): bigint => wordPair(bench.hart, HART_F + 2 * register);

const SIGNALING = 0x7ff0_0000_0000_0001n;
const QUIET = 0x7ff8_0000_0000_0000n;
const ONE = 0x3ff0_0000_0000_0000n;

const FLOATING = INSTRUCTIONS.filter(({ operands }) => operands.some(({ kind }) => kind === 'f'));

describe('mstatus.FS', () => {
  it('is Initial in a hosted machine, and Off after reset of a full system', async () => {
    expect(floatState(await Bench.of('nop'))).toBe(INITIAL);
    expect(floatState(await Bench.of('nop', { mode: 'full-system' }))).toBe(OFF);
  });

  it('Off makes every floating-point instruction illegal, with its bits as trap value', async () => {
    expect(FLOATING.length).toBeGreaterThan(60);
    const words = FLOATING.map(
      ({ match, length }) => `${length === 2 ? '.half' : '.word'} 0x${match.toString(16)}`,
    );
    const bench = await Bench.of(words.join('\n'));
    setFloatState(bench, OFF);
    for (const { name, match, length } of FLOATING) {
      expect([bench.trap(), bench.tval], name).toEqual([CAUSE_ILLEGAL_INSTRUCTION, BigInt(match)]);
      bench.pc += BigInt(length);
    }
    expect(floatState(bench)).toBe(OFF);
  });

  it('Off leaves no access to fflags, frm and fcsr', async () => {
    const sources = ['frflags a0', 'frrm a0', 'frcsr a0', 'fsflagsi 1', 'fsrmi 1', 'fscsr a0'];
    const bench = await Bench.of(sources.join('\n'));
    setFloatState(bench, OFF);
    for (const source of sources) {
      expect(bench.trap(), source).toBe(CAUSE_ILLEGAL_INSTRUCTION);
      bench.pc += 4n;
    }
    expect(bench.hart.state[HART_FCSR]).toBe(0);
  });

  it.each([
    ['fadd.d fa0, fa1, fa1', ONE, DIRTY],
    ['fmv.d.x fa0, a0', ONE, DIRTY],
    ['fld fa0, 0(a1)', ONE, DIRTY],
    ['c.fld fa0, 0(a1)', ONE, DIRTY],
    ['fsgnj.d fa0, fa1, fa1', ONE, DIRTY],
    ['fsd fa1, 0(a1)', ONE, CLEAN],
    ['fmv.x.d a0, fa1', ONE, CLEAN],
    ['fclass.d a0, fa1', SIGNALING, CLEAN],
    ['feq.d a0, fa1, fa1', QUIET, CLEAN],
    ['feq.d a0, fa1, fa1', SIGNALING, DIRTY],
    ['flt.d a0, fa1, fa1', QUIET, DIRTY],
    ['fcvt.w.d a0, fa1', ONE, CLEAN],
    ['fcvt.w.d a0, fa1', QUIET, DIRTY],
    ['frcsr a0', ONE, CLEAN],
    ['csrrs a0, fflags, zero', ONE, CLEAN],
    ['fsrmi 0', ONE, DIRTY],
    ['fsflagsi 0', ONE, DIRTY],
    ['csrsi fcsr, 1', ONE, DIRTY],
  ])('after %s of 0x%s is as it has to be', async (source, value, expected) => {
    const bench = await Bench.of(source);
    setFloatState(bench, CLEAN);
    setF(bench, 11, value);
    bench.setX('a1', ORIGIN + 0x1000);
    bench.run(1);
    expect([bench.hart.retired, floatState(bench)]).toEqual([1, expected]);
    // Once more with what is Dirty already.
    setFloatState(bench, DIRTY);
    bench.pc = BigInt(ORIGIN);
    bench.run(1);
    expect([bench.hart.retired, floatState(bench)]).toEqual([1, DIRTY]);
  });

  it('stays as it is when a load faults', async () => {
    const bench = await Bench.of('fld fa0, 0(a1)');
    setFloatState(bench, CLEAN);
    expect(bench.trap()).toBe(CAUSE_LOAD_ACCESS);
    expect(floatState(bench)).toBe(CLEAN);
    expect(f(bench, 10)).toBe(0n);
  });

  it('Dirty shows as SD of mstatus and sstatus', async () => {
    const source =
      'li t0, 0x4000\ncsrs mstatus, t0\ncsrr a0, mstatus\nfmv.d.x fa0, a0\ncsrr a1, mstatus\ncsrr a2, sstatus';
    const bench = await Bench.of(source, { mode: 'full-system' });
    bench.run(6);
    expect(bench.x('a0') >> 63n).toBe(0n);
    expect([bench.x('a1') >> 63n, bench.x('a2') >> 63n, (bench.x('a2') >> 13n) & 3n]).toEqual([1n, 1n, 3n]);
  });
});

describe('fcsr', () => {
  it('is frm above fflags, and nothing else', async () => {
    const bench = await Bench.of(`
      li a0, -1
      fscsr a0
      frcsr a1
      frrm a2
      frflags a3
      fsrmi 2
      fsflagsi 5
      frcsr a4
      fsrm a5, a0
      fsflags a6, zero
      frcsr a7`);
    bench.run(11);
    expect(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'].map((name) => bench.x(name))).toEqual([
      0xffn, 7n, 31n, 0x45n, 2n, 5n, 0xe0n,
    ]); // prettier-ignore
  });
});

// QEMU 10 sets none of these flags; the manual makes no difference between results that are read and others.
test.each([
  ['froundnx.s', 0xffff_ffff_004c_fce7n, 1],
  ['froundnx.s', 0xffff_ffff_3fc0_0000n, 1],
  ['froundnx.s', 0xffff_ffff_7f80_0001n, 16],
  ['fround.s', 0xffff_ffff_3fc0_0000n, 0],
  ['fround.s', 0xffff_ffff_7f80_0001n, 16],
  ['froundnx.d', 0x3ff8_0000_0000_0000n, 1],
  ['froundnx.d', SIGNALING, 16],
  ['fround.d', 0x3ff8_0000_0000_0000n, 0],
  ['fround.d', SIGNALING, 16],
])('%s of 0x%s sets its flags though its result is overwritten', async (name, value, flags) => {
  const bench = await Bench.of(`
  again:
    fsflagsi a1, 0
    ${name} fa0, fa1, rtz
    fmv.d.x fa0, zero
    frflags a0
    j again`);
  setF(bench, 11, value);
  // The last time as hot code.
  bench.run(5 * 2000 - 1);
  expect([bench.x('a0'), bench.x('a1')]).toEqual([BigInt(flags), BigInt(flags)]);
});

describe('rounding modes', () => {
  const rounding = FLOATING.filter(({ operands }) => operands.some(({ kind }) => kind === 'rounding'));

  it('5 and 6 in an instruction are reserved, whatever fcsr says', async () => {
    const words = rounding.flatMap(({ match }) => [5, 6].map((mode) => (match | (mode << 12)) >>> 0));
    const bench = await Bench.of(words.map((word) => `.word ${word}`).join('\n'));
    for (const word of words) {
      expect(bench.trap(), word.toString(16)).toBe(CAUSE_ILLEGAL_INSTRUCTION);
      expect(disassemble(word).text).toMatch(/^\.word/);
      bench.pc += 4n;
    }
  });

  it('5, 6 and 7 in fcsr are reserved for instructions that take theirs from there, and for no others', async () => {
    const dynamic = rounding.map(({ match }) => (match | (7 << 12)) >>> 0);
    const others = [
      'fadd.d fa0, fa1, fa2, rup',
      'fmin.d fa0, fa1, fa2',
      'feq.d a0, fa1, fa2',
      'fmv.d.x fa0, a0',
    ];
    const bench = await Bench.of([...dynamic.map((word) => `.word ${word}`), ...others].join('\n'));
    for (const mode of [5, 6, 7]) {
      bench.hart.state[HART_FCSR] = mode << 5;
      bench.pc = BigInt(ORIGIN);
      for (const word of dynamic) {
        expect([bench.trap(), bench.tval]).toEqual([CAUSE_ILLEGAL_INSTRUCTION, BigInt(word)]);
        bench.pc += 4n;
      }
      bench.run(others.length);
      expect(bench.hart.retired).toBe(others.length);
    }
  });

  it('are asked for by every instruction that has the field, before anything is changed', () => {
    // What has only one mode has no need to ask.
    for (const spec of rounding.filter(({ name }) => name !== 'fcvtmod.w.d')) {
      const s = new SemanticsBuilder();
      spec.semantics!(s);
      expect(
        s.statements.slice(0, 2).map(({ kind }) => kind),
        spec.name,
      ).toEqual(['requireFloat', 'roundingMode']);
    }
  });
});

describe('singles and halves in registers of 64 bits', () => {
  const at = ORIGIN + 0x1000;

  it('are put in a box by loads and moves, and stored and moved without looking at it', async () => {
    const bench = await Bench.of('flw fa0, 0(a0)\nfmv.w.x fa1, a1\nfsw fa2, 8(a0)\nfmv.x.w a2, fa2');
    bench.write(at, 0x1234_5678_bf80_0000n);
    bench.setX('a0', at);
    bench.setX('a1', 0x1234_5678_3f80_0000n);
    setF(bench, 12, 0x1234_5678_9abc_def0n);
    bench.run(4);
    expect([f(bench, 10), f(bench, 11)]).toEqual([0xffff_ffff_bf80_0000n, 0xffff_ffff_3f80_0000n]);
    expect([bench.read(at + 8), bench.x('a2')]).toEqual([0x9abc_def0n, 0xffff_ffff_9abc_def0n]);
  });

  it('are so for halves too', async () => {
    const bench = await Bench.of('flh fa0, 2(a0)\nfmv.h.x fa1, a1\nfsh fa2, 8(a0)\nfmv.x.h a2, fa2');
    bench.write(at, 0x1234_5678_bc00_0000n);
    bench.setX('a0', at);
    bench.setX('a1', 0x1234_5678_3f80_3c00n);
    setF(bench, 12, 0x1234_5678_9abc_def0n);
    bench.run(4);
    expect([f(bench, 10), f(bench, 11)]).toEqual([0xffff_ffff_ffff_bc00n, 0xffff_ffff_ffff_3c00n]);
    expect([bench.read(at + 8), bench.x('a2')]).toEqual([0xdef0n, 0xffff_ffff_ffff_def0n]);
  });

  it('f0 is a register like the others', async () => {
    const bench = await Bench.of('fmv.d.x f0, a0\nfmv.x.d a1, f0');
    bench.setX('a0', 77);
    bench.run(2);
    expect(bench.x('a1')).toBe(77n);
  });
});

test.each(['s', 'd'] as const)('fli.%s gives the constants of the manual', async (suffix) => {
  // "Immediate values loaded by the FLI instruction"
  const values = [
    -1, suffix === 's' ? 2 ** -126 : 2 ** -1022, 1 / 65536, 1 / 32768, 1 / 256, 1 / 128, 0.0625, 0.125, 0.25, 0.3125, 0.375,
    0.4375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 8, 16, 128, 256, 32768, 65536, Infinity,
  ]; // prettier-ignore
  const match = suffix === 's' ? 0xf010_0053 : 0xf210_0053;
  const lines = Array.from({ length: 32 }, (_, i) => `.word ${match + (i << 15)}\necall`);
  const bench = await Bench.of(lines.join('\n'));
  const view = new DataView(new ArrayBuffer(8));
  for (const [number, value] of values.entries()) {
    bench.run(1);
    bench.pc += 4n;
    view.setBigUint64(0, f(bench, 0));
    expect(suffix === 's' ? view.getFloat32(4) : view.getFloat64(0), String(number)).toBe(value);
    if (suffix === 's') expect(f(bench, 0) >> 32n).toBe(0xffff_ffffn);
  }
  bench.run(1);
  expect(f(bench, 0)).toBe(suffix === 's' ? 0xffff_ffff_7fc0_0000n : 0x7ff8_0000_0000_0000n);
  expect(bench.hart.state[HART_FCSR]).toBe(0);
});
