/** What is compared between Node and a browser: runs in both. */
import { EXIT_TRAP } from '../../src/index.js';
import type { Engine } from '../../src/index.js';
import { DATA_FRAME } from '../mmu/sv39-machine.js';
import { Random } from '../qemu/random.js';
import { answer, DATA_PAGES, disturb, lockstepMachine, stateOf } from '../translator/lockstep-machine.js';
import { randomControl } from '../translator/random-control.js';

const RUNS = 30;

/** A random program's states, run after run, and its memory in the end, as one number; and instructions by engine. */
export interface ProgramResult {
  readonly seed: number;
  readonly digests: Readonly<Record<'interpreter' | 'translator', number>>;
  readonly retired: number;
  readonly translated: number;
}

/** Runs `count` random programs on both engines. */
export async function run(seed: number, count: number): Promise<ProgramResult[]> {
  const results: ProgramResult[] = [];
  for (let index = 0; index < count; index += 1) {
    const plain = await resultOf(seed + index, 'interpreter');
    const { digest, retired, translated } = await resultOf(seed + index, 'translator');
    const digests = { interpreter: plain.digest, translator: digest };
    results.push({ seed: seed + index, digests, retired, translated });
  }
  return results;
}

async function resultOf(seed: number, engine: Extract<Engine, 'interpreter' | 'translator'>) {
  const random = new Random(Math.imul(seed, 0x9e37_79b1));
  const made = await lockstepMachine(randomControl(random), engine);
  // FNV-1a.
  let digest = 0x811c_9dc5;
  const add = (byte: number): void => void (digest = Math.imul(digest ^ byte, 0x0100_0193));
  let retired = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const state = stateOf(made, made.hart.run(1 + random.below(3000)));
    retired += state.retired;
    for (const character of JSON.stringify(state)) add(character.charCodeAt(0));
    if (state.reason === EXIT_TRAP) answer(made);
    disturb(made, random.below(20), random.bits());
  }
  for (let page = 0; page < DATA_PAGES; page += 1) made.machine.ram.readable(DATA_FRAME + page).forEach(add);
  return { digest: digest >>> 0, retired, translated: made.machine.translation?.retiredTranslated ?? 0 };
}
