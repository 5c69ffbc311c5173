/** From `Machine.create` to the first guest instruction, and of the whole command, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measure, summarize } from '../statistics.mjs';

const FIRST_INSTRUCTION = `
import { assemble, HART_PC, HART_X, Machine } from '@faultline/mmu-emu';
const start = performance.now();
const machine = await Machine.create({ mode: 'full-system' });
const { bytes } = assemble('addi a0, zero, 42', { origin: 0x80000000 });
machine.ram.writable(0, 1).set(bytes);
const hart = machine.harts[0];
hart.state[HART_PC] = 0x80000000;
machine.run(1);
if (hart.context[HART_X + 2 * 10] !== 42) throw new Error('the first instruction did not run');
process.stdout.write(String(performance.now() - start));
`;
/** Prints ms until a loop runs at 80% of the speed that it has in the end, or faster: the middle of 5 slices of it does. */
const FULL_SPEED = `
import { assemble, HART_PC, Machine } from '@faultline/mmu-emu';
const SLICE = 100_000;
const start = performance.now();
const machine = await Machine.create({ mode: 'full-system' });
const { bytes } = assemble(
  'la s0, here\\nloop: lw a0, 0(s0)\\nadd a1, a1, a0\\nxor a2, a2, a1\\nslli a3, a2, 3\\nadd a1, a1, a3\\n' +
    'sw a2, 0(s0)\\naddi a4, a4, 1\\nj loop\\n.balign 4096\\nhere: .dword 0',
  { origin: 0x80000000 },
);
machine.ram.writable(0, Math.ceil(bytes.length / 4096)).set(bytes);
machine.harts[0].state[HART_PC] = 0x80000000;
const ends = [performance.now()];
while (ends.length < 4000) {
  machine.run(SLICE);
  ends.push(performance.now());
}
const took = ends.slice(1).map((end, i) => end - ends[i]);
const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const full = middle(took.slice(-1000));
const at = took.findIndex((_, i) => middle(took.slice(i, i + 5)) <= full / 0.8);
process.stdout.write(String(ends[at] - start));
`;
const FAULTLINE = fileURLToPath(new URL('../../packages/fs-pager-example/bin/faultline.js', import.meta.url));
const GUESTS = fileURLToPath(new URL('../../guest/bin/', import.meta.url));

function node(args) {
  const result = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
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
    machine.push(Number(node(['--input-type=module', '-e', FIRST_INSTRUCTION])));
    fullSpeed.push(Number(node(['--input-type=module', '-e', FULL_SPEED])));
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
