/**
 * `npm run lockstep -- [--instructions N] [--suite NAME] [--only WORD]...`: the comparison with QEMU, at length. N random
 * instructions (rounded up to whole millions) and as many times more privileged instructions, accesses and noise as the tests have,
 * on both engines, or in one project of vitest.config.ts. FAULTLINE_SEED repeats a run.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, toolFile } from './workspace.mjs';

/** What the tests compare without a scale. */
const INSTRUCTIONS = 1_000_000;
const TESTS = 'packages/mmu-emu/test';
const SUFFIX = '.test.ts';

/** Comparisons with QEMU, and noise that must not do any harm: paths by name. */
const parts = new Map(
  readdirSync(join(root, TESTS, 'qemu'))
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => `qemu/${file}`)
    .concat(['interpreter/fuzz.test.ts', 'interpreter/system-fuzz.test.ts'])
    .map((file) => [file.slice(file.indexOf('/') + 1, -SUFFIX.length), `${TESTS}/${file}`]),
);

const HELP = `Usage: npm run lockstep -- [OPTIONS]

Compares the machine with QEMU, and runs noise on it, at length; the numbers by extension, mode and trap come at the end.

  --instructions N   random instructions, in whole millions (default 1000000); everything
                     else is as many times what the tests have
  --suite NAME       faultline, where code is translated when it is hot, or translated,
                     where all of it is (default both)
  --only WORD        the parts whose names have this in them; again for more of:
                     ${[...parts.keys()].join(', ')}
  --help             print this

FAULTLINE_SEED=n repeats a run. The status is 0 when nothing differs.
`;

/** @param {string} message @returns {never} */
function misused(message) {
  process.stderr.write(`${message}\nTry "npm run lockstep -- --help".\n`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        instructions: { type: 'string', default: String(INSTRUCTIONS) },
        suite: { type: 'string' },
        only: { type: 'string', multiple: true, default: [''] },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error));
  }
}

const { instructions, suite, only, help } = options();
if (help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const count = Number(instructions.replaceAll('_', ''));
if (!Number.isInteger(count) || count < 1) misused('--instructions takes a positive number');
for (const word of only) {
  if (![...parts.keys()].some((name) => name.includes(word))) misused(`--only ${word}: no part is called so`);
}

const chosen = [...parts].filter(([name]) => only.some((word) => name.includes(word)));
const project = suite === undefined ? [] : ['--project', suite];
const child = spawn(
  process.execPath,
  [...[toolFile('vitest'), 'run', '--testTimeout=600000', ...project], ...chosen.map(([, path]) => path)],
  {
    cwd: root,
    env: { ...process.env, FAULTLINE_LOCKSTEP_SCALE: String(Math.ceil(count / INSTRUCTIONS)) },
    stdio: 'inherit',
  },
);
child.on('close', (status) => {
  process.exitCode = status ?? 1;
});
