import { describe, expect, it } from 'vitest';
import { EXIT_BUDGET, EXIT_TRAP, PTE_R } from '../../src/index.js';
import { groupAccesses } from '../../src/translator/access-groups.js';
import { RegionGraph } from '../../src/translator/region-graph.js';
import { Straddles } from '../../src/translator/straddles.js';
import { CODE, DATA_FRAME, Sv39Machine, USER, USER_RW } from '../mmu/sv39-machine.js';
import { Random } from '../qemu/random.js';
import { regionOf } from './page-of-code.js';

const SEED = Number(process.env['FAULTLINE_SEED']);

/** The groups of some code: what they look up, from where to where their accesses are and how many bytes each reaches over. */
function groupsOf(source: string): string[] {
  const graph = new RegionGraph(regionOf(source));
  const found = groupAccesses(graph).flatMap((accesses) => [...accesses.values()]);
  return [...new Set(found.map(({ group }) => group))].map((group) => {
    const offsets = found.filter((access) => access.group === group).map(({ offset }) => offset);
    const { stores, width, start, end } = group;
    return `${stores ? 'stores' : 'loads'} ${width}: ${offsets.join(' ')} of ${end - start}`;
  });
}

describe('accesses share a look-up', () => {
  it.each([
    ['of one alone', 'lw a0, 0(s0)\nlw a1, 0(s1)', []],
    [
      'at distances from one register',
      'lw a0, 4(s0)\nld a1, -8(s0)\nlbu a2, 3(s0)',
      ['loads 8: 12 0 11 of 16'],
    ],
    [
      'loads with loads and stores with stores',
      'lw a0, 0(s0)\nsw a0, 4(s0)\nlw a1, 8(s0)\nsd a1, -8(s0)',
      ['loads 4: 0 8 of 12', 'stores 8: 12 0 of 16'],
    ],
    ['a reservation as what loads', 'lr.w a0, (s0)\nlw a1, 4(s0)', ['loads 4: 0 4 of 8']],
    ['its use as what stores', 'sc.w a2, a1, (s0)\nsw a1, 4(s0)', ['stores 4: 0 4 of 8']],
    ['and an atomic', 'amoadd.d a0, a1, (s0)\nsd a2, 8(s0)', ['stores 8: 0 8 of 16']],
    [
      'through copies and sums',
      'ld a0, 0(s0)\nmv a1, s0\naddi a1, a1, 8\nld a2, 8(a1)',
      ['loads 8: 0 16 of 24'],
    ],
    [
      'relative to the pc',
      '1: auipc a0, 1\nld a1, 0(a0)\nauipc a2, 1\nld a3, 8(a2)',
      ['loads 8: 0 16 of 24'],
    ],
    [
      'not when the register has changed',
      'ld a0, 0(s0)\nld s0, 8(s0)\nld a1, 16(s0)',
      ['loads 8: 0 8 of 16'],
    ],
    ['not when they never are aligned at once', 'ld a0, 0(s0)\nld a1, 4(s0)\nlw a2, 6(s0)', []],
    ['not when they are too far apart', 'ld a0, 0(s0)\nld a1, 512(s0)', []],
    ['in what follows a branch', 'ld a0, 0(s0)\nbeqz a0, 1f\nlw a1, 8(s0)\n1: ret', ['loads 8: 0 8 of 12']],
    ['not wider there', 'lw a0, 0(s0)\nbeqz a0, 1f\nld a1, 8(s0)\n1: ret', []],
    ['nor where ways meet', 'ld a0, 0(s0)\nbeqz a0, 1f\naddi a2, a2, 1\n1: ld a1, 8(s0)\nret', []],
    ['nor where a loop begins', 'ld a0, 0(s0)\n1: ld a1, 8(s0)\naddi s0, s0, 8\nbnez a1, 1b\nret', []],
  ])('%s', (_, source, groups) => {
    expect(groupsOf(source)).toEqual(groups);
  });
});

const BASE = 0x5_0000n;
/** Frames of the two pages; the second does not follow the first in RAM. */
const FRAMES = [DATA_FRAME + 5, DATA_FRAME + 1];
const DATA = Array.from({ length: 4096 }, (_, index) => (index * 167 + 13) & 0xff);

/** Accesses near s0 and s1, which are 32 apart, in blocks of which some are jumped over. */
function program(random: Random): string {
  const register = () => random.pick(['a0', 'a1', 'a2', 'a3', 'a4', 'a5']);
  const base = () => random.pick(['s0', 's0', 's1']);
  const near = (step: number) => (random.below(96 / step) - 48 / step) * step;
  const lines: (() => string)[] = [
    () => `ld ${register()}, ${near(8)}(${base()})`,
    () => `sd ${register()}, ${near(8)}(${base()})`,
    () => `lw ${register()}, ${near(4)}(${base()})`,
    () => `sw ${register()}, ${near(4)}(${base()})`,
    () => `${random.pick(['lhu', 'lb', 'lbu'])} ${register()}, ${near(2)}(${base()})`,
    () => `sb ${register()}, ${near(1)}(${base()})`,
    () => `amoadd.${random.pick(['w', 'd'])} ${register()}, ${register()}, (${base()})`,
    () => `lr.${random.pick(['w', 'd'])} ${register()}, (${base()})`,
    () => `sc.${random.pick(['w', 'd'])} ${register()}, ${register()}, (${base()})`,
    () => `addi s1, s0, ${near(8)}`,
    () => `add s0, s1, zero\naddi s0, s0, ${8 * (random.below(3) - 1)}`,
    () => `xor ${register()}, ${register()}, ${register()}`,
    () => `beq ${register()}, ${register()}, 1f\nlw ${register()}, ${near(4)}(s0)\nsd a0, ${near(8)}(s0)\n1:`,
  ];
  const code = Array.from({ length: 24 }, () => random.pick(lines)());
  return ['start:', ...code, 'ecall'].join('\n');
}

describe('accesses that share a look-up', () => {
  it.each(Array.from({ length: 24 }, (_, index) => SEED + index))(
    'do what each alone does, over the end of a page too, where the next may be missing, read only or not what the TLB knows (seed %i)',
    async (seed) => {
      const source = program(new Random(seed));
      const engines = ['interpreter', 'translator'] as const;
      const [plain, translated] = await Promise.all(
        engines.map((engine) => Sv39Machine.of(source, { engine })),
      );
      const random = new Random(seed + 1);
      for (let round = 0; round < 40; round += 1) {
        // Sometimes they are not aligned.
        const s0 = BASE + BigInt(4096 - 64 + 8 * random.below(16) + (random.chance(10) ? 4 : 0));
        const second = random.pick([USER_RW, USER_RW, USER_RW, USER | PTE_R, 0]);
        const frames = random.chance(50) ? FRAMES : [...FRAMES].reverse();
        const isFenced = random.chance(70);
        const registers = Array.from({ length: 6 }, () => random.value());
        const budget = random.chance(20) ? 1 + random.below(30) : 200;
        const [left, right] = [plain, translated].map((made) => {
          frames.forEach((frame, page) => {
            made.machine.ram.writable(frame).set(DATA);
            made.map(BASE + BigInt(page * 4096), frame, page === 0 ? USER_RW : second);
          });
          if (isFenced) made.hart.sfenceVma();
          made.pc = CODE;
          made.setX('s0', s0);
          made.setX('s1', s0 + 32n);
          registers.forEach((value, index) => made.setX(`a${index}`, value));
          const reason = made.hart.run(budget);
          return {
            reason,
            retired: made.hart.retired,
            pc: made.pc,
            trap: reason === EXIT_TRAP ? [made.cause, made.tval] : null,
            registers: ['s0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5'].map((name) => made.x(name)),
            memory: FRAMES.map((frame) => Buffer.from(made.machine.ram.readable(frame)).toString('hex')),
          };
        });
        expect(right, `round ${round}\n${source}`).toEqual(left);
      }
      expect(translated.machine.translation?.retiredTranslated).toBeGreaterThan(100);
    },
  );

  it('have each their own again when they lie in two pages all the time', async () => {
    const made = await Sv39Machine.of(
      `loop: sd a0, -16(s0)
       sd a1, -8(s0)
       sd a2, 0(s0)
       ld a3, 8(s0)
       addi a0, a0, 1
       j loop`,
      { engine: 'auto' },
    );
    FRAMES.forEach((frame, page) => made.map(BASE + BigInt(page * 4096), frame, USER_RW));
    made.setX('s0', BASE + 4096n);
    const exits = () => made.machine.translation?.exits.severalPages ?? 0;
    for (let slice = 0; slice < 20; slice += 1) expect(made.machine.run(20_000)).toBe(EXIT_BUDGET);
    const [before, { replacements }] = [exits(), made.machine.translation!];
    expect(before).toBeGreaterThan(256);
    expect(replacements).toBe(1);
    for (let slice = 0; slice < 20; slice += 1) expect(made.machine.run(20_000)).toBe(EXIT_BUDGET);
    expect(exits()).toBe(before);
    expect(made.x('a0')).toBe(BigInt(Math.ceil((40 * 20_000 - 4) / 6)));
    expect(made.machine.translation?.regions).toBe(1);
  });

  it('are judged by how often they lie in two pages', () => {
    const straddles = new Straddles();
    expect(straddles.areTooMany(255, 1000)).toBe(false);
    expect(straddles.areTooMany(256, 1_000_000)).toBe(false);
    // From the last time on: one for 1,000 instructions is too often.
    expect(straddles.areTooMany(300, 1_044_000)).toBe(false);
    expect(straddles.areTooMany(512, 1_256_000)).toBe(true);
    // A machine that was reset counts anew.
    expect(straddles.areTooMany(10, 100)).toBe(false);
    expect(straddles.areTooMany(266, 256_100)).toBe(true);
    expect(straddles.mayShare(7)).toBe(true);
    straddles.forbid(7);
    expect([straddles.mayShare(7), straddles.mayShare(8)]).toEqual([false, true]);
  });
});
