import { describe, expect, it } from 'vitest';
import { CAUSE_USER_ECALL } from '../../src/hart/causes.js';
import type { Engine } from '../../src/index.js';
import { Random } from '../qemu/random.js';
import { Bench } from '../run-program.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = 40;
const INSTRUCTIONS = 60;
/** Few, so that results are operands of what follows. */
const REGISTERS = ['a0', 'a1', 'a2', 'a3', 'a4', 'zero'];

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
      `${random.pick(['amoadd.w', 'amoor.w', 'amoswap.d', 'amoxor.d'])} ${register()}, ${register()}, (s0)`,
  ];
  const code = Array.from({ length: INSTRUCTIONS }, () => random.pick(lines)());
  const words = Array.from({ length: 16 }, () => `.word ${random.bits()}`);
  return ['la s0, data', ...code, 'ecall', '.balign 4096', 'data:', ...words].join('\n');
}

describe('32-bit numbers in translated code', () => {
  it.each(Array.from({ length: PROGRAMS }, (_, index) => SEED + index))(
    'are what the interpreter makes them (seed %i)',
    async (seed) => {
      const source = program(new Random(seed));
      const results = async (engine: Engine) => {
        const random = new Random(seed + 1);
        const bench = await Bench.of(source, { engine });
        for (const name of REGISTERS.slice(0, -1)) bench.setX(name, random.value());
        expect(bench.trap()).toBe(CAUSE_USER_ECALL);
        const { translation } = bench.machine;
        return { registers: REGISTERS.map((name) => bench.x(name)), retired: translation?.retiredTranslated };
      };
      const translated = await results('translator');
      expect(translated.registers, source).toEqual((await results('interpreter')).registers);
      // All but what the TLB had to be asked for.
      expect(translated.retired).toBeGreaterThan(INSTRUCTIONS / 2);
    },
  );
});
