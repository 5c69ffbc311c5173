import { describe, expect, it } from 'vitest';
import {
  assemble,
  CAUSE_FETCH_ACCESS,
  CAUSE_FETCH_PAGE_FAULT,
  Debugger,
  EXIT_DEBUG,
  EXIT_TRAP,
  INTEGER_REGISTERS,
  PTE_X,
  readRegister,
} from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import { CODE, DATA_FRAME, Sv39Machine, USER_RW } from '../mmu/sv39-machine.js';
import { Random } from '../qemu/random.js';
import { DATA, randomControl } from '../translator/random-control.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = 6;
const INSTRUCTIONS = 1500;
const BREAKPOINTS = 3;
const WATCHED_BYTES = 24;
const FETCH_FAULTS: readonly number[] = [CAUSE_FETCH_ACCESS, CAUSE_FETCH_PAGE_FAULT];

async function machineOf(source: string, engine: Engine): Promise<Sv39Machine> {
  const made = await Sv39Machine.of('nop', { engine });
  const { bytes, symbols } = assemble(source, { origin: Number(CODE) });
  made.machine.ram.writable(64, 4).set(bytes);
  for (let page = 0; page < 4; page += 1) made.map(CODE + BigInt(page * 4096), 64 + page, USER_RW | PTE_X);
  for (let page = -1; page < 8; page += 1) {
    made.map(BigInt(DATA + page * 4096), DATA_FRAME + 1 + page, USER_RW);
  }
  made.hart.sfenceVma();
  for (const [name, value] of Object.entries({
    s0: DATA,
    s1: DATA + 64,
    s2: symbols.get('changed') as number,
    s3: 0x0005_0513,
    ra: Number(CODE),
  })) {
    made.setX(name, BigInt(value));
  }
  INTEGER_REGISTERS.forEach((name, index) => {
    if (/^[at][0-7]$/.test(name)) made.setX(name, BigInt(index) * 0x1234_5678_9abcn);
  });
  made.pc = CODE;
  return made;
}

/** Goes past a trap, the same way everywhere. */
function pass(made: Sv39Machine): void {
  made.pc = made.pc >= CODE && made.pc < CODE + 0x3000n && made.cause !== 2 ? made.pc + 4n : CODE;
}

function registersOf(made: Sv39Machine): string {
  return Array.from({ length: 32 }, (_, index) => readRegister(made.hart, `x${index}`)?.toString(16)).join(
    ' ',
  );
}

/** The page of data that most accesses are to. */
const dataOf = (made: Sv39Machine): Uint8Array => made.machine.ram.readable(DATA_FRAME + 1);

/** Where a program goes and what bytes it changes, an instruction at a time and without a debugger. */
async function plainRun(source: string) {
  const plain = await machineOf(source, 'interpreter');
  const visits: { readonly pc: bigint; readonly count: number }[] = [];
  const changes: { readonly count: number; readonly offset: number }[] = [];
  const before = dataOf(plain).slice();
  for (let count = 0; count < INSTRUCTIONS;) {
    const { pc } = plain;
    const trapped = plain.hart.run(1) === EXIT_TRAP;
    if (!trapped || !FETCH_FAULTS.includes(plain.cause)) visits.push({ pc, count });
    if (trapped) pass(plain);
    else count += 1;
    if (trapped || Buffer.compare(before, dataOf(plain)) === 0) continue;
    changes.push({ count, offset: before.findIndex((byte, at) => byte !== dataOf(plain)[at]) });
    before.set(dataOf(plain));
  }
  return { plain, source, visits, changes };
}

/** The run of a program that changes data; most do. */
async function changingRun(random: Random) {
  for (;;) {
    const run = await plainRun(randomControl(random));
    if (run.changes.length > 0) return run;
  }
}

describe('breakpoints and watchpoints of random programs', () => {
  it.each(Array.from({ length: PROGRAMS }, (_, index) => SEED + index))(
    'stop where single instructions say that they must, under every engine (seed %i)',
    async (seed) => {
      const random = new Random(Math.imul(seed, 0x9e37_79b1));
      const { plain, source, visits, changes } = await changingRun(random);
      const offset = changes[random.below(changes.length)].offset;
      const inside = changes.filter(
        (change) => change.offset >= offset && change.offset < offset + WATCHED_BYTES,
      );
      const addresses = Array.from({ length: BREAKPOINTS }, () => visits[random.below(visits.length)].pc);

      for (const engine of ['interpreter', 'translator'] as const) {
        const made = await machineOf(source, engine);
        const debug = await Debugger.attach(made.machine);
        for (const address of addresses) debug.addBreakpoint(address);
        debug.addWatchpoint(BigInt(DATA + offset), WATCHED_BYTES, 'write');
        const stops: typeof visits = [];
        const writes: number[] = [];
        let count = 0;
        while (count < INSTRUCTIONS) {
          const reason = made.machine.run(Math.min(INSTRUCTIONS - count, 1 + random.below(300)));
          count += made.machine.retired;
          if (reason === EXIT_TRAP) pass(made);
          if (reason !== EXIT_DEBUG) continue;
          if (debug.stop?.reason === 'breakpoint') {
            stops.push({ pc: made.pc, count });
          } else writes.push(count);
        }
        const expected = visits.filter(({ pc }) => addresses.includes(pc));
        // Breakpoints are where it goes, and what is watched changes: neither list is empty.
        expect(stops, `engine ${engine}, breakpoints\n${source}`).toEqual(expected);
        // A store may leave what is there.
        expect(writes, `engine ${engine}, watchpoint at ${offset}\n${source}`).toEqual(
          expect.arrayContaining(inside.map((change) => change.count)),
        );
        expect([made.pc, registersOf(made)]).toEqual([plain.pc, registersOf(plain)]);
        for (let frame = DATA_FRAME; frame < DATA_FRAME + 9; frame += 1) {
          const [left, right] = [plain, made].map(({ machine }) => machine.ram.readable(frame));
          expect(Buffer.compare(left, right), `frame ${frame}`).toBe(0);
        }
      }
    },
  );
});
