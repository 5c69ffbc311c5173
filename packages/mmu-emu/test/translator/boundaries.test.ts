/**
 * What may happen between any two instructions and at any access, made to happen at each: the end of a budget, an
 * interrupt, a page that is not there. Both engines are compared step by step.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { EXIT_BUDGET, EXIT_STOP, EXIT_TRAP, HART_X, makeClint, TestFinisher } from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import { DATA_FRAME } from '../mmu/sv39-machine.js';
import type { Sv39Machine } from '../mmu/sv39-machine.js';
import { Random } from '../qemu/random.js';
import { Bench, ORIGIN } from '../run-program.js';
import { answer, CODE_FRAMES, DATA_PAGES, lockstepMachine, stateOf } from './lockstep-machine.js';
import { DATA, randomControl } from './random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = [0, 1, 2, 3, 4, 5];
/** Enough that each instruction of the loop is met. */
const INTERRUPTS = 1000;
const CODE_FRAME = 64;
const FRAMES = [
  ...Array.from({ length: CODE_FRAMES }, (_, index) => CODE_FRAME + index),
  ...Array.from({ length: DATA_PAGES }, (_, index) => DATA_FRAME + index),
];

/** Registers and memory, to go back to. */
function save(made: Sv39Machine): () => void {
  const context = made.hart.context.slice();
  const { ram } = made.machine;
  const frames = FRAMES.map((frame) => ram.readable(frame).slice());
  return () => {
    made.hart.context.set(context);
    FRAMES.forEach((frame, index) => {
      // Handing out a frame drops what was made of its code.
      if (Buffer.compare(ram.readable(frame), frames[index]) !== 0) ram.writable(frame).set(frames[index]);
    });
  };
}

/** Both machines, with the program having run for a while. */
async function pair(
  index: number,
  counters: boolean,
): Promise<{ machines: [Sv39Machine, Sv39Machine]; source: string }> {
  const random = randomControl(new Random(Math.imul(SEED + 1000 + index, 0x9e37_79b1)));
  // Time and reservations are not taken back with registers and memory.
  const source = counters
    ? random
    : random.replace(/(?:csrr|lr\.[wd]|sc\.[wd]) (\w+), .*/g, 'addi $1, $1, 9');
  const machines: [Sv39Machine, Sv39Machine] = [
    await lockstepMachine(source, 'interpreter'),
    await lockstepMachine(source, 'translator'),
  ];
  for (let round = 0; round < 8; round += 1) {
    for (const made of machines) if (made.hart.run(500) === EXIT_TRAP) answer(made);
  }
  expect(stateOf(machines[1], 0)).toEqual(stateOf(machines[0], 0));
  return { machines, source };
}

describe('at every instruction', () => {
  let retiredInRegions = 0;

  it.each(PROGRAMS)('a budget that ends there leaves the same state (program %i)', async (index) => {
    const {
      machines: [plain, translated],
      source,
    } = await pair(index, false);
    const restore = save(translated);
    const before = translated.machine.translation?.retiredTranslated ?? 0;
    for (let budget = 1; budget <= 250; budget += 1) {
      const step = stateOf(plain, plain.hart.run(1));
      restore();
      const state = stateOf(translated, translated.hart.run(budget));
      expect({ ...state, retired: state.retired - budget + 1 }, `budget ${budget}\n${source}`).toEqual(step);
      if (step.reason === EXIT_TRAP) break;
    }
    retiredInRegions += (translated.machine.translation?.retiredTranslated ?? 0) - before;
  });

  it('a timer interrupt that comes there is taken there', async () => {
    const runs = await Promise.all((['interpreter', 'translator'] as const).map(interrupted));
    expect(runs[1].log).toEqual(runs[0].log);
    expect(runs[1].registers).toEqual(runs[0].registers);
    // Between any two instructions of the loop.
    for (let offset = 0; offset < runs[0].loopBytes; offset += 4) expect(runs[0].log).toContain(offset);
    expect(runs[1].translated).toBeGreaterThan(0);
  });

  afterAll(() => {
    if (retiredInRegions < 1000) throw new Error(`${retiredInRegions} instructions ran translated`);
  });
});

/** An endless loop with calls and jumps, interrupted after 40 to 103 instructions; where, is what the handler logs. */
async function interrupted(engine: Engine) {
  const finisher = new TestFinisher({ stop: (code) => bench.machine.stop(code) });
  const bench: Bench = await Bench.of(
    `.option norvc
          la   t0, handler
          csrw mtvec, t0
          li   t0, 0x80
          csrw mie, t0
          li   s0, 0x2004000       # mtimecmp of hart 0
          li   s1, 0x200bff8       # mtime
          li   s2, 40              # until the next interrupt; pseudo-random afterwards
          li   s8, 12345
          li   s9, 1103515245
          la   s3, log
          li   s4, ${INTERRUPTS}
          la   s5, loop
          la   s6, function
          la   s7, words
          ld   t1, 0(s1)
          add  t1, t1, s2
          sd   t1, 0(s0)
          csrsi mstatus, 8
    loop: addi a0, a0, 1
          ld   a1, 0(s7)
          add  a1, a1, a0
          sd   a1, 0(s7)
          jalr s6
          andi a2, a0, 3
          bnez a2, 1f
          slli a3, a0, 3
          amoadd.d a4, a3, (s7)
          lr.d t3, (s7)
          addi t3, t3, 1
          sc.d t4, t3, (s7)
    1:    auipc a5, 0
          jalr zero, 8(a5)
          addi a6, a6, 1
          j    loop
    function:
          xor  a7, a7, a1
          ret
    end:
          .balign 8
    words: .dword 1
    handler:
          csrr t2, mepc
          sub  t2, t2, s5
          sw   t2, 0(s3)
          addi s3, s3, 4
          addi s4, s4, -1
          beqz s4, over
          mul  s8, s8, s9
          addi s8, s8, 1013
          srli s2, s8, 20
          andi s2, s2, 63
          addi s2, s2, 40
          ld   t1, 0(s1)
          add  t1, t1, s2
          sd   t1, 0(s0)
          mret
    over: li   t0, 0x100000
          li   t1, 0x5555
          sw   t1, 0(t0)
    2:    j    2b
          .balign 4096
    log:`,
    {
      mode: 'full-system',
      engine,
      timebaseHz: 1_000_000_000,
      devices: [...makeClint(), finisher],
    },
  );
  expect(bench.machine.run(2_000_000)).toBe(EXIT_STOP);
  const at = Number(bench.symbol('log')) - ORIGIN;
  const log = new DataView(bench.machine.ram.readable(at / 4096).slice().buffer);
  return {
    log: Array.from({ length: INTERRUPTS }, (_, index) => log.getInt32(index * 4, true)),
    registers: [...bench.hart.state.subarray(HART_X, HART_X + 64)],
    loopBytes: Number(bench.symbol('end') - bench.symbol('loop')),
    translated: bench.machine.translation?.retiredTranslated ?? 0,
  };
}

describe('at every access', () => {
  const totals = { faults: 0, inRegions: 0 };

  it.each(PROGRAMS)(
    'a page that is not there faults there, and what follows is the same (program %i)',
    async (index) => {
      const { machines, source } = await pair(index, true);
      for (let step = 0; step < 400; step += 1) {
        for (const made of machines) {
          for (let page = -1; page < DATA_PAGES - 1; page += 1) made.setEntry(BigInt(DATA + page * 4096), 0n);
          made.hart.sfenceVma();
        }
        const states = machines.map((made) => stateOf(made, made.hart.run(300)));
        expect(states[1], `step ${step}\n${source}`).toEqual(states[0]);
        if (states[0].reason !== EXIT_TRAP) continue;
        totals.faults += 1;
        // The access alone, with its page there for as long as it takes; one of two pages needs two.
        for (const made of machines) answer(made);
        const again = machines.map((made) => stateOf(made, made.hart.run(1)));
        expect(again[1], `after step ${step}\n${source}`).toEqual(again[0]);
        if (again[0].reason !== EXIT_BUDGET) for (const made of machines) answer(made);
      }
      totals.inRegions += machines[1].machine.translation?.exits.fault ?? 0;
    },
  );

  afterAll(() => {
    // Some programs come to loop without an access; not all of them.
    for (const [name, count] of Object.entries(totals)) if (count < 100) throw new Error(`${name}: ${count}`);
  });
});
