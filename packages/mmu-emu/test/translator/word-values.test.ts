import { describe, expect, it } from 'vitest';
import { CAUSE_USER_ECALL } from '../../src/hart/causes.js';
import type { Engine } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { Bench, ORIGIN } from '../run-program.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = 40;
const INSTRUCTIONS = 60;
/** After so many instructions, all registers are kept. */
const INTERVAL = 5;
/** Few, so that results are operands of what follows. */
const KEPT = ['a0', 'a1', 'a2', 'a3', 'a4'];
const REGISTERS = [...KEPT, 'zero'];
/** Of 32 bits, which programs read and change. */
const WORDS = 16;

/** Straight-line code of instructions whose results are 32-bit numbers, or are not, or are if their operands are. */
function program(random: Random): string {
  const register = () => random.pick(REGISTERS);
  const immediate = () => random.below(4096) - 2048;
  const lines: (() => string)[] = [
    () => `${random.pick(['and', 'or', 'xor'])} ${register()}, ${register()}, ${register()}`,
    () => `${random.pick(['andi', 'ori', 'xori'])} ${register()}, ${register()}, ${immediate()}`,
    () =>
      `${random.pick(['addw', 'subw', 'sllw', 'srlw', 'sraw', 'mulw'])} ${register()}, ${register()}, ${register()}`,
    () => `${random.pick(['slliw', 'srliw', 'sraiw'])} ${register()}, ${register()}, ${random.below(32)}`,
    () => `addiw ${register()}, ${register()}, ${random.chance(50) ? 0 : immediate()}`,
    () => `${random.pick(['add', 'sub', 'sltu', 'slt'])} ${register()}, ${register()}, ${register()}`,
    () => `${random.pick(['slli', 'srli'])} ${register()}, ${register()}, ${random.below(64)}`,
    () => `lui ${register()}, ${random.below(2 ** 20)}`,
    () =>
      `${random.pick(['ld', 'lw', 'lwu', 'lh', 'lhu', 'lb', 'lbu'])} ${register()}, ${random.below(8) * 8}(s0)`,
    () =>
      `${random.pick(['amoadd.w', 'amoor.w', 'amoswap.d', 'amoxor.d', 'sc.w', 'sc.d'])} ${register()}, ${register()}, (s0)`,
    () => `${random.pick(['lr.w', 'lr.d'])} ${register()}, (s0)`,
  ];
  const code = Array.from({ length: INSTRUCTIONS / INTERVAL }, (_part, part) => [
    ...Array.from({ length: INTERVAL }, () => random.pick(lines)()),
    ...KEPT.map((name, index) => `sd ${name}, ${keptAt(part, index)}(s0)`),
  ]);
  const words = Array.from({ length: WORDS }, () => `.word ${random.bits()}`);
  return ['la s0, data', ...code.flat(), 'ecall', '.balign 4096', 'data:', ...words, '.zero 1024'].join('\n');
}

/** Where a register is kept after a part of the program, from `data` on. */
function keptAt(part: number, index: number): number {
  return 4 * WORDS + 8 * (part * KEPT.length + index);
}

describe('32-bit numbers in translated code', () => {
  it.each(Array.from({ length: PROGRAMS }, (_, index) => SEED + index))(
    'are what the interpreter makes them (seed %i)',
    async (seed) => {
      const source = program(new Random(seed));
      const results = async (engine: Engine) => {
        const bench = await Bench.of(source, { engine });
        const data = Number(bench.symbol('data'));
        const parts = Array.from({ length: INSTRUCTIONS / INTERVAL }, (_, part) =>
          KEPT.map((_name, index) => data + keptAt(part, index)),
        );
        const run = (random: Random) => {
          for (const name of KEPT) bench.setX(name, random.value());
          bench.pc = BigInt(ORIGIN);
          expect(bench.trap()).toBe(CAUSE_USER_ECALL);
          return parts.map((addresses) => addresses.map((address) => bench.read(address)));
        };
        const random = new Random(seed + 1);
        // Until the TLB knows the data, translated code is left at the first access.
        const first = run(random);
        const before = bench.machine.translation?.retiredTranslated ?? 0;
        const second = run(random);
        const retired = (bench.machine.translation?.retiredTranslated ?? 0) - before;
        return { registers: [first, second], retired };
      };
      const translated = await results('translator');
      expect(translated.registers, source).toEqual((await results('interpreter')).registers);
      expect(translated.retired).toBeGreaterThanOrEqual(
        INSTRUCTIONS + (INSTRUCTIONS / INTERVAL) * KEPT.length,
      );
    },
  );

  it.each(['and', 'or', 'xor'])('%s of numbers that have more bits keeps all of them', async (name) => {
    const [a, b] = [0x8765_4321_0fed_cba9n, 0x1234_5678_9abc_def0n];
    const expected = { and: a & b, or: a | b, xor: a ^ b }[name];
    const source = `${name} a2, a0, a1\n sext.w a3, a0\n ${name} a4, a3, a1\n ${name} a5, a1, a3\n ecall`;
    const bench = await Bench.of(source, { engine: 'translator' });
    bench.setX('a0', a);
    bench.setX('a1', b);
    expect(bench.trap()).toBe(CAUSE_USER_ECALL);
    const word = BigInt.asIntN(32, a);
    const mixed = BigInt.asUintN(64, { and: word & b, or: word | b, xor: word ^ b }[name] ?? 0n);
    expect([bench.x('a2'), bench.x('a4'), bench.x('a5')]).toEqual([expected, mixed, mixed]);
    expect(bench.machine.translation?.retiredTranslated).toBe(4);
  });
});
