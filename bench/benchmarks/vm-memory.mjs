/**
 * Bytes of bookkeeping that a resident page costs beside its frame: what the kernel's typed arrays and objects grow by when pages are
 * supplied, and what it keeps for each frame of RAM anyway. Page tables are told apart; they cost what is mapped.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Kernel, PAGE_SIZE, ZX_VMO_OP_COMMIT } from '@faultline/kernel';
import { ok } from '../guests/asm-process.mjs';
import { summarize } from '../statistics.mjs';

const CHUNK = 1_024;
const LITTLE_RAM = 64 << 20;
const MUCH_RAM = 1024 << 20;

export async function run() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const rows = [];
  const perFrame = await bytesOfFrames(collect);
  // Counts that are unlucky for arrays that double.
  for (const [what, pages, stride] of [
    ['adjacent pages', 140_000, 1],
    ['one page in 64', 16_000, 64],
  ]) {
    const listed = await bytesOfPages(collect, pages, stride);
    rows.push({
      what: `bookkeeping of a resident page, ${what}`,
      unit: 'bytes',
      ours: summarize([perFrame + listed]),
      ...(stride === 1 ? { target: 16 } : {}),
    });
  }
  return {
    rows,
    notes: [
      `${perFrame.toFixed(2)} bytes of these for the frame, resident or not; a mapped page has 8 more in a page table`,
    ],
  };
}

/** Bytes in use outside guest RAM, when garbage is gone: some of it needs a turn of its own, and a second collection. */
async function used(collect) {
  for (let times = 0; times < 3; times += 1) {
    await new Promise(setImmediate);
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What a kernel with more RAM has more, a frame: in typed arrays only, since no object is a frame's. */
async function bytesOfFrames(collect) {
  const kernels = [];
  const sizes = [];
  for (const ramBytes of [LITTLE_RAM, MUCH_RAM]) {
    await used(collect);
    const before = process.memoryUsage().arrayBuffers;
    kernels.push(await Kernel.create({ ramBytes }));
    await used(collect);
    sizes.push(process.memoryUsage().arrayBuffers - before);
  }
  for (const kernel of kernels) kernel.close();
  return ((sizes[1] - sizes[0]) * PAGE_SIZE) / (MUCH_RAM - LITTLE_RAM);
}

/** What the kernel has more, a page, when every `stride`-th page of a pager's VMO has been supplied. */
async function bytesOfPages(collect, pages, stride) {
  const kernel = await Kernel.create({ ramBytes: MUCH_RAM });
  const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
  const pager = ok(host.pagerCreate(0)).handle;
  const port = ok(host.portCreate(0)).handle;
  const vmo = ok(host.pagerCreateVmo(pager, 0, port, 1n, pages * stride * PAGE_SIZE)).handle;
  const aux = ok(host.vmoCreate(CHUNK * PAGE_SIZE, 0)).handle;
  const supply = async (from, to) => {
    for (let page = from; page < to; page += CHUNK) {
      const count = Math.min(CHUNK, to - page);
      ok(await host.vmoOpRange(aux, ZX_VMO_OP_COMMIT, 0, count * PAGE_SIZE));
      if (stride === 1) {
        ok(host.pagerSupplyPages(pager, vmo, page * PAGE_SIZE, count * PAGE_SIZE, aux, 0));
        continue;
      }
      for (let index = 0; index < count; index += 1)
        ok(
          host.pagerSupplyPages(
            pager,
            vmo,
            (page + index) * stride * PAGE_SIZE,
            PAGE_SIZE,
            aux,
            index * PAGE_SIZE,
          ),
        );
    }
  };
  await supply(0, CHUNK);
  const { free } = kernel.statistics().frames;
  const before = await used(collect);
  await supply(CHUNK, pages);
  const bytes = (await used(collect)) - before;
  if (free - kernel.statistics().frames.free !== pages - CHUNK) throw new Error('pages were not supplied');
  kernel.close();
  return bytes / (pages - CHUNK);
}
