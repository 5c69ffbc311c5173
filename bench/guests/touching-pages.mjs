/** A guest that reads the first word of every page of a VMO, and pages by which a wrong one shows itself. */
import { PAGE_SIZE, ZX_PROCESS_TERMINATED } from '@faultline/kernel';
import { measure } from '../statistics.mjs';
import { AsmProcess, DATA, FREE } from './asm-process.mjs';

/** The first word of page `page`. */
const FACTOR = 2_654_435_761;

/** Bytes of `pages` pages. */
export function taggedPages(pages) {
  const bytes = new Uint8Array(pages * PAGE_SIZE);
  const view = new DataView(bytes.buffer);
  for (let page = 0; page < pages; page += 1)
    view.setBigUint64(page * PAGE_SIZE, BigInt(page) * BigInt(FACTOR), true);
  return bytes;
}

/** A backing that copies `content`, again and again where the VMO is longer. */
export function memoryBacking(content) {
  return {
    read({ offset }, into) {
      let at = offset % content.length;
      for (const view of into) {
        view.set(content.subarray(at, at + view.length));
        at += view.length;
      }
    },
  };
}

/** Assembly that puts the tag of the page in a register into another. */
export const tagPage = (into, page) => `li ${into}, ${FACTOR}\nmul ${into}, ${into}, ${page}`;

const SOURCE = (pages) => `
    li   a0, ${FREE}
    li   a1, ${FREE + pages * PAGE_SIZE}
    li   a2, 0
    li   a3, ${PAGE_SIZE}
touch:
    ld   t0, 0(a0)
    add  a2, a2, t0
    add  a0, a0, a3
    bltu a0, a1, touch
    li   a0, ${DATA}
    sd   a2, 0(a0)
    li   a0, 0
    call zx_process_exit
`;

/**
 * Runs a guest over `pages` pages of a VMO, from page `first` on, whose tags count from there, and checks what it read.
 *
 * @returns seconds of wall and CPU time until the guest has ended; what else runs in the kernel stays as it is
 */
export async function touchPages(kernel, host, entries, vmo, pages, first = 0) {
  const mappings = [{ address: FREE, vmo, offset: first * PAGE_SIZE, bytes: pages * PAGE_SIZE }];
  const guest = await AsmProcess.start(kernel, host, entries, SOURCE(pages), { name: 'touch', mappings });
  const ended = host.objectWaitOne(guest.process, ZX_PROCESS_TERMINATED);
  let run;
  const { wall, cpu } = await measure(async () => {
    run = kernel.run();
    await ended;
  });
  kernel.stop();
  await run;
  const expected = (BigInt(FACTOR) * BigInt(pages) * BigInt(pages - 1)) / 2n;
  const sum = await guest.word(0);
  if (sum !== expected) throw new Error(`the guest read pages whose tags add up to ${sum}, not ${expected}`);
  guest.end();
  return { wall, cpu };
}
