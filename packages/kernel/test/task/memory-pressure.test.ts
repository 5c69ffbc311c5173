/** Guests that need more memory than there is. */
import { afterEach, describe, expect, it } from 'vitest';
import { ZX_EXCP_FATAL_PAGE_FAULT } from '../../src/abi/exceptions.js';
import { ZX_ERR_NO_MEMORY } from '../../src/abi/status.js';
import { ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel, type KernelOptions } from '../../src/kernel.js';
import { AsmGuest, EXIT, FREE, PAGE } from '../support/asm-guest.js';
import { ServingPager } from '../support/serving-pager.js';

const MEBIBYTE = 2 ** 20;

let kernel: Kernel;
let host: HostProcess;
const lines: string[] = [];

async function boot(options: KernelOptions): Promise<void> {
  lines.length = 0;
  kernel = await Kernel.create({ ...options, log: (_severity, text) => lines.push(text) });
  host = kernel.createHostProcess('test');
}

afterEach(() => kernel.close());

/** What a page of the file has in each of its bytes. */
const fill = (page: number): number => (page * 7 + (page >>> 8)) & 0xff;

/** Adds up the first and the last byte of every page, `rounds` times over. */
function scan(pages: number, rounds: number): string {
  return `
    li a0, 0
    li s2, ${rounds}
  again:
    li s0, ${FREE}
    li s1, ${FREE + pages * PAGE}
    li s3, ${PAGE}
  next:
    lbu t0, 0(s0)
    add a0, a0, t0
    add s0, s0, s3
    lbu t0, -1(s0)
    add a0, a0, t0
    bltu s0, s1, next
    addi s2, s2, -1
    bnez s2, again
    ${EXIT}`;
}

function sum(pages: number): number {
  let total = 0;
  for (let page = 0; page < pages; page += 1) total += 2 * fill(page);
  return total;
}

describe('a guest whose file is larger than RAM', () => {
  it('reads all of it, twice, and sees the right bytes', async () => {
    await boot({ ramBytes: 4 * MEBIBYTE });
    const pages = 40 * (MEBIBYTE / PAGE);
    const pager = new ServingPager(host, fill);
    const file = pager.createVmo(pages);
    pager.serve(file);
    const guest = await AsmGuest.start(kernel, host, scan(pages, 2), {
      map: [{ address: FREE, vmo: file, bytes: pages * PAGE, permissions: ZX_VM_PERM_READ }],
    });
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.crash).toBeNull();
    expect(guest.returnCode).toBe(BigInt(2 * sum(pages)));
    const { pagesSupplied, pagesEvicted, frames } = kernel.statistics();
    // Nothing of the first round is left when the second comes to it, and each page was fetched once a round.
    expect(pagesSupplied).toBe(2 * pages);
    expect(pagesEvicted).toBeGreaterThan(2 * pages - frames.total);
    expect(frames.free).toBeGreaterThan(0);
  });

  it('its code and what it uses again and again stay', async () => {
    await boot({ ramBytes: 4 * MEBIBYTE });
    const pages = 8 * (MEBIBYTE / PAGE);
    const pager = new ServingPager(host, fill);
    const file = pager.createVmo(pages);
    pager.serve(file);
    // Page 0 is read between any two others.
    const guest = await AsmGuest.start(
      kernel,
      host,
      scan(pages, 1).replace('next:', `next:\nli t1, ${FREE}\nlbu t0, 8(t1)`),
      { map: [{ address: FREE, vmo: file, bytes: pages * PAGE, permissions: ZX_VM_PERM_READ }] },
    );
    await kernel.run();
    expect(guest.returnCode).toBe(BigInt(sum(pages)));
    expect(pager.requests.filter(([page]) => page === 0)).toHaveLength(1);
    expect(pager.requests).toHaveLength(pages);
  });
});

describe('anonymous memory that does not fit', () => {
  it('ends the process that touches it, and says why; others go on', async () => {
    await boot({ ramBytes: 4 * MEBIBYTE });
    const pages = 8 * (MEBIBYTE / PAGE);
    const heap = host.vmoCreate(pages * PAGE, 0).handle;
    const greedy = `
      li s0, ${FREE}
      li s3, ${PAGE}
    next:
      sd s0, 0(s0)
      add s0, s0, s3
      j next`;
    const filePages = 200;
    const pager = new ServingPager(host, fill);
    const file = pager.createVmo(filePages);
    pager.serve(file);
    const modest = await AsmGuest.start(kernel, host, scan(filePages, 3), {
      name: 'modest',
      map: [{ address: FREE, vmo: file, bytes: filePages * PAGE, permissions: ZX_VM_PERM_READ }],
    });
    const guest = await AsmGuest.start(kernel, host, greedy, {
      name: 'greedy',
      map: [{ address: FREE, vmo: heap, bytes: pages * PAGE }],
    });
    host.handleClose(heap);
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.crash?.exception).toMatchObject({
      type: ZX_EXCP_FATAL_PAGE_FAULT,
      access: 'write',
      synthCode: ZX_ERR_NO_MEMORY >>> 0,
    });
    expect(lines.join('\n')).toMatch(/greedy.*fatal page fault.*ZX_ERR_NO_MEMORY/);
    expect(modest.crash).toBeNull();
    expect(modest.returnCode).toBe(BigInt(3 * sum(filePages)));
  });
});
