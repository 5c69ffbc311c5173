/**
 * `npm run lockstep -- [--instructions N] [--suite NAME]`: the comparison with QEMU, at length. N random instructions
 * (rounded up to whole millions) and as many times more privileged instructions and accesses as the tests have, on both
 * engines, or in one project of vitest.config.ts: `faultline` or `translated`. FAULTLINE_SEED repeats a run.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { root, toolFile } from './workspace.mjs';

/** What the tests compare without a scale. */
const INSTRUCTIONS = 1_000_000;

let instructions = INSTRUCTIONS;
/** @type {string | undefined} */
let suite;
try {
  const { values } = parseArgs({
    options: {
      instructions: { type: 'string', default: String(INSTRUCTIONS) },
      suite: { type: 'string' },
    },
  });
  suite = values.suite;
  instructions = Number(values.instructions.replaceAll('_', ''));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(2);
}
if (!Number.isInteger(instructions) || instructions < 1) {
  process.stderr.write('--instructions takes a positive number\n');
  process.exit(2);
}

const scale = Math.ceil(instructions / INSTRUCTIONS);
const project = suite === undefined ? [] : ['--project', suite];
const child = spawn(
  process.execPath,
  [toolFile('vitest'), 'run', '--testTimeout=600000', ...project, 'packages/mmu-emu/test/qemu'],
  {
    cwd: root,
    env: { ...process.env, FAULTLINE_LOCKSTEP_SCALE: String(scale) },
    stdio: 'inherit',
  },
);
child.on('close', (status) => {
  process.exitCode = status ?? 1;
});
