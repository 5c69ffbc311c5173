/** Runs a command that may never end, and may have started others that never end. */
import { spawn } from 'node:child_process';

/**
 * Runs a command in a process group of its own, and ends all that is left of the group when the command has ended, when its time is over, and when this process is
 * interrupted or told to end.
 *
 * @param {readonly string[]} command The program, and its arguments.
 * @param {number} seconds Its time.
 * @param {Pick<import('node:child_process').SpawnOptions, 'cwd' | 'env' | 'stdio'>} [options]
 * @returns {Promise<boolean>} Whether it ended by itself.
 * @throws {Error} It cannot be started.
 */
export async function runGroup([program, ...args], seconds, options = {}) {
  const child = spawn(program, args, { ...options, detached: true });
  const end = () => {
    try {
      // Without a number it was never started.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  /** @param {NodeJS.Signals} signal */
  const interrupted = (signal) => {
    end();
    process.off(signal, interrupted);
    process.kill(process.pid, signal);
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, seconds * 1000);
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
  try {
    await new Promise((resolve, reject) => {
      child.on('error', reject).on('exit', resolve);
    });
    end();
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
  return !late;
}
