import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../qemu/random.js';
import { Guest } from '../snapshot/guest.js';
import { visibleState } from '../snapshot/visible-state.js';
import { CommandProcess } from './command-process.js';
import { scratch } from './programs.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const MEBIBYTES = 8;
const FRAMES = (MEBIBYTES * 2 ** 20) / 4096;
const INSTRUCTIONS = 100_000;
const SAVED_AT = 41_733;
const ENGINES = ['interpreter', 'translator'] as const;

const { folder } = scratch();
let command: CommandProcess;
beforeAll(async () => {
  command = await CommandProcess.in(folder);
});

/** RAM with a random program that calls its supervisor often, which sends a byte each time. */
async function talkativeProgram(harts: number): Promise<Uint8Array> {
  for (let seed = SEED; ; seed++) {
    const guest = await Guest.of({ seed, harts, engine: 'interpreter' });
    const image = guest.machine.ram.readable(0, guest.machine.ram.frameCount).slice();
    guest.run(20_000, new Random(seed));
    if (guest.sent.length > 50) return image;
  }
}

describe.each([1, 3])(
  'a snapshot of a machine with %i harts, written by one process and restored in others',
  (harts) => {
    test('goes on as in the process that was not interrupted: registers, RAM, devices, output', async () => {
      const firmware = join(folder, `firmware-${harts}`);
      writeFileSync(firmware, await talkativeProgram(harts));
      const saved = (name: string): string => join(folder, `${name}-${harts}`);
      /** Runs a number of instructions and saves; gives what was sent and the state afterwards. */
      const run = (instructions: number, engine: string, file: string, more: readonly string[] = []) => {
        const machine = [
          '--memory',
          `${MEBIBYTES}M`,
          '--smp',
          `${harts}`,
          '--clock',
          'virtual',
          '--engine',
          engine,
        ];
        const limits = ['--max-instructions', `${instructions}`, '--save-snapshot', file];
        const { status, output, errors } = command.run([
          'boot',
          '--bios',
          firmware,
          ...machine,
          ...limits,
          ...more,
        ]);
        expect([status, errors]).toEqual([
          124,
          `mmu-emu: the program has not ended within ${instructions} instructions\n`,
        ]);
        return { output, state: visibleState(readFileSync(file), FRAMES) };
      };
      const whole = run(INSTRUCTIONS, 'interpreter', saved('whole'));
      expect(whole.output.length).toBeGreaterThan(20);
      for (const engine of ENGINES) {
        const file = saved(engine);
        const first = run(SAVED_AT, engine, file);
        expect(first.state).not.toEqual(whole.state);
        for (const other of ENGINES) {
          const rest = run(INSTRUCTIONS - SAVED_AT, other, saved('rest'), ['--restore', file]);
          expect(Buffer.concat([first.output, rest.output]).equals(whole.output), `${engine}, ${other}`).toBe(
            true,
          );
          expect(rest.state, `${engine}, ${other}`).toEqual(whole.state);
        }
      }
    });
  },
);
