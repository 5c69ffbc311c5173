/**
 * The peer of page faults: a process whose faults another of its threads answers through userfaultfd, page after page. Both threads
 * share a processor: on two that are otherwise idle each fault wakes the other one up, which takes ten times as long on some hosts.
 */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { available, runTimed } from './process-time.mjs';

const SOURCE = fileURLToPath(new URL('userfaultfd.c', import.meta.url));

/**
 * Builds it into a directory.
 *
 * @returns runs it with a number of pages an answer: pages a second of wall time, and of CPU time of both its threads; null where
 * the system does not have it, and `notes` says why
 */
export function buildUserfaultfd(directory, notes) {
  if (available('gcc') === null) {
    notes.push('no C compiler is installed: no peer');
    return null;
  }
  const program = join(directory, 'userfaultfd');
  const built = runTimed('gcc', ['-O2', '-w', '-pthread', SOURCE, '-o', program]);
  if (built.status !== 0) throw new Error(`the peer does not build: ${built.errors}`);
  const tried = runTimed(program, ['uffd', '1']);
  if (tried.status !== 0) {
    notes.push(`userfaultfd is not to be had here (${tried.errors.trim()}): no peer`);
    return null;
  }
  return (pages) => {
    const { output } = runTimed(program, ['uffd', String(pages), 'seq', 'onecpu']);
    const value = (name) => Number(output.match(new RegExp(`\\b${name}=(\\d+)`))?.[1]);
    return { wallRate: value('pages/s'), cpuRate: (value('pages') * 1e6) / value('cpu_us') };
  };
}
