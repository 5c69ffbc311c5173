import { afterAll, describe, expect, it } from 'vitest';
import { assemble, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_USER_ECALL, EXIT_TRAP, HART_F, HART_FCSR, INTEGER_REGISTERS, Machine, PTE_X } from '../../src/index.js'; // prettier-ignore
import { CODE, DATA_FRAME, Sv39Machine, USER, USER_RW, USER_RX } from '../mmu/sv39-machine.js';
import { setWordPair, wordPair } from '../run-program.js';
import { Random } from '../qemu/random.js';
import { DATA, randomControl } from './random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = Math.max(1, Math.round(60 * Number(process.env['FAULTLINE_LOCKSTEP_SCALE'] ?? 1)));
const RUNS = 60;
const DATA_PAGES = 9;
/** The code again, at another address. */
const ALIAS = 0x7000_0000n;
/** encoding of `addi a0, a0, 0`. */
const ADD_NOTHING = 0x0005_0513n;

const totals = { retired: 0, regions: 0, invalidations: 0, replacements: 0 };

async function machineOf(source: string, engine: 'interpreter' | 'translator'): Promise<Sv39Machine> {
  const made = await Sv39Machine.of('nop', { engine });
  const { bytes, symbols } = assemble(source, { origin: Number(CODE) });
  made.machine.ram.writable(64, 4).set(bytes);
  for (let page = 0; page < 4; page += 1) {
    made.map(CODE + BigInt(page * 4096), 64 + page, USER_RW | PTE_X);
    made.map(ALIAS + BigInt(page * 4096), 64 + page, USER_RX);
  }
  made.map(BigInt(DATA), DATA_FRAME, USER_RW);
  made.map(BigInt(DATA) - 4096n, DATA_FRAME + 8, USER_RW);
  made.hart.sfenceVma();
  made.setX('s0', BigInt(DATA));
  made.setX('s1', BigInt(DATA + 64));
  made.setX('s2', BigInt(symbols.get('changed') as number));
  made.setX('s3', ADD_NOTHING);
  made.setX('ra', CODE);
  INTEGER_REGISTERS.forEach((name, index) => {
    if (/^[at][0-7]$/.test(name)) made.setX(name, BigInt(index) * 0x1234_5678_9abcn);
  });
  [1.5, -0.1, 3e5, 1e-300, 0, 7, Infinity].forEach((value, index) => {
    const bits = new BigUint64Array(new Float64Array([value]).buffer);
    setWordPair(made.hart, HART_F + 2 * (index < 5 ? 10 + index : index - 5), bits[0]);
  });
  made.pc = CODE;
  return made;
}

/** What an embedder can see of a run. */
function stateOf(made: Sv39Machine, reason: number): unknown {
  return {
    reason,
    retired: made.hart.retired,
    pc: made.pc.toString(16),
    trap: reason === EXIT_TRAP ? [made.cause, made.tval.toString(16)] : null,
    floats: Array.from({ length: 32 }, (_, index) => wordPair(made.hart, HART_F + 2 * index).toString(16)),
    fcsr: made.hart.state[HART_FCSR],
    registers: INTEGER_REGISTERS.map((name) => `${name} ${made.x(name).toString(16)}`),
  };
}

/** Answers a trap, the same way on both machines. */
function answer(made: Sv39Machine): void {
  const { cause, tval } = made;
  const page = (tval >> 12n) << 12n;
  const index = Number(page - BigInt(DATA)) / 4096;
  const isData = index >= -1 && index < DATA_PAGES - 1;
  if (cause === CAUSE_USER_ECALL) made.pc += 4n;
  else if (cause === CAUSE_LOAD_PAGE_FAULT && isData) {
    made.map(page, DATA_FRAME + ((index + DATA_PAGES) % DATA_PAGES), USER | 2);
    made.hart.sfenceVmaPage(Number(page));
  } else if (cause === CAUSE_STORE_PAGE_FAULT && isData) {
    made.map(page, DATA_FRAME + ((index + DATA_PAGES) % DATA_PAGES), USER_RW);
    made.hart.sfenceVmaPage(Number(page));
  } else if (made.pc >= CODE && made.pc < CODE + 0x3000n && cause !== 2) made.pc += 4n;
  else made.pc = CODE;
}

/** Something that a supervisor does between runs. */
function disturb(made: Sv39Machine, what: number, argument: number): void {
  const page = BigInt(DATA) + BigInt(argument % 7) * 4096n;
  switch (what) {
    case 0:
      made.setEntry(page, 0n);
      made.hart.sfenceVmaPage(Number(page));
      break;
    case 1:
      made.map(page, DATA_FRAME + (argument % DATA_PAGES), USER_RW);
      made.hart.sfenceVma();
      break;
    case 2:
      if (made.pc >= CODE && made.pc < CODE + 0x4000n) made.pc += ALIAS - CODE;
      break;
    case 3:
      if (made.pc >= ALIAS && made.pc < ALIAS + 0x4000n) made.pc -= ALIAS - CODE;
      break;
    case 4:
      // The second page of code moves to another frame.
      made.machine.ram.copy(67, 65);
      made.map(CODE + 4096n, 67, USER_RW | PTE_X);
      made.hart.sfenceVma();
      break;
    case 5:
      made.map(CODE + 4096n, 65, USER_RW | PTE_X);
      made.hart.sfenceVma();
      break;
    default:
      break;
  }
}

describe('the translator and the interpreter', () => {
  it.each(Array.from({ length: PROGRAMS }, (_, index) => SEED + index))(
    'agree after every run of a random program (seed %i)',
    async (seed) => {
      const random = new Random(Math.imul(seed, 0x9e37_79b1));
      const source = randomControl(random);
      const machines = [
        await machineOf(source, 'interpreter'),
        await machineOf(source, 'translator'),
      ] as const;
      const [plain, translated] = machines;
      for (let run = 0; run < RUNS; run += 1) {
        const budget = random.chance(30) ? 1 + random.below(4) : 1 + random.below(3000);
        const states = machines.map((made) => stateOf(made, made.hart.run(budget)));
        expect(states[1], `run ${run}, budget ${budget}\n${source}`).toEqual(states[0]);
        totals.retired += plain.hart.retired;
        const trapped = (states[0] as { reason: number }).reason === EXIT_TRAP;
        const [what, argument] = [random.below(20), random.bits()];
        for (const made of machines) {
          if (trapped) answer(made);
          disturb(made, what, argument);
        }
      }
      for (let frame = 64; frame < DATA_FRAME + DATA_PAGES; frame += 1) {
        const [left, right] = machines.map(({ machine }) => machine.ram.readable(frame));
        expect(Buffer.compare(left, right), `frame ${frame}`).toBe(0);
      }
      const statistics = translated.machine.translation;
      totals.regions += statistics?.translations ?? 0;
      totals.invalidations += statistics?.invalidations ?? 0;
      totals.replacements += statistics?.replacements ?? 0;
      expect(plain.machine.translation).toBeNull();
    },
  );

  afterAll(() => {
    // Programs that were never translated would agree with anything.
    if (PROGRAMS < 20) return;
    for (const [name, count] of Object.entries(totals)) if (count < 20) throw new Error(`${name}: ${count}`);
  });

  it('make a machine that says which engine it has', async () => {
    expect((await Machine.create({ engine: 'interpreter', ramBytes: 2 ** 20 })).translation).toBeNull();
    expect((await Machine.create({ engine: 'auto', ramBytes: 2 ** 20 })).translation?.regions).toBe(0);
  });
});
