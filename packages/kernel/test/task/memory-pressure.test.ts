/** Guests that need more memory than there is. */
import { afterEach, describe, expect, it } from 'vitest';
import { ZX_EXCP_FATAL_PAGE_FAULT } from '../../src/abi/exceptions.js';
import { ZX_ERR_NO_MEMORY, ZX_OK } from '../../src/abi/status.js';
import { ZX_VMO_OP_COMMIT, ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import type { KernelOptions } from '../../src/kernel-options.js';
import { AsmGuest, CODE, DATA, EXIT, FREE, PAGE, zx } from '../support/asm-guest.js';
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

describe('more threads than pages that can stay', () => {
  const THREADS = 40;
  const EACH = 20;
  const PAGES = THREADS * EACH;
  /** For all threads but the file's pages, and for those at most. */
  const LEFT = 40;

  /** Each thread works on its pages, at s0; the last to be done ends the process with the sum of what they have in s5. */
  const work = (body: string): string => `
      j main
      .balign 4
    worker:
      li s0, ${EACH * PAGE}
      mul s0, s0, a0
      li t0, ${FREE}
      add s0, s0, t0
      li s5, 0
      ${body}
      li t0, ${DATA}
      amoadd.d zero, s5, (t0)
      li t1, 1
      addi t0, t0, 8
      amoadd.d t2, t1, (t0)
      li t1, ${THREADS - 1}
      bne t2, t1, leave
      ld a0, -8(t0)
      ${EXIT}
    leave:
    main:
      ${zx('thread_exit')}`;

  const loads = work(`
      li s1, ${EACH}
      li s2, ${PAGE}
    next:
      lbu t0, 0(s0)
      add s5, s5, t0
      add s0, s0, s2
      addi s1, s1, -1
      bnez s1, next`);

  const writes = work(`
      li a0, $0
      mv a1, s0
      li a2, 0
      li a3, ${EACH * PAGE}
      ${zx('vmo_write')}
      mv s5, a0`);

  it.each([
    ['loads', loads, sum(PAGES) / 2],
    ['writes of what is mapped, by a system call', writes, 0],
  ])('all come to the end of their %s', async (_what, source, result) => {
    await boot({ ramBytes: 2 * MEBIBYTE, sliceInstructions: 1_000 });
    const pager = new ServingPager(host, fill);
    const file = pager.createVmo(PAGES);
    pager.serve(file);
    const target = host.vmoCreate(EACH * PAGE, 0).handle;
    expect((await host.vmoOpRange(target, ZX_VMO_OP_COMMIT, 0, EACH * PAGE)).status).toBe(ZX_OK);
    const guest = await AsmGuest.start(kernel, host, source, {
      give: [target],
      map: [{ address: FREE, vmo: file, bytes: PAGES * PAGE, permissions: ZX_VM_PERM_READ }],
    });
    for (let index = 0; index < THREADS; index += 1) {
      const thread = host.threadCreate(guest.process, `thread ${index}`, 0).handle;
      expect(host.threadStart(thread, CODE + 4, 0, index, 0).status).toBe(ZX_OK);
    }
    const rest = (kernel.statistics().frames.free - LEFT) * PAGE;
    const hog = host.vmoCreate(rest, 0).handle;
    expect((await host.vmoOpRange(hog, ZX_VMO_OP_COMMIT, 0, rest)).status).toBe(ZX_OK);
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.crash).toBeNull();
    expect(guest.returnCode).toBe(BigInt(result));
    expect(kernel.statistics().pagesEvicted).toBeGreaterThan(PAGES - LEFT);
  });
});
