/** Tests that need a program from outside, such as a cross compiler or QEMU. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect } from 'vitest';

/** What a test left out because a tool is missing, in one line; it is printed and counted at the end of the run. */
export interface NotRunMeta {
  notRun?: string;
}

/**
 * Whether `tool` can be started; the first statement of a test that needs it.
 *
 * Without the tool the test has nothing to do: this is noted, and the test returns. With CI=true it fails here.
 *
 * @param task The test, from its context.
 * @param tool Name of the program; `tool --version` is run.
 * @param leftOut What is not checked without it, for the line that says so: "12 programs compared with QEMU".
 */
export function hasTool(task: { readonly meta: object }, tool: string, leftOut: string): boolean {
  const installed = spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
  return installed || leaveOut(task, tool, leftOut);
}

/** As `hasTool`, for a file that a package installs. */
export function hasFile(task: { readonly meta: object }, path: string, leftOut: string): boolean {
  return existsSync(path) || leaveOut(task, path, leftOut);
}

function leaveOut(task: { readonly meta: object }, what: string, leftOut: string): false {
  expect(process.env['CI'], `${what} is not installed; needed for ${leftOut}`).not.toBe('true');
  const meta: NotRunMeta = task.meta;
  meta.notRun = `${leftOut}: ${what} is not installed`;
  return false;
}
