import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { runGroup } from '../process-group.mjs';
import { root } from '../workspace.mjs';

/** A program whose child never ends, and holds on to its output. */
const startsAnother = (then) =>
  `require('node:child_process').spawn(process.execPath, ['-e', 'for (;;);'], { stdio: ['ignore', 1, 'ignore'] }); ${then}`;

/** Runs it in a group, in a process of its own whose output ends when nobody of the group is left. */
function inGroup(program, seconds) {
  const code = `
    import { runGroup } from './scripts/process-group.mjs';
    process.stderr.write(String(await runGroup([process.execPath, '-e', process.argv[1]], ${seconds}, { stdio: ['ignore', 'inherit', 'ignore'] })));`;
  return spawn(process.execPath, ['--input-type=module', '--eval', code, program], { cwd: root });
}

describe('a process group', () => {
  it('leaves nobody behind when its time is over', async () => {
    const runner = inGroup(startsAnother('for (;;);'), 0.5);
    expect(await Promise.all([text(runner.stdout), text(runner.stderr)])).toEqual(['', 'false']);
  });

  it('leaves nobody behind when its command has ended', async () => {
    const runner = inGroup(startsAnother('process.exit()'), 60);
    expect(await Promise.all([text(runner.stdout), text(runner.stderr)])).toEqual(['', 'true']);
  });

  it('leaves nobody behind when whoever runs it is told to end', async () => {
    const runner = inGroup(startsAnother('process.stdout.write("runs"); for (;;);'), 60);
    const [started] = await once(runner.stdout, 'data');
    expect(String(started)).toBe('runs');
    runner.kill('SIGTERM');
    expect(await text(runner.stdout)).toBe('');
    expect(runner.signalCode ?? (await once(runner, 'exit'))[1]).toBe('SIGTERM');
  });

  it('says so when the command is not there', async () => {
    await expect(runGroup([join(root, 'no-such-program')], 1)).rejects.toThrow(/ENOENT/);
  });
});
