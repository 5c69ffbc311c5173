/** Requests that a pager does not answer: what the log says of them, and when their waits end. */
import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '@faultline/mmu-emu';
import { ZX_ERR_TIMED_OUT, ZX_OK } from '../../src/abi/status.js';
import { ZX_EXCP_FATAL_PAGE_FAULT } from '../../src/abi/exceptions.js';
import { ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import { Kernel } from '../../src/kernel.js';
import { KernelError } from '../../src/kernel-error.js';
import type { OvertimeLimits } from '../../src/vm/request-overtime.js';
import { HARTS } from '../support/harts.js';
import { AsmGuest, EXIT, FREE, zx } from '../support/asm-guest.js';
import { ServingPager } from '../support/serving-pager.js';
import { UserPager } from '../support/user-pager.js';
import { PAGE, VmFixture } from '../support/vm-fixture.js';

const SECOND = 1_000_000_000;

let fixture: VmFixture;
let pager: UserPager;
let lines: string[];

async function make(overtime?: OvertimeLimits): Promise<void> {
  lines = [];
  fixture = await VmFixture.create({
    onLog: (severity, text) => lines.push(`${severity}: ${text}`),
    ...(overtime === undefined ? {} : { overtime }),
  });
  pager = new UserPager(fixture);
}

/** Time passes, and what is due happens. */
async function pass(seconds: number): Promise<void> {
  const { clock, state } = fixture;
  const end = clock.now() + seconds * SECOND;
  for (let next = state.overtime.timers.next; next <= end; next = state.overtime.timers.next) {
    clock.skipTo(next);
    state.overtime.timers.expire(next);
  }
  clock.skipTo(end);
  await pager.turn();
}

describe.each(['Vmar', 'Vmo'] as const)('%s: a request without an answer', (path) => {
  beforeEach(() => make());

  it('is told of every 20 s, and fails after 300 s', async () => {
    const vmo = pager.createVmo(4);
    const access = path === 'Vmar' ? pager.load(vmo, 1) : pager.read(vmo, 1, 3);
    await pass(19);
    expect(lines).toEqual([]);
    await pass(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toBe(
      `warning: a pager has not answered for 20 s: page 1 of VMO ${pager.object(vmo).koid}`,
    );
    await pass(279);
    expect(lines).toHaveLength(14);
    expect(access.isBlocked).toBe(true);
    await pass(1);
    expect(access.isBlocked).toBe(false);
    if ('outcome' in access)
      expect(access.outcome).toEqual({ end: 'crash', address: vmo.base + PAGE, status: ZX_ERR_TIMED_OUT });
    else expect(access.status).toBe(ZX_ERR_TIMED_OUT);
    expect(lines[14]).toMatch(/^error: a pager has not answered for 300 s: .*ZX_ERR_TIMED_OUT$/);
    // The request was not read, and is withdrawn.
    pager.finish();
    expect(fixture.state.overtime.timers.size).toBe(0);
  });

  it('costs nothing when it is answered in time', async () => {
    const vmo = pager.createVmo(4);
    const access = path === 'Vmar' ? pager.load(vmo, 1) : pager.read(vmo, 1, 1);
    await pass(299);
    pager.expectPackets(pager.R(vmo, 1, 1));
    pager.supply(vmo, 1, 1);
    await pass(1000);
    expect(access.isBlocked).toBe(false);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(fixture.state.overtime.timers.size).toBe(0);
    pager.finish();
  });
});

describe('waits for a pager', () => {
  it('have their own time each, and begin anew with each page', async () => {
    await make();
    const vmo = pager.createVmo(4);
    const first = pager.read(vmo, 0, 2);
    await pass(200);
    const second = pager.read(vmo, 1, 1);
    pager.expectPackets(pager.R(vmo, 0, 2));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    await pass(299);
    // The first reader took page 0 and has waited for page 1 since; so has the second.
    expect([first.isBlocked, second.isBlocked]).toEqual([true, true]);
    await pass(1);
    expect([first.status, second.status]).toEqual([ZX_ERR_TIMED_OUT, ZX_ERR_TIMED_OUT]);
    pager.finish();
  });

  it('of several for one page, the one that gives up leaves the request to the next', async () => {
    await make();
    const vmo = pager.createVmo(1);
    const first = pager.read(vmo, 0, 1);
    await pass(100);
    const second = pager.load(vmo, 0);
    await pass(200);
    expect([first.status, second.isBlocked]).toEqual([ZX_ERR_TIMED_OUT, true]);
    pager.expectPackets(pager.R(vmo, 0, 1));
    pager.supply(vmo, 0, 1);
    await pager.turn();
    expect(second.outcome).toEqual({ end: 'done', value: vmo.first });
    pager.finish();
  });

  it('can be without warnings, and without an end', async () => {
    await make({ warnAfter: 0, failAfter: 50 * SECOND });
    const vmo = pager.createVmo(2);
    const read = pager.read(vmo, 0, 1);
    await pass(50);
    expect(read.status).toBe(ZX_ERR_TIMED_OUT);
    expect(lines).toHaveLength(1);
    pager.finish();
    await make({ warnAfter: 7 * SECOND, failAfter: 0 });
    const other = pager.createVmo(2);
    const waiting = pager.read(other, 0, 1);
    await pass(10_000);
    expect([waiting.isBlocked, lines.length]).toEqual([true, 1428]);
    pager.expectPackets(pager.R(other, 0, 1));
    pager.supply(other, 0, 1);
    await pager.turn();
    expect(waiting.status).toBe(ZX_OK);
    pager.finish();
    await make({ warnAfter: 0, failAfter: 0 });
    const third = pager.createVmo(1);
    const forever = pager.read(third, 0, 1);
    expect(fixture.state.overtime.timers.size).toBe(0);
    pager.packets();
    pager.supply(third, 0, 1);
    await pager.turn();
    expect(forever.status).toBe(ZX_OK);
    pager.finish();
  });
});

describe('a kernel', () => {
  it('ends the thread that waited too long while others go on', async () => {
    const log: string[] = [];
    const kernel = await Kernel.create({
      ramBytes: 4 * 2 ** 20,
      harts: HARTS,
      clock: new VirtualClock(),
      pagerOvertimeSeconds: 2,
      pagerTimeoutSeconds: 5,
      log: (_severity, text) => log.push(text),
    });
    const host = kernel.createHostProcess('test');
    const silent = new ServingPager(host);
    const file = silent.createVmo(1);
    const waiting = await AsmGuest.start(kernel, host, `li a0, ${FREE}\nld a0, 0(a0)\n${EXIT}`, {
      name: 'waiting',
      map: [{ address: FREE, vmo: file, bytes: PAGE, permissions: ZX_VM_PERM_READ }],
    });
    const sleeper = await AsmGuest.start(
      kernel,
      host,
      `li s0, 10\nagain:\nli a0, 1\n${zx('clock_get_monotonic')}\nli t0, 1000000000\nadd a0, a0, t0\n${zx('nanosleep')}
       addi s0, s0, -1\nbnez s0, again\nli a0, 7\n${EXIT}`,
      { name: 'sleeper' },
    );
    expect((await kernel.run()).outcome).toBe('exited');
    expect(sleeper.returnCode).toBe(7n);
    expect(waiting.crash?.exception).toMatchObject({
      type: ZX_EXCP_FATAL_PAGE_FAULT,
      synthCode: ZX_ERR_TIMED_OUT >>> 0,
    });
    expect(log.filter((line) => line.startsWith('a pager has not answered'))).toHaveLength(3);
    kernel.close();
  });

  it('tells a deadlock at once, rather than after that time', async () => {
    const kernel = await Kernel.create({ ramBytes: 4 * 2 ** 20, harts: HARTS });
    const host = kernel.createHostProcess('test');
    const file = new ServingPager(host).createVmo(1);
    await AsmGuest.start(kernel, host, `li a0, ${FREE}\nld a0, 0(a0)\n${EXIT}`, {
      map: [{ address: FREE, vmo: file, bytes: PAGE, permissions: ZX_VM_PERM_READ }],
    });
    expect(await kernel.run()).toMatchObject({
      outcome: 'deadlock',
      waiting: [{ on: expect.stringMatching(/^page 0 of VMO/) as string }],
    });
    expect(kernel.clock.now()).toBeLessThan(SECOND);
    kernel.close();
  });

  it('refuses times that are none', async () => {
    for (const options of [{ pagerOvertimeSeconds: -1 }, { pagerTimeoutSeconds: NaN }]) {
      await expect(Kernel.create(options)).rejects.toThrow(KernelError);
    }
  });
});
