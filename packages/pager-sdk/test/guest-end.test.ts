import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  PA_HND,
  PA_USER1,
  ZX_OK,
  ZX_PROCESS_TERMINATED,
  ZX_RIGHT_SAME_RIGHTS,
  type Kernel,
  type HostProcess,
} from '@faultline/kernel';
import { expect, it } from 'vitest';
import { heldBacking, PAGE, pagerRig, settle } from './support/pager-rig.js';

const BIN =
  process.env['FAULTLINE_GUEST_BIN'] ?? fileURLToPath(new URL('../../../guest/bin', import.meta.url));

/** Starts a program that checks every page of a VMO. */
async function startClient(kernel: Kernel, host: HostProcess, vmo: number, pages: number): Promise<number> {
  const elf = readFileSync(`${BIN}/pager-client.elf`);
  const image = host.vmoCreate(elf.length, 0);
  expect((await host.vmoWrite(image.handle, elf, 0)).status).toBe(ZX_OK);
  const executable = host.vmoReplaceAsExecutable(image.handle).handle;
  const handles = [
    { info: PA_HND(PA_USER1, 0), handle: host.handleDuplicate(vmo, ZX_RIGHT_SAME_RIGHTS).handle },
  ];
  const started = await kernel.startProcess(host, {
    name: 'client',
    executable,
    arguments: ['client', '7', String(pages)],
    handles,
  });
  host.handleClose(executable);
  expect(started.error).toBeNull();
  return started.process;
}

it('bytes that a backing writes after the guest has ended are never seen', async () => {
  const { kernel, host, service } = await pagerRig({}, { ramBytes: 4 * 2 ** 20 });
  const { held, backing } = heldBacking();
  const vmo = service.createVmo(backing, { size: 8 * PAGE });
  const process = await startClient(kernel, host, vmo.handle, 8);
  const running = kernel.run();
  while (held.length === 0) await settle();
  const whileWaiting = kernel.statistics().frames;
  expect(whileWaiting.lent).toBe(held.reduce((sum, { length }) => sum + length / PAGE, 0));

  expect(host.taskKill(process).status).toBe(ZX_OK);
  expect((await host.objectWaitOne(process, ZX_PROCESS_TERMINATED)).status).toBe(ZX_OK);
  await running;
  const gone = vmo.detach();
  // Everything that is free now belongs to somebody else.
  const free = kernel.statistics().frames.free;
  const other = host.vmoCreate(free * PAGE, 0).handle;
  const pattern = new Uint8Array(PAGE).fill(0x5a);
  let pages = 0;
  while (pages < free && (await host.vmoWrite(other, pattern, pages * PAGE)).status === ZX_OK) pages += 1;
  for (const { into } of held) for (const view of into) view.fill(0xbd);
  const seen = new Uint8Array(PAGE);
  const wrong: number[] = [];
  for (let page = 0; page < pages; page++) {
    await host.vmoRead(other, seen, page * PAGE);
    if (!seen.every((byte) => byte === 0x5a)) wrong.push(page);
  }
  expect(pages).toBeGreaterThan(500);
  expect(wrong).toEqual([]);
  for (const { resolve } of held) resolve();
  await gone;
  expect(kernel.statistics().frames.lent).toBe(0);
});
