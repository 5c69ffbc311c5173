import { Machine, VirtualClock } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_CHANNEL_READABLE } from '../src/abi/signals.js';
import { ZX_ERR_CANCELED, ZX_ERR_SHOULD_WAIT, ZX_ERR_TIMED_OUT, ZX_OK } from '../src/abi/status.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../src/abi/rights.js';
import type { KernelEvent } from '../src/events.js';
import type { HostProcess } from '../src/host/host-process.js';
import { Kernel } from '../src/kernel.js';
import type { KernelOptions } from '../src/kernel-options.js';
import { WallClock } from '../src/wall-clock.js';
import { AsmGuest, DATA, EXIT, FREE, PAGE, zx } from './support/asm-guest.js';
import { ServingPager, turn } from './support/serving-pager.js';

const INFINITE = '0x7fffffffffffffff';
const WAIT_ON_PORT = `li a0, $0\nli a1, ${INFINITE}\nli a2, ${DATA}\n${zx('port_wait')}\n${EXIT}`;
const SLEEP_1S = `${zx('clock_get_monotonic')}\nli a1, 1000000000\nadd a0, a0, a1\n${zx('nanosleep')}\n${EXIT}`;

describe('a kernel', () => {
  let kernel: Kernel;
  let host: HostProcess;

  async function create(options: KernelOptions = {}): Promise<void> {
    kernel = await Kernel.create({ ramBytes: 8 * 2 ** 20, ...options });
    host = kernel.createHostProcess('test');
  }

  beforeEach(() => create());

  afterEach(() => {
    kernel.close();
  });

  const copyOf = (handle: number): number => host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS).handle;

  it('has nothing to do when no process runs', async () => {
    expect(await kernel.run()).toEqual({ outcome: 'exited', waiting: [] });
  });

  it('says which thread waits for what when nothing can wake any', async () => {
    const port = host.portCreate(0).handle;
    const { koid } = host.handleBasicInfo(copyOf(port));
    const [near, far] = host.channelCreate(0).handles;
    const first = await AsmGuest.start(kernel, host, WAIT_ON_PORT, { name: 'one', give: [copyOf(port)] });
    const second = await AsmGuest.start(
      kernel,
      host,
      `li a0, $0\nli a1, 1\nli a2, ${INFINITE}\nli a3, 0\n${zx('object_wait_one')}\n${EXIT}`,
      { name: 'two', give: [far] },
    );
    const { outcome, waiting } = await kernel.run();
    expect(outcome).toBe('deadlock');
    expect(waiting).toHaveLength(2);
    expect(waiting[0]).toEqual({
      process: first.dispatcher.koid,
      processName: 'one',
      thread: host.handleBasicInfo(first.thread).koid,
      name: 'main',
      on: `a packet on port ${koid}`,
    });
    expect(waiting[1]).toMatchObject({
      processName: 'two',
      on: expect.stringMatching(/^signals 0x1 of object \d+$/),
    });
    // It is not the end: what the host does then counts.
    host.portQueue(port, 1n, 0, new Uint8Array(0));
    host.channelWrite(near, 0, Uint8Array.of(1));
    expect((await kernel.run()).outcome).toBe('exited');
    expect([first.returnCode, second.returnCode]).toEqual([0n, 0n]);
  });

  it('tells of suspended threads and of calls of the host, when nothing can go on', async () => {
    const guest = await AsmGuest.start(kernel, host, 'spin: j spin', { name: 'resting' });
    const token = host.taskSuspend(guest.process).handle;
    const port = host.portCreate(0).handle;
    const packet = host.portWait(port);
    const { outcome, waiting } = await kernel.run();
    expect(outcome).toBe('deadlock');
    const { koid } = host.handleBasicInfo(guest.thread);
    expect(waiting).toEqual([
      expect.objectContaining({ processName: 'resting', thread: koid, on: 'the end of its suspension' }),
      {
        process: host.koid,
        processName: 'test',
        thread: 0,
        name: 'zx_port_wait',
        on: expect.stringMatching(/^a packet on port \d+$/) as string,
      },
    ]);
    host.handleClose(port);
    expect((await packet).status).toBe(ZX_ERR_CANCELED);
    host.taskKill(guest.process);
    host.handleClose(token);
    expect((await kernel.run()).outcome).toBe('exited');
  });

  it('is in no deadlock while the host holds it', async () => {
    const port = host.portCreate(0).handle;
    const guest = await AsmGuest.start(kernel, host, WAIT_ON_PORT, { give: [copyOf(port)] });
    const release = host.hold();
    const run = kernel.run();
    for (let round = 0; round < 20; round += 1) await turn();
    expect(kernel.isRunning).toBe(true);
    host.portQueue(port, 1n, 0, new Uint8Array(0));
    expect((await run).outcome).toBe('exited');
    expect(guest.returnCode).toBe(0n);
    release();
  });

  it('is in a deadlock when the last hold ends, and nothing has come', async () => {
    await AsmGuest.start(kernel, host, WAIT_ON_PORT, { give: [host.portCreate(0).handle] });
    const releases = [host.hold(), host.hold({ time: 'runs' })];
    const run = kernel.run();
    for (const release of releases) {
      await turn();
      release();
      release();
    }
    expect((await run).outcome).toBe('deadlock');
  });

  it('keeps virtual time still while a hold stops it, and lets it pass otherwise', async () => {
    const guest = await AsmGuest.start(kernel, host, SLEEP_1S);
    const stops = host.hold();
    const run = kernel.run();
    for (let round = 0; round < 5; round += 1) await turn();
    expect(kernel.clock.now()).toBeLessThan(1e9);
    const runs = host.hold({ time: 'runs' });
    stops();
    expect((await run).outcome).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_OK));
    expect(kernel.clock.now()).toBeGreaterThanOrEqual(1e9);
    runs();
  });

  it('stops when it is told to, and carries on', async () => {
    const guest = await AsmGuest.start(
      kernel,
      host,
      `li s0, ${DATA}\nspin: ld a0, 0(s0)\nbeqz a0, spin\n${EXIT}`,
    );
    const controller = new AbortController();
    const run = kernel.run({ signal: controller.signal });
    await expect(kernel.run()).rejects.toMatchObject({ code: 'already-running' });
    await turn();
    controller.abort();
    expect((await run).outcome).toBe('stopped');
    expect((await kernel.run({ signal: AbortSignal.abort() })).outcome).toBe('stopped');
    await host.vmoWrite(guest.dataVmo, Uint8Array.of(5), 0);
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.returnCode).toBe(5n);
  });

  it('lets the host have its turn while guests run on', async () => {
    await AsmGuest.start(kernel, host, 'spin: j spin');
    const run = kernel.run();
    let turns = 0;
    while (turns < 10) {
      await turn();
      turns += 1;
    }
    kernel.stop();
    await run;
    // What the interpreter does in 5 ms, at most, between two turns.
    expect(kernel.statistics().instructions).toBeLessThan((turns + 3) * 600_000);
  });

  it('lets the host have its turn between system calls, however much each does', async () => {
    const big = host.vmoCreate(6 * 2 ** 20, 0).handle;
    // Commits six mebibytes and gives them back, again and again.
    const range = (op: number): string =>
      `li a0, $0\nli a1, ${op}\nli a2, 0\nli a3, ${6 * 2 ** 20}\nli a4, 0\nli a5, 0\n${zx('vmo_op_range')}`;
    await AsmGuest.start(kernel, host, `again:\n${range(1)}\n${range(2)}\nj again`, { give: [big] });
    const run = kernel.run();
    for (let turns = 0; turns < 3; turns += 1) await turn();
    kernel.stop();
    await run;
    expect(kernel.statistics().systemCalls).toBeGreaterThan(20);
    expect(kernel.statistics().systemCalls).toBeLessThanOrEqual(5 * 20);
  });

  it('runs the same, whenever the host has its turns', async () => {
    const instructions: number[] = [];
    for (const step of [1_000, 100_000, 7_000_000]) {
      kernel.close();
      let now = 0;
      await create({ hostTime: () => (now += step) });
      const port = host.portCreate(0).handle;
      const counting = `li s0, 2000\nmore: li a0, $0\nli a1, ${DATA}\n${zx('port_queue')}
        li a0, $0\nli a1, 0\nli a2, ${DATA}\n${zx('port_wait')}\naddi s0, s0, -1\nbnez s0, more\n${EXIT}`;
      for (let guests = 0; guests < 3; guests += 1) {
        await AsmGuest.start(kernel, host, counting, { give: [copyOf(port)] });
      }
      const events: string[] = [];
      kernel.onEvent = (event) => events.push(`${event.retired} ${event.type}`);
      expect((await kernel.run()).outcome).toBe('exited');
      instructions.push(events.length, kernel.statistics().instructions, kernel.statistics().contextSwitches);
    }
    expect(instructions.slice(3, 6)).toEqual(instructions.slice(0, 3));
    expect(instructions.slice(6)).toEqual(instructions.slice(0, 3));
  });

  it('measures turns by the time of the host when it is given', async () => {
    let now = 0;
    let yields = 0;
    kernel.close();
    await create({
      hostTime: () => (now += 1_000_000),
      hostYield: () => {
        yields += 1;
        if (yields === 5) kernel.stop();
        return Promise.resolve();
      },
    });
    await AsmGuest.start(kernel, host, 'spin: j spin');
    expect((await kernel.run()).outcome).toBe('stopped');
    expect(yields).toBe(5);
    // A look at the clock after each turn of 100,000 instructions, five of them in 5 ms.
    const { instructions } = kernel.statistics();
    expect(Math.round(instructions / 100_000)).toBe(5 * 5);
  });

  it('sleeps on a wall clock until the next deadline, and no longer than something happens', async () => {
    kernel.close();
    let elapsed = 0;
    const sleeps: number[] = [];
    await create({
      clock: new WallClock(() => elapsed),
      hostSleep: (nanoseconds) => {
        sleeps.push(nanoseconds);
        let end: () => void = () => undefined;
        const over = new Promise<void>((resolve) => (end = resolve));
        // The first sleep is cut short; the second one lasts.
        if (sleeps.length === 1) setImmediate(() => host.hold()());
        else setImmediate(end);
        elapsed += sleeps.length === 1 ? 100_000_000 : nanoseconds;
        return { over, end };
      },
    });
    const guest = await AsmGuest.start(kernel, host, SLEEP_1S);
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_OK));
    expect(sleeps).toEqual([1_000_000_000, 900_000_000]);
    expect(kernel.clock.now()).toBe(1_000_000_000);
  });

  it('lets deadlines of host calls pass while it does not run', async () => {
    const port = host.portCreate(0).handle;
    expect((await host.portWait(port, { deadline: 5_000 })).status).toBe(ZX_ERR_TIMED_OUT);
    expect((await host.nanosleep(1e12)).status).toBe(ZX_OK);
    expect(kernel.clock.now()).toBe(1e12);
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(1);
    const read = host.vmoRead(vmo, new Uint8Array(8), 0, { mayWaitForPager: true, deadline: 2e12 });
    expect((await read).status).toBe(ZX_ERR_TIMED_OUT);
    expect(pager.take()).toEqual([]);
  });

  it('says SHOULD_WAIT to a host call that may not wait for a pager, and asks it nothing', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(1);
    expect((await host.vmoRead(vmo, new Uint8Array(8), 0)).status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(pager.take()).toEqual([]);
    const allowed = kernel.createHostProcess('patient', { pagerBlocking: 'allow' });
    const handle = allowed.handles.add(host.handles.remove(copyOf(vmo))!);
    pager.serve(vmo);
    const bytes = new Uint8Array(8);
    expect((await allowed.vmoRead(handle, bytes, 0)).status).toBe(ZX_OK);
    expect(bytes).toEqual(new Uint8Array(8).fill(1));
  });

  it('serves a fault without giving the host a turn when the pager listens', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(64);
    pager.serve(vmo);
    let yields = 0;
    const stop = setInterval(() => (yields += 1), 0);
    const source = `
      li s0, ${FREE}\nli s1, ${FREE + 64 * PAGE}\nli a0, 0\nli s2, 4096
    next:
      lbu t0, 0(s0)
      add a0, a0, t0
      add s0, s0, s2
      bltu s0, s1, next
      ${EXIT}`;
    const guest = await AsmGuest.start(kernel, host, source, {
      map: [{ address: FREE, vmo, bytes: 64 * PAGE }],
    });
    yields = 0;
    expect((await kernel.run()).outcome).toBe('exited');
    clearInterval(stop);
    expect(guest.returnCode).toBe(BigInt((64 * 65) / 2));
    expect(pager.requests).toEqual(Array.from({ length: 64 }, (_none, page) => [page, 1]));
    expect(yields).toBe(0);
    const { faults, pageRequests, pagesSupplied } = kernel.statistics();
    expect([faults.read.blocked, pageRequests, pagesSupplied]).toEqual([64, 64, 64]);
  });

  it('ends host calls that wait when it is closed, and everything else', async () => {
    const [, far] = host.channelCreate(0).handles;
    const wait = host.objectWaitOne(far, ZX_CHANNEL_READABLE);
    await AsmGuest.start(kernel, host, 'spin: j spin');
    const run = kernel.run();
    await turn();
    kernel.close();
    expect((await run).outcome).toMatch(/stopped|exited/);
    expect((await wait).status).toBe(ZX_ERR_CANCELED);
    await expect(kernel.run()).rejects.toMatchObject({ code: 'closed' });
    expect(() => kernel.createHostProcess('late')).toThrow(/closed/);
    const { objects, processes, frames } = kernel.statistics();
    expect({ objects, processes, free: frames.free }).toEqual({
      objects: 1,
      processes: 0,
      free: frames.total - 1,
    });
  });

  it('takes a machine that is there already', async () => {
    const clock = new VirtualClock({ start: 500 });
    const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 21, timebaseHz: 1e9, clock });
    const other = await Kernel.create({ machine });
    expect(other.clock.now()).toBe(500);
    expect(other.statistics().frames.total).toBe(512);
    other.close();
    await expect(Kernel.create({ machine, clock: new VirtualClock() })).rejects.toMatchObject({
      field: 'clock',
    });
  });

  it('tells what happens, from the start of a process to its end', async () => {
    const events: KernelEvent[] = [];
    kernel.onEvent = (event) => events.push(event);
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(2);
    pager.serve(vmo);
    await AsmGuest.start(kernel, host, `li s0, ${FREE + PAGE}\nlbu a0, 0(s0)\n${EXIT}`, {
      name: 'told',
      map: [{ address: FREE, vmo, bytes: 2 * PAGE }],
    });
    events.length = 0;
    await kernel.run();
    kernel.onEvent = null;
    const ofGuest = events.filter((event) => !(event.type === 'system-call' && event.thread === 0));
    const types = ofGuest.map(({ type }) => type);
    expect(types.filter((type) => type !== 'fault' && type !== 'supply')).toEqual([
      'block',
      'request',
      'wake',
      'system-call',
      'thread-end',
      'process-end',
    ]);
    expect(ofGuest.filter(({ type }) => type === 'supply')).toMatchObject([{ page: 1, pages: 1 }]);
    const faults = ofGuest.filter((event) => event.type === 'fault');
    expect(faults.filter(({ outcome }) => outcome === 'blocked')).toMatchObject([
      { address: FREE + PAGE, access: 'read', page: 1, status: 0 },
    ]);
    expect(ofGuest.at(-1)).toMatchObject({ type: 'process-end', code: 2 });
    const times = events.map(({ time, retired }) => [time, retired]);
    expect(times).toEqual([...times].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  });
});
