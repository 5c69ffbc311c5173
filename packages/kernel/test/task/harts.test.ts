/** Several harts under one kernel: threads of a process on different ones see the same memory. */
import { HART_PC } from '@faultline/mmu-emu';
import { afterEach, describe, expect, it } from 'vitest';
import { ZX_CHANNEL_READABLE } from '../../src/abi/signals.js';
import { ZX_OK } from '../../src/abi/status.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { Kernel } from '../../src/kernel.js';
import type { KernelOptions } from '../../src/kernel-options.js';
import { AsmGuest, DATA, EXIT, FREE, PAGE, zx } from '../support/asm-guest.js';

let kernel: Kernel;

afterEach(() => {
  kernel.close();
});

async function create(options: KernelOptions): Promise<ReturnType<Kernel['createHostProcess']>> {
  kernel = await Kernel.create({ ramBytes: 4 * 2 ** 20, ...options });
  return kernel.createHostProcess('test');
}

const THREADS = 9;
const ROUNDS = 100;

/** Each thread adds one to a word, again and again, by lr and sc; the last that is done ends the process with the sum. */
const COUNTERS = `
  j main
  .balign 4
worker:
  mv s0, a0
  li s1, ${DATA}
  li s2, ${ROUNDS}
again:
  lr.d t0, (s1)
  addi t0, t0, 1
  sc.d t1, t0, (s1)
  bnez t1, again
  addi s2, s2, -1
  bnez s2, again
  addi t2, s1, 8
  li t1, 1
  amoadd.d t0, t1, (t2)
  li t1, ${THREADS - 1}
  bne t0, t1, leave
  ld a0, 0(s1)
  ${EXIT}
leave:
main:
  ${zx('thread_exit')}`;

describe('several harts', () => {
  it.each([1, 2, 5, 8])('%i: every one runs threads, and what they add up is exact', async (harts) => {
    const host = await create({ harts, sliceInstructions: 37 });
    const guest = await AsmGuest.start(kernel, host, COUNTERS);
    for (let index = 0; index < THREADS; index += 1) guest.addThread(index);
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(THREADS * ROUNDS));
    const used = kernel.machine.harts.map(({ context }) => context[HART_PC] !== 0);
    expect(used).toEqual(Array.from({ length: harts }, () => true));
  });

  it('memory that is unmapped is gone for threads that have just used it on any of them', async () => {
    const host = await create({ harts: 3, sliceInstructions: 500 });
    const vmo = host.vmoCreate(PAGE, 0).handle;
    const port = host.portCreate(0).handle;
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      j main
      .balign 4
    reader:
      li s0, ${FREE}
      slli s1, a0, 3
      li s2, ${DATA}
      add s2, s2, s1
    load:
      ld t0, 0(s0)
      addi s3, s3, 1
      sd s3, 64(s2)
      j load
    main:
      li t0, 10000
    spin:
      addi t0, t0, -1
      bnez t0, spin
      li a0, $0
      li a1, ${DATA}
      ${zx('port_queue')}
      j main`,
      {
        give: [host.handleDuplicate(port, ZX_RIGHT_SAME_RIGHTS).handle],
        map: [{ address: FREE, vmo, bytes: PAGE }],
      },
    );
    const readers = [0, 1, 2, 3].map((index) => guest.addThread(index));
    const channels = readers.map((thread) => host.taskCreateExceptionChannel(thread, 0).handle);
    host.onPortPacket(port, () => {
      expect(host.vmarUnmap(guest.vmar, FREE, PAGE).status).toBe(ZX_OK);
      kernel.stop();
    });
    await kernel.run();
    const rounds = async (): Promise<bigint[]> =>
      Promise.all(readers.map((_, index) => guest.i64(64 + 8 * index)));
    const before = await rounds();
    expect(before.every((count) => count > 0n)).toBe(true);
    const run = kernel.run();
    for (const channel of channels) await host.objectWaitOne(channel, ZX_CHANNEL_READABLE);
    kernel.stop();
    await run;
    // Nobody was able to load once more: at most the store of the round under way was still to be done.
    const after = await rounds();
    after.forEach((count, index) => expect(count - before[index]).toBeLessThanOrEqual(1n));
  });

  it.each([1, 2])('%i: what the host writes ends a reservation', async (harts) => {
    const host = await create({ harts, sliceInstructions: 5_000 });
    const port = host.portCreate(0).handle;
    const guest = await AsmGuest.start(
      kernel,
      host,
      `
      li s0, ${DATA}
      sd zero, 0(s0)
      li a0, $0
      addi a1, s0, 64
      ${zx('port_queue')}
      bnez a0, end
      lr.d t0, (s0)
      li t1, 20000
    spin:
      addi t1, t1, -1
      bnez t1, spin
      sc.d a0, t0, (s0)
    end:
      ${EXIT}`,
      { give: [host.handleDuplicate(port, ZX_RIGHT_SAME_RIGHTS).handle] },
    );
    let written = ZX_OK - 1;
    host.onPortPacket(port, () => {
      written = host.call('vmo_write', guest.dataVmo, new Uint8Array([7]), 0, 1);
    });
    await kernel.run();
    expect(written).toBe(ZX_OK);
    expect(await guest.word(0)).toBe(7);
    expect(guest.returnCode).toBe(1n);
  });

  it('are as many as programs are told', async () => {
    const host = await create({ harts: 3 });
    const guest = await AsmGuest.start(kernel, host, `${zx('system_get_num_cpus')}\n${EXIT}`);
    await kernel.run();
    expect(guest.returnCode).toBe(3n);
  });

  it('are at least one and at most eight', async () => {
    await create({});
    for (const harts of [0, 9, 1.5])
      await expect(Kernel.create({ harts })).rejects.toThrow(/harts must be an integer from 1 to 8/);
  });
});
