import { describe, expect, it } from 'vitest';
import { HostDirectory, runProgram, type RunProgramOptions, type RunReport } from '../../src/index.js';
import { Collector, guestFolder } from '../support/guest-files.js';

/** Runs `spawn.elf`, which starts the program that it is given. */
async function spawn(
  args: readonly string[],
  options: Partial<RunProgramOptions> = {},
): Promise<RunReport & { readonly stdout: string; readonly stderr: string }> {
  const namespace = new HostDirectory(
    guestFolder({}, ['spawn', 'hello', 'crash', 'pager-demo', 'pager-client']),
  );
  const [stdout, stderr] = [new Collector(), new Collector()];
  try {
    const report = await runProgram({
      namespace,
      program: 'spawn.elf',
      args,
      stdout,
      stderr,
      memoryBytes: 32 * 2 ** 20,
      ...options,
    });
    return { ...report, stdout: stdout.text, stderr: stderr.text };
  } finally {
    namespace.close();
  }
}

describe('a guest that starts others', () => {
  it('gets their exit codes, and shares its streams with them', async () => {
    const { exitStatus, stdout } = await spawn(['crash.elf', 'exit', '7']);
    expect(exitStatus).toBe(7);
    expect(stdout).toBe('crash: exit\ncrash.elf ended with 7\n');
  });

  it.each([{ maxProcesses: 1 }, { maxChildren: 0 }])('starts no more than it may: %o', async (limits) => {
    const { exitStatus, stderr } = await spawn(['hello.elf'], limits);
    expect(exitStatus).toBe(1);
    expect(stderr).toContain('ZX_ERR_NO_RESOURCES');
  });

  it.each([
    ['missing.elf', 'ZX_ERR_NOT_FOUND'],
    ['../hello.elf', 'ZX_ERR_ACCESS_DENIED'],
  ])('is told why %s cannot be started', async (program, status) => {
    const { exitStatus, stderr } = await spawn([program]);
    expect(exitStatus).toBe(1);
    expect(stderr).toContain(status);
  });

  it('cannot allow them to wait for pagers where it may not itself', async () => {
    const alone = await spawn(['6'], { program: 'pager-demo.elf' });
    expect(alone.stdout).not.toContain('SHOULD_WAIT');
    const spawned = await spawn(['pager-demo.elf', '6']);
    expect(spawned.stdout).toContain('SHOULD_WAIT');
  });
});
