/**
 * A machine for a random program (random-control.ts), twice: with either engine. Both are set up, looked at, answered and disturbed the same
 * way, so they must agree.
 */
import { assemble, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_USER_ECALL, EXIT_TRAP, HART_F, HART_FCSR, INTEGER_REGISTERS, PTE_X } from '../../src/index.js'; // prettier-ignore
import type { Engine, MachineOptions } from '../../src/index.js';
import { CODE, DATA_FRAME, Sv39Machine, USER, USER_RW, USER_RX } from '../mmu/sv39-machine.js';
import { setWordPair, wordPair } from '../run-program.js';
import { DATA } from './random-control.js';

export const DATA_PAGES = 9;
export const CODE_FRAMES = 4;
/** The code again, at another address. */
const ALIAS = 0x7000_0000n;
/** encoding of `addi a0, a0, 0`. */
const ADD_NOTHING = 0x0005_0513n;

/** A hosted machine at the start of a program. */
export async function lockstepMachine(
  source: string,
  engine: Engine,
  options: MachineOptions = {},
): Promise<Sv39Machine> {
  const made = await Sv39Machine.of('nop', { ...options, engine });
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
export function stateOf(made: Sv39Machine, reason: number) {
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
export function answer(made: Sv39Machine): void {
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
export function disturb(made: Sv39Machine, what: number, argument: number): void {
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
