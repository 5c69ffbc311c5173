import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_PAGER_OP_DIRTY } from '../../src/abi/pager.js';
import { ZX_THREAD_RUNNING, ZX_THREAD_SUSPENDED, ZX_THREAD_TERMINATED } from '../../src/abi/signals.js';
import { ZX_RIGHT_READ, ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_SHOULD_WAIT,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
} from '../../src/abi/status.js';
import * as task from '../../src/abi/task.js';
import { ZX_VMO_TRAP_DIRTY } from '../../src/abi/vm.js';
import { CODE, DATA, EXIT, PAGE, site, zx } from '../support/asm-guest.js';
import { TestKernel, type MappedVmo } from '../support/test-thread.js';

const { ZX_THREAD_STATE_BLOCKED_PAGER: BLOCKED_PAGER, ZX_THREAD_STATE_SUSPENDED: SUSPENDED } = task;

const load = ({ address }: MappedVmo): string => `li s0, ${address}\nld a0, 0(s0)`;
const read = (buffer: number): string =>
  `li a0, $0\nli a1, ${buffer}\nli a2, 0\nli a3, ${PAGE}\n${zx('vmo_read')}\nli s0, ${buffer}\nld a0, 0(s0)`;

describe('a suspended thread that waits for a page', () => {
  let test: TestKernel;

  beforeEach(async () => {
    test = await TestKernel.create();
  });

  afterEach(() => {
    test.finish();
  });

  describe.each(['Vmar', 'Vmo'] as const)('%s', (path) => {
    it('asks again when it goes on, with the same packet (TH-01 CO-11 S-01)', async () => {
      const vmo = test.vmo(1);
      const guest = await test.start(path === 'Vmar' ? load(vmo) : read(DATA), [vmo]);
      expect(await test.settle()).toBe('deadlock');
      expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
      expect(test.packets()).toEqual([test.R(vmo, 0, 1)]);

      const token = test.suspend(guest.thread);
      expect(test.state(guest.thread)).toBe(SUSPENDED);
      expect(await test.signals(guest.thread)).toBe(ZX_THREAD_SUSPENDED);
      await test.settle();
      expect(test.state(guest.thread)).toBe(SUSPENDED);
      expect(test.packets()).toEqual([]);

      test.resume(token);
      expect(await test.signals(guest.thread)).toBe(ZX_THREAD_RUNNING);
      await test.settle();
      expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
      expect(test.packets()).toEqual([test.R(vmo, 0, 1)]);

      test.supply(vmo, 0, 1);
      expect(await test.settle()).toBe('exited');
      expect(guest.returnCode).toBe(vmo.key);
    });
  });

  it('asks again for what it commits (TH-02 CM-12 CO-11)', async () => {
    const vmo = test.vmo(3);
    const guest = await test.start(
      `li a0, $0\nli a1, 1\nli a2, 0\nli a3, ${3 * PAGE}\nli a4, 0\nli a5, 0\n${zx('vmo_op_range')}`,
      [vmo],
    );
    await test.settle();
    expect(test.packets()).toEqual([test.R(vmo, 0, 3)]);
    const token = test.suspend(guest.thread);
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    test.resume(token);
    await test.settle();
    expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
    expect(test.packets()).toEqual([test.R(vmo, 0, 3)]);
    test.supply(vmo, 0, 3);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });

  const store = ({ address }: MappedVmo): string => `li s0, ${address}\nli a0, 77\nsd a0, 0(s0)`;
  const write = `li t0, 77\nli a1, ${DATA}\nsd t0, 0(a1)\nli a0, $0\nli a2, 0\nli a3, 8\n${zx('vmo_write')}\nli a0, 77`;

  describe.each(['Vmar', 'Vmo'] as const)('%s', (path) => {
    it('asks again to write (TH-03 CO-11)', async () => {
      const vmo = test.vmo(1, ZX_VMO_TRAP_DIRTY);
      test.supply(vmo, 0, 1);
      const guest = await test.start(path === 'Vmar' ? store(vmo) : write, [vmo]);
      await test.settle();
      expect(test.packets()).toEqual([test.D(vmo, 0, 1)]);
      const token = test.suspend(guest.thread);
      expect(test.state(guest.thread)).toBe(SUSPENDED);
      test.resume(token);
      await test.settle();
      expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
      expect(test.packets()).toEqual([test.D(vmo, 0, 1)]);
      const { host, pager } = test;
      expect(host.pagerOpRange(pager, ZX_PAGER_OP_DIRTY, vmo.handle, 0, PAGE, 0).status).toBe(ZX_OK);
      expect(await test.settle()).toBe('exited');
      expect(guest.returnCode).toBe(77n);
      const bytes = new Uint8Array(8);
      expect(host.call('vmo_read', vmo.handle, bytes, 0, 8)).toBe(ZX_OK);
      expect(bytes[0]).toBe(77);
      expect(test.packets()).toEqual([]);
    });
  });

  it('withdraws a packet that nobody has read', async () => {
    const vmo = test.vmo(1);
    const guest = await test.start(load(vmo), [vmo]);
    await test.settle();
    const token = test.suspend(guest.thread);
    expect(test.packets()).toEqual([]);
    test.supply(vmo, 0, 1);
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(vmo.key);
  });

  it('can be killed', async () => {
    const vmo = test.vmo(1);
    const guest = await test.start(load(vmo), [vmo]);
    await test.settle();
    const token = test.suspend(guest.thread);
    test.host.taskKill(guest.process);
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_DEAD);
    expect(await test.signals(guest.thread)).toBe(ZX_THREAD_TERMINATED);
    test.resume(token);
    expect(await test.settle()).toBe('exited');
  });
});

describe('a thread whose system call waits for a page of its own buffer', () => {
  let test: TestKernel;

  beforeEach(async () => {
    test = await TestKernel.create();
  });

  afterEach(() => {
    test.finish();
  });

  const topic = 2; // ZX_INFO_HANDLE_BASIC
  const calls = [
    {
      id: 'TH-04',
      name: 'object_get_info into it',
      source: ({ address }: MappedVmo): string =>
        `li a0, $0\nli a1, ${topic}\nli a2, ${address}\nli a3, 32\nli a4, 0\nli a5, 0\n${zx('object_get_info')}`,
    },
    {
      id: 'TH-05',
      name: 'vmo_write from it',
      source: ({ address }: MappedVmo): string =>
        `li a0, ${PAGE}\nli a1, 0\nli a2, ${DATA}\n${zx('vmo_create')}
         li a0, ${DATA}\nlwu a0, 0(a0)\nli a1, ${address}\nli a2, 0\nli a3, 64\n${zx('vmo_write')}`,
    },
  ];

  it.each(calls)('is suspended when the call is done: $name ($id)', async ({ source }) => {
    const vmo = test.vmo(1);
    const guest = await test.start(source(vmo), [vmo]);
    await test.settle();
    expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
    expect(test.packets()).toEqual([test.R(vmo, 0, 1)]);

    const first = test.suspend(guest.thread);
    test.kernel.clock.skipTo(test.kernel.clock.now() + 1e9);
    await test.settle();
    expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
    expect(await test.signals(guest.thread)).toBe(ZX_THREAD_RUNNING);
    test.resume(first);
    await test.settle();
    expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);

    const second = test.suspend(guest.thread);
    await test.settle();
    expect(test.state(guest.thread)).toBe(BLOCKED_PAGER);
    test.supply(vmo, 0, 1);
    expect(await test.settle()).toBe('deadlock');
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    expect(await test.signals(guest.thread)).toBe(ZX_THREAD_SUSPENDED);
    // The call has returned: its result is there.
    expect(test.registers(guest.thread)[10]).toBe(0n);
    test.resume(second);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
    expect(test.packets()).toEqual([]);
  });

  it('stays blocked on the page when its thread is resumed before the page comes', async () => {
    const vmo = test.vmo(1);
    const guest = await test.start(calls[0].source(vmo), [vmo]);
    await test.settle();
    expect(test.packets()).toEqual([test.R(vmo, 0, 1)]);
    test.resume(test.suspend(guest.thread));
    test.supply(vmo, 0, 1);
    expect(await test.settle()).toBe('exited');
    expect(test.packets()).toEqual([]);
    expect(guest.returnCode).toBe(0n);
  });
});

describe('zx_task_suspend', () => {
  let test: TestKernel;

  beforeEach(async () => {
    test = await TestKernel.create({ sliceInstructions: 1_000 });
  });

  afterEach(() => {
    test.finish();
  });

  it('stops a thread that computes between two instructions, and it goes on where it was', async () => {
    const guest = await test.start(`li a0, 0\nli a1, 200000\nloop:\naddi a0, a0, 1\nbne a0, a1, loop`);
    const token = test.suspend(guest.thread);
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    expect(await test.settle()).toBe('deadlock');
    expect(test.registers(guest.thread)[0]).toBe(BigInt(CODE));
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(200_000n);
  });

  it('needs every token closed', async () => {
    const guest = await test.start('li a0, 5');
    const first = test.suspend(guest.thread);
    const second = test.suspend(guest.thread);
    test.resume(first);
    expect(await test.settle()).toBe('deadlock');
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    test.resume(second);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(5n);
  });

  it('suspends every thread of a process, also those that it gets meanwhile', async () => {
    const { host } = test;
    const guest = await test.start(`li a0, ${DATA}\nspin:\nlw a1, 0(a0)\nbeqz a1, spin\nli a0, 3`);
    const token = test.suspend(guest.process);
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    const late = host.threadCreate(guest.process, 'late', 0).handle;
    const code = `${CODE}`;
    expect(host.threadStart(late, Number(code), 0, 0, 0).status).toBe(ZX_OK);
    await test.settle();
    expect(test.state(late)).toBe(SUSPENDED);
    expect(host.call('vmo_write', guest.dataVmo, new Uint8Array([1, 0, 0, 0]), 0, 4)).toBe(ZX_OK);
    expect(await test.settle()).toBe('deadlock');
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(3n);
  });

  it('tells why it does not: threads and processes only, with WRITE, alive', async () => {
    const { host } = test;
    const guest = await test.start('li a0, 0');
    const weak = host.handleDuplicate(guest.thread, ZX_RIGHT_READ).handle;
    expect(host.taskSuspend(weak).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect(host.taskSuspend(host.rootJob().handle).status).toBe(ZX_ERR_WRONG_TYPE);
    expect(host.taskSuspend(0).status).toBe(ZX_ERR_BAD_HANDLE);
    await test.settle();
    expect(host.taskSuspend(guest.thread).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.taskSuspend(guest.process).status).toBe(ZX_ERR_BAD_STATE);
  });

  it('of oneself is not supported, neither of the thread nor of its process', async () => {
    const { host } = test;
    const guest = await test.start(
      `li s0, ${DATA}\nlwu a0, 0(s0)\nli a1, ${DATA + 8}\n${zx('task_suspend_token')}\nmv s1, a0
       lwu a0, 4(s0)\nli a1, ${DATA + 8}\n${zx('task_suspend')}\nslli a0, a0, 8\nadd a0, a0, s1`,
    );
    const own = [guest.thread, guest.process].map((task) => {
      const copy = host.handleDuplicate(task, ZX_RIGHT_SAME_RIGHTS).handle;
      return guest.dispatcher.handles.add(host.handles.remove(copy)!);
    });
    const bytes = new Uint8Array(Uint32Array.from(own).buffer);
    expect(host.call('vmo_write', guest.dataVmo, bytes, 0, 8)).toBe(ZX_OK);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(BigInt(ZX_ERR_NOT_SUPPORTED * 257));
  });
});

describe('a suspended thread in a system call that waits', () => {
  let test: TestKernel;

  beforeEach(async () => {
    test = await TestKernel.create();
  });

  afterEach(() => {
    test.finish();
  });

  it('leaves a packet of the port to others, and waits again afterwards', async () => {
    const { host } = test;
    const port = host.portCreate(0).handle;
    const guest = await test.start(
      `li a0, $0\nli a1, -1\nsrli a1, a1, 1\nli a2, ${DATA}\n${zx('port_wait')}\nli t0, ${DATA}\nld t1, 0(t0)\nadd a0, a0, t1`,
      [],
      { give: [host.handleDuplicate(port, ZX_RIGHT_SAME_RIGHTS).handle] },
    );
    await test.settle();
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_BLOCKED_PORT);
    const token = test.suspend(guest.thread);
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    host.portQueue(port, 5n, 0, new Uint8Array(32));
    await test.settle();
    expect(host.portTryWait(port).packet?.key).toBe(5n);
    test.resume(token);
    await test.settle();
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_BLOCKED_PORT);
    host.portQueue(port, 6n, 0, new Uint8Array(32));
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(6n);
  });

  it('stands at the instruction of the call, which a debugger can make it leave', async () => {
    const guest = await test.start(
      `li s5, 9\nli a0, -1\nsrli a0, a0, 1\n${zx('nanosleep')}\nli a0, 1\n${EXIT}\nli a0, 2`,
      [],
      { compress: false },
    );
    await test.settle();
    const token = test.suspend(guest.thread);
    const registers = test.registers(guest.thread);
    expect(registers[0]).toBe(BigInt(site('nanosleep')));
    expect(registers[21]).toBe(9n);
    // What follows the exit.
    registers[0] = registers[1] + 4n + 12n;
    test.setRegisters(guest.thread, registers);
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(2n);
  });

  it('keeps the answer of a call over a channel that comes meanwhile', async () => {
    const { host } = test;
    const [here, there] = host.channelCreate(0).handles;
    const args = [
      [0, DATA + 64],
      [16, DATA + 128],
    ];
    const source = [
      ...args.map(([offset, value]) => `li t0, ${DATA + offset}\nli t1, ${value}\nsd t1, 0(t0)`),
      `li t0, ${DATA + 32}\nli t1, 8\nsw t1, 0(t0)\nsw t1, 8(t0)`,
      `li a0, $0\nli a1, 0\nli a2, -1\nsrli a2, a2, 1\nli a3, ${DATA}\nli a4, ${DATA + 48}\nli a5, ${DATA + 52}`,
      zx('channel_call'),
      `bnez a0, end\nli t0, ${DATA + 132}\nlwu a0, 0(t0)\nend:`,
    ];
    const guest = await test.start(source.join('\n'), [], { give: [there] });
    await test.settle();
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_BLOCKED_CHANNEL);
    const token = test.suspend(guest.thread);
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    const { bytes } = host.channelRead(here, 0);
    const answer = bytes.slice();
    answer[4] = 99;
    expect(host.channelWrite(here, 0, answer, []).status).toBe(ZX_OK);
    await test.settle();
    // Nothing of the call is carried on while it is suspended.
    expect(await guest.word(132)).toBe(0);
    expect(test.state(guest.thread)).toBe(SUSPENDED);
    expect(host.channelRead(here, 0).status).toBe(ZX_ERR_SHOULD_WAIT);
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(99n);
  });

  it('of a channel goes on waiting when it is resumed before the answer', async () => {
    const { host } = test;
    const [here, there] = host.channelCreate(0).handles;
    const guest = await test.start(
      `li t0, ${DATA}\nli t1, ${DATA + 64}\nsd t1, 0(t0)\nsd t1, 16(t0)\nli t1, 4\nsw t1, 32(t0)\nsw t1, 40(t0)
       li a0, $0\nli a1, 0\nli a2, -1\nsrli a2, a2, 1\nli a3, ${DATA}\nli a4, ${DATA + 48}\nli a5, ${DATA + 52}\n${zx('channel_call')}`,
      [],
      { give: [there] },
    );
    await test.settle();
    test.resume(test.suspend(guest.thread));
    expect(test.state(guest.thread)).toBe(task.ZX_THREAD_STATE_BLOCKED_CHANNEL);
    // The request was sent once.
    const { bytes } = host.channelRead(here, 0);
    expect(host.channelRead(here, 0).status).toBe(ZX_ERR_SHOULD_WAIT);
    expect(host.channelWrite(here, 0, bytes.slice(), []).status).toBe(ZX_OK);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });
});

describe('the registers of a thread', () => {
  let test: TestKernel;

  beforeEach(async () => {
    test = await TestKernel.create();
  });

  afterEach(() => {
    test.finish();
  });

  it('can be read and written while it is suspended, floating-point ones too', async () => {
    const { host } = test;
    const guest = await test.start('add a0, s1, s2');
    const token = test.suspend(guest.thread);
    const registers = test.registers(guest.thread);
    registers[9] = 40n;
    registers[18] = 2n;
    test.setRegisters(guest.thread, registers);
    expect(test.registers(guest.thread)).toEqual(registers);
    const floats = Uint8Array.from({ length: task.FP_REGS_BYTES }, (_none, index) =>
      index % 16 < 8 && index < task.FP_REGS_FCSR ? index % 251 : 0,
    );
    floats[task.FP_REGS_FCSR] = 0x21;
    expect(host.threadWriteState(guest.thread, task.ZX_THREAD_STATE_FP_REGS, floats).status).toBe(ZX_OK);
    const seen = new Uint8Array(task.FP_REGS_BYTES);
    expect(host.threadReadState(guest.thread, task.ZX_THREAD_STATE_FP_REGS, seen).status).toBe(ZX_OK);
    expect(seen).toEqual(floats);
    test.resume(token);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(42n);
  });

  it('are refused when it runs, of other kinds, in other sizes, and with a pc of the kernel', async () => {
    const { host } = test;
    const guest = await test.start('li a0, 0');
    const bytes = new Uint8Array(task.GENERAL_REGS_BYTES + 8);
    const general = task.ZX_THREAD_STATE_GENERAL_REGS;
    expect(host.threadReadState(guest.thread, general, bytes).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.threadWriteState(guest.thread, general, bytes.subarray(8)).status).toBe(ZX_ERR_BAD_STATE);
    const token = test.suspend(guest.thread);
    expect(host.threadReadState(guest.thread, general, bytes.subarray(16)).status).toBe(
      ZX_ERR_BUFFER_TOO_SMALL,
    );
    expect(host.threadWriteState(guest.thread, general, bytes).status).toBe(ZX_ERR_INVALID_ARGS);
    for (const kind of [
      task.ZX_THREAD_STATE_VECTOR_REGS,
      task.ZX_THREAD_STATE_DEBUG_REGS,
      task.ZX_THREAD_STATE_SINGLE_STEP,
    ]) {
      expect(host.threadReadState(guest.thread, kind, bytes).status).toBe(ZX_ERR_NOT_SUPPORTED);
      expect(host.threadWriteState(guest.thread, kind, bytes).status).toBe(ZX_ERR_NOT_SUPPORTED);
    }
    expect(host.threadReadState(guest.thread, 99, bytes).status).toBe(ZX_ERR_INVALID_ARGS);
    const wild = new BigUint64Array(32);
    wild[0] = 1n << 63n;
    expect(host.threadWriteState(guest.thread, general, new Uint8Array(wild.buffer)).status).toBe(
      ZX_ERR_INVALID_ARGS,
    );
    expect(test.registers(guest.thread)[0]).toBe(BigInt(CODE));
    test.resume(token);
    await test.settle();
  });
});
