/** Times programs for a machine without an operating system: in a page, which fetches them, and in Node. */
import { loadElf } from '@faultline/mmu-emu';
import { finish, machineWith } from '../bare-machine.mjs';

/** Instructions, seconds of wall time from the first to the last, and what was printed. */
export async function time(elf) {
  const { machine, output } = await machineWith((made) => loadElf(made, elf));
  const start = performance.now();
  const retired = finish(machine);
  return { retired, seconds: (performance.now() - start) / 1000, output: output() };
}

/** @param {readonly string[]} paths where the ELF files are, of the server */
export async function run(paths) {
  const results = [];
  for (const path of paths) results.push(await time(new Uint8Array(await (await fetch(path)).arrayBuffer())));
  return results;
}
