/** From `Machine.create` to the first guest instruction, and of the whole command, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measure, summarize } from '../statistics.mjs';

const FIRST_INSTRUCTION = path('../processes/first-instruction.mjs');
const FULL_SPEED = path('../processes/full-speed.mjs');
const FAULTLINE = path('../../packages/fs-pager-example/bin/faultline.js');
const GUESTS = path('../../guest/bin/');

function path(relative) {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function node(args) {
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (result.status !== 0)
    throw new Error(`node ${args.join(' ')} ended with ${result.status}: ${result.stderr}`);
  return result.stdout;
}

export async function run({ rounds }) {
  const machine = [];
  const fullSpeed = [];
  const command = [];
  const empty = [];
  for (let round = 0; round < rounds; round += 1) {
    machine.push(Number(node([FIRST_INSTRUCTION])));
    fullSpeed.push(Number(node([FULL_SPEED])));
    const whole = await measure(() => {
      const output = node([FAULTLINE, 'run', '--root', GUESTS, 'hello.elf']);
      if (!output.includes('hello')) throw new Error(`hello.elf printed ${JSON.stringify(output)}`);
    });
    command.push(whole.wall * 1000);
    empty.push((await measure(() => node(['-e', '']))).wall * 1000);
  }
  return {
    rows: [
      { what: 'Machine.create to the first instruction', unit: 'ms', ours: summarize(machine), target: 150 },
      {
        what: 'Machine.create to a hot loop at 80% of its full speed',
        unit: 'ms',
        ours: summarize(fullSpeed),
        target: 150,
      },
      {
        what: 'faultline run hello.elf, whole command',
        unit: 'ms',
        ours: summarize(command),
        target: 500,
        peer: { name: 'empty node', ...summarize(empty) },
      },
    ],
  };
}
