import { CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_EXCP_FATAL_PAGE_FAULT } from '../../src/abi/exceptions.js';
import { ZX_BTI_PERM_READ } from '../../src/abi/bti.js';
import { ZX_INFO_VMO } from '../../src/abi/info.js';
import {
  ZX_PAGER_OP_DIRTY,
  ZX_PAGER_OP_FAIL,
  ZX_PAGER_OP_WRITEBACK_BEGIN,
  ZX_PAGER_OP_WRITEBACK_END,
} from '../../src/abi/pager.js';
import { ZX_EXCEPTION_STATE_THREAD_EXIT } from '../../src/abi/properties.js';
import { ZX_RIGHT_SAME_RIGHTS } from '../../src/abi/rights.js';
import { ZX_ERR_BAD_HANDLE, ZX_ERR_IO, ZX_ERR_OUT_OF_RANGE, ZX_OK } from '../../src/abi/status.js';
import { ZX_THREAD_STATE_BLOCKED_PAGER } from '../../src/abi/task.js';
import * as vm from '../../src/abi/vm.js';
import { type AsmGuest, CODE, DATA, PAGE, zx } from '../support/asm-guest.js';
import { Pinner } from '../support/pinner.js';
import { TestKernel, type MappedVmo } from '../support/test-thread.js';

const BUFFER = DATA + 2 * PAGE;
const call = (name: string, ...args: readonly (number | string)[]): string =>
  `${args.map((arg, index) => `li a${index}, ${arg}`).join('\n')}\n${zx(name)}`;
const vmoOp = (op: number, offset: number, length: number) => (): string =>
  call('vmo_op_range', '$0', op, offset, length, 0, 0);
/** The first word of its data is the handle of its root region. */
const vmarOp =
  (op: number) =>
  ({ address }: MappedVmo): string =>
    `li t0, ${DATA}\nlwu a0, 0(t0)\nli a1, ${op}\nli a2, ${address}\nli a3, ${PAGE}\nli a4, 0\nli a5, 0\n${zx('vmar_op_range')}`;

/** What a thread does with the absent first page of a VMO that is mapped, and given as $0. */
const WAITING: readonly { name: string; source: (vmo: MappedVmo) => string; code?: number }[] = [
  { name: 'a mapped read', source: ({ address }) => `li s0, ${address}\nld a1, 0(s0)\nli a0, 0` },
  { name: 'a mapped write', source: ({ address }) => `li s0, ${address}\nsd s0, 0(s0)\nli a0, 0` },
  { name: 'vmo_read', source: () => call('vmo_read', '$0', BUFFER, 0, 8) },
  { name: 'vmo_write', source: () => call('vmo_write', '$0', BUFFER, 0, 8) },
  { name: 'COMMIT', source: vmoOp(vm.ZX_VMO_OP_COMMIT, 0, PAGE) },
  { name: 'ALWAYS_NEED', source: vmoOp(vm.ZX_VMO_OP_ALWAYS_NEED, 0, PAGE) },
  { name: 'PREFETCH', source: vmoOp(vm.ZX_VMO_OP_PREFETCH, 0, PAGE) },
  { name: 'OP_ZERO of a part of a page', source: vmoOp(vm.ZX_VMO_OP_ZERO, 8, 64) },
  { name: 'VMAR COMMIT', source: vmarOp(vm.ZX_VMAR_OP_COMMIT) },
  { name: 'VMAR ALWAYS_NEED', source: vmarOp(vm.ZX_VMAR_OP_ALWAYS_NEED) },
  {
    name: 'a result of a call',
    source: ({ address }) => call('object_get_info', '$0', 2, address, 32, 0, 0),
  },
  {
    // What the pager supplies there is no handle.
    name: 'an argument of a call',
    source: ({ address }) => call('handle_close_many', address, 1),
    code: ZX_ERR_BAD_HANDLE,
  },
];

describe('a thread that needs an absent page', () => {
  let test: TestKernel;

  beforeEach(async () => {
    test = await TestKernel.create();
  });

  afterEach(() => {
    test.finish();
  });

  async function start(source: string, vmo: MappedVmo): Promise<AsmGuest> {
    const { host } = test;
    const guest = await test.start(source, [vmo]);
    const copy = host.handleDuplicate(guest.vmar, ZX_RIGHT_SAME_RIGHTS).handle;
    const own = Uint32Array.of(guest.dispatcher.handles.add(host.handles.remove(copy)!));
    expect(host.call('vmo_write', guest.dataVmo, new Uint8Array(own.buffer), 0, 4)).toBe(ZX_OK);
    return guest;
  }

  it.each(WAITING)('waits for it: $name (TH-07)', async ({ source, code = 0 }) => {
    const vmo = test.vmo(2);
    const guest = await start(source(vmo), vmo);
    expect(await test.settle()).toBe('deadlock');
    expect(test.state(guest.thread)).toBe(ZX_THREAD_STATE_BLOCKED_PAGER);
    expect(test.packets()).toEqual([test.R(vmo, 0, 1)]);
    test.supply(vmo, 0, 1);
    expect(await test.settle()).toBe('exited');
    expect(Number(guest.returnCode)).toBe(code);
  });

  it('waits for it to pin it (TH-07)', async () => {
    const { host } = test;
    const vmo = test.vmo(1);
    const { bti } = new Pinner(host);
    const give = [vmo.handle, bti].map((handle) => host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS).handle);
    const pin = call('bti_pin', '$1', ZX_BTI_PERM_READ, '$0', 0, PAGE, BUFFER, 1, DATA);
    const guest = await test.start(
      `${pin}\nbnez a0, end\nli t0, ${DATA}\nlwu a0, 0(t0)\n${zx('pmt_unpin')}\nend:`,
      [vmo],
      { give },
    );
    await test.settle();
    expect(test.state(guest.thread)).toBe(ZX_THREAD_STATE_BLOCKED_PAGER);
    expect(test.packets()).toEqual([test.R(vmo, 0, 1)]);
    test.supply(vmo, 0, 1);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });

  it('waits for leave to write: zeroing a pinned page as a whole (TH-07)', async () => {
    const vmo = test.vmo(1, vm.ZX_VMO_TRAP_DIRTY);
    test.supply(vmo, 0, 1);
    const pin = new Pinner(test.host).pinForRead(vmo, 0, 1);
    const guest = await start(vmoOp(vm.ZX_VMO_OP_ZERO, 0, PAGE)(), vmo);
    await test.settle();
    expect(test.state(guest.thread)).toBe(ZX_THREAD_STATE_BLOCKED_PAGER);
    expect(test.packets()).toEqual([test.D(vmo, 0, 1)]);
    expect(test.host.pagerOpRange(test.pager, ZX_PAGER_OP_DIRTY, vmo.handle, 0, PAGE, 0).status).toBe(ZX_OK);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
    expect(pin.unpin()).toBe(ZX_OK);
  });

  it('waits for leave to write: zeroing a part of a page, too (TH-07)', async () => {
    const vmo = test.vmo(1, vm.ZX_VMO_TRAP_DIRTY);
    test.supply(vmo, 0, 1);
    const guest = await start(vmoOp(vm.ZX_VMO_OP_ZERO, 8, 64)(), vmo);
    await test.settle();
    expect(test.state(guest.thread)).toBe(ZX_THREAD_STATE_BLOCKED_PAGER);
    expect(test.packets()).toEqual([test.D(vmo, 0, 1)]);
    expect(test.host.pagerOpRange(test.pager, ZX_PAGER_OP_DIRTY, vmo.handle, 0, PAGE, 0).status).toBe(ZX_OK);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(0n);
  });

  it('is not needed by these, which return at once and ask for nothing (TH-07)', () => {
    const { host, pager } = test;
    const vmo = test.vmo(4, vm.ZX_VMO_RESIZABLE);
    const { vmar, process } = host.processCreate(host.rootJob().handle, 'mapper', 0);
    const out = new Uint8Array(256);
    const at = new Uint8Array(8);
    const mapped = vm.ZX_VM_PERM_READ | vm.ZX_VM_MAP_RANGE;
    expect(host.call('vmar_map', vmar, mapped, 0, vmo.handle, 0, 4 * PAGE, at)).toBe(ZX_OK);
    const address = new DataView(at.buffer).getBigUint64(0, true);
    const both = vm.ZX_VM_PERM_READ | vm.ZX_VM_PERM_WRITE;
    const calls: [string, ...(number | bigint | Uint8Array | null)[]][] = [
      ['vmar_protect', vmar, both, address, 4 * PAGE],
      ['vmo_create_child', vmo.handle, vm.ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 0, 4 * PAGE, out],
      ['object_get_info', vmo.handle, ZX_INFO_VMO, out, out.length, null, null],
      ['vmo_op_range', vmo.handle, vm.ZX_VMO_OP_DONT_NEED, 0, 4 * PAGE, null, 0],
      ['vmo_op_range', vmo.handle, vm.ZX_VMO_OP_ZERO, 0, PAGE, null, 0],
      ['vmo_set_size', vmo.handle, 5 * PAGE],
      ['vmo_set_stream_size', vmo.handle, 5 * PAGE],
      ['pager_op_range', pager, ZX_PAGER_OP_FAIL, vmo.handle, PAGE, PAGE, BigInt(ZX_ERR_IO)],
      ['pager_op_range', pager, ZX_PAGER_OP_WRITEBACK_BEGIN, vmo.handle, 0, PAGE, 0],
      ['pager_op_range', pager, ZX_PAGER_OP_WRITEBACK_END, vmo.handle, 0, PAGE, 0],
      ['pager_query_dirty_ranges', pager, vmo.handle, 0, 5 * PAGE, null, 0, null, at],
      ['pager_query_vmo_stats', pager, vmo.handle, 0, out, 4],
    ];
    for (const [name, ...args] of calls) expect([name, host.call(name, ...args)]).toEqual([name, ZX_OK]);
    test.supply(vmo, 1, 1);
    expect(host.call('pager_detach_vmo', pager, vmo.handle)).toBe(ZX_OK);
    expect(test.packets()).toEqual([`C ${vmo.key} [0, 0)`]);
    expect(host.taskKill(process).status).toBe(ZX_OK);
  });

  const accesses = [
    { name: 'load', cause: CAUSE_LOAD_PAGE_FAULT, instruction: 'ld a0, 0(s0)' },
    { name: 'store', cause: CAUSE_STORE_PAGE_FAULT, instruction: 'sd a0, 0(s0)' },
  ];

  it.each(accesses)(
    'crashes where the VMO has become smaller, which a handler sees: $name (TH-08 H-12 Vmar)',
    async ({ cause, instruction }) => {
      const { host } = test;
      const vmo = test.vmo(2, vm.ZX_VMO_RESIZABLE);
      const guest = await start(`li s0, ${vmo.address + PAGE}\n${instruction}`, vmo);
      const channel = host.taskCreateExceptionChannel(guest.thread, 0).handle;
      await test.settle();
      expect(test.packets()).toEqual([test.R(vmo, 1, 1)]);
      expect(host.call('vmo_set_size', vmo.handle, PAGE)).toBe(ZX_OK);
      await test.settle();
      const { exception, type } = host.exceptionRead(channel);
      expect(type).toBe(ZX_EXCP_FATAL_PAGE_FAULT);
      expect(host.threadExceptionReport(guest.thread)).toMatchObject({
        cause,
        address: BigInt(vmo.address + PAGE),
        synthCode: ZX_ERR_OUT_OF_RANGE >>> 0,
      });
      expect(test.registers(guest.thread)[0]).toBeGreaterThan(BigInt(CODE));
      host.exceptionSetState(exception, ZX_EXCEPTION_STATE_THREAD_EXIT);
      host.handleClose(exception);
      expect(await test.settle()).toBe('exited');
      expect(guest.returnCode).toBe(0n);
      expect(guest.crash).toBeNull();
    },
  );
});
