/** Time of a peer program, as the shell accounts for it. */
import { spawnSync } from 'node:child_process';

/** Whether a program can be started at all. */
export function available(command, args = ['--version']) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.error === undefined ? result.stdout.split('\n')[0] : null;
}

/**
 * Runs a command to its end.
 *
 * @returns seconds of user and system time of the command and its children, its output and exit status
 */
export function runTimed(command, args, options = {}) {
  const script = '"$0" "$@"; status=$?; times >&3; exit $status';
  const result = spawnSync('sh', ['-c', script, command, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...options,
  });
  if (result.error !== undefined) throw result.error;
  const children = (result.output[3] ?? '').trim().split('\n')[1] ?? '';
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
    0,
  );
  return { cpu: seconds, output: result.stdout, errors: result.stderr, status: result.status };
}
