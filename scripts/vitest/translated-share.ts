/**
 * For the project whose tests run with all guest code translated: a file of tests in which machines ran nothing translated
 * fails. How much they ran is left for the report of the run.
 */
import { relative } from 'node:path';
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { RunnerTask, RunnerTestSuite } from 'vitest';
import { Machine } from '../../packages/mmu-emu/src/machine.js';
import type { TranslatedMeta } from './report-counts.js';

/** Files in which nothing runs translated, and why they are run all the same. */
const WITHOUT: Readonly<Record<string, string>> = {
  'packages/mmu-emu/test/debug/random-stops.test.ts':
    'while a debugger has a stop set, its variant of the interpreter runs',
  'packages/mmu-emu/test/debug/watchpoints.test.ts': 'the same',
};

/** Machines whose instructions are not counted yet. */
const machines = new Set<Machine>();
/** Those that were there before the test. */
let earlier = new Set<Machine>();
const share = { retired: 0, translated: 0 };

const create = Machine.create.bind(Machine);
Machine.create = async (options) => {
  const machine = await create(options);
  machines.add(machine);
  return machine;
};

/** Counts what a machine has run, for the last time. */
function count(machine: Machine): void {
  machines.delete(machine);
  share.retired += machine.translation?.retired ?? 0;
  share.translated += machine.translation?.retiredTranslated ?? 0;
}

/** Whether something that could have run was left out, by choice or for want of a tool. */
const isPartial = (task: RunnerTask): boolean =>
  task.mode === 'skip' ||
  'notRun' in task.meta ||
  task.result?.state === 'fail' ||
  (task.type === 'suite' && task.tasks.some(isPartial));

beforeEach(() => {
  earlier = new Set(machines);
});

afterEach(() => {
  // Kept no longer than its test, or there would be too many.
  for (const machine of machines) if (!earlier.has(machine)) count(machine);
});

afterAll(({}, file: Readonly<RunnerTestSuite>) => {
  machines.forEach(count);
  Object.assign(file.meta, { translated: share } satisfies TranslatedMeta);
  const path = relative(process.cwd(), file.file.filepath);
  if (share.translated > 0 || path in WITHOUT || isPartial(file)) return;
  throw new Error(`of ${share.retired} instructions none was retired in translated code`);
});
