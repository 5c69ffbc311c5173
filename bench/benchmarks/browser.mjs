/** Guest instructions a second in headless Chromium, and in Node beside it: the same programs, each in a page or process of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHROMIUM, runInChromium } from '../../scripts/browser/chromium.mjs';
import { checksumOf, compiled, findCompiler } from '../bare-programs.mjs';
import { available } from '../peers/process-time.mjs';
import { summarize } from '../statistics.mjs';

const PAGE = fileURLToPath(new URL('../processes/programs-in-page.mjs', import.meta.url));
const PROCESS = fileURLToPath(new URL('../processes/programs-in-node.mjs', import.meta.url));

/** C programs, and how much of them. */
const SCALES = { int: 4, vm: 4, call: 4, muldiv: 8, sha: 4, fp: 2, lz: 4, words: 6, blur: 6 };

export async function run({ rounds }) {
  const compiler = findCompiler();
  const missing = [
    ...(compiler === undefined ? ['no RISC-V C compiler is installed'] : []),
    ...(available(CHROMIUM) === null ? [`${CHROMIUM} is not installed`] : []),
  ];
  if (missing.length > 0) return { rows: [], notes: missing.map((what) => `${what}: nothing was run`) };
  const directory = mkdtempSync(join(tmpdir(), 'faultline-bench-'));
  try {
    const rows = [];
    for (const [name, scale] of Object.entries(SCALES)) {
      const [, path] = compiled(compiler, directory, name, scale).qemu;
      rows.push(await compare(name, path, rounds));
    }
    return { rows };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compare(name, path, rounds) {
  const files = { '/program.elf': readFileSync(path) };
  /** @type {[number[], number[]]} */
  const [ours, peer] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    // Packages as they were built.
    const [page] = await runInChromium(PAGE, [['/program.elf']], { conditions: [], files });
    const node = inNode(path);
    if (page.output !== node.output && checksumOf(page.output) !== checksumOf(node.output))
      throw new Error(`${name} printed ${page.output} in Chromium, ${node.output} in Node`);
    ours.push(page.retired / page.seconds / 1e6);
    peer.push(node.retired / node.seconds / 1e6);
  }
  return {
    what: `${name}, S-mode, Sv39, in Chromium`,
    unit: 'million instructions / s',
    ours: summarize(ours),
    peer: { name: 'Node', ...summarize(peer) },
  };
}

function inNode(path) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROCESS, path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${path} in Node ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
