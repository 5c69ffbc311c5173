import { CAUSE_FETCH_PAGE_FAULT, CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as excp from '../../src/abi/exceptions.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_STATE,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_OUT_OF_RANGE,
  ZX_TASK_RETCODE_EXCEPTION_KILL,
  type Status,
} from '../../src/abi/status.js';
import { ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import { ZX_VMO_RESIZABLE } from '../../src/abi/vm.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { Kernel } from '../../src/kernel.js';
import { HARTS } from '../support/harts.js';
import { AsmGuest, CODE, DATA, EXIT, FREE, PAGE } from '../support/asm-guest.js';
import { ServingPager } from '../support/serving-pager.js';

const KILLED = BigInt(ZX_TASK_RETCODE_EXCEPTION_KILL);

describe('crashes of guests', () => {
  let kernel: Kernel;
  let host: HostProcess;
  let log: string[];

  beforeEach(async () => {
    log = [];
    kernel = await Kernel.create({
      ramBytes: 8 * 2 ** 20,
      harts: HARTS,
      log: (severity, text) => log.push(`${severity}: ${text}`),
    });
    host = kernel.createHostProcess('test');
  });

  afterEach(() => {
    kernel.close();
  });

  async function expectFault(
    guest: AsmGuest,
    expected: { cause: number; address: bigint; status: Status; access: string; pc: bigint },
  ): Promise<void> {
    expect((await kernel.run()).outcome).toBe('exited');
    expect(guest.returnCode).toBe(KILLED);
    expect(guest.crash?.exception).toMatchObject({
      type: excp.ZX_EXCP_FATAL_PAGE_FAULT,
      cause: expected.cause,
      address: expected.address,
      synthCode: expected.status >>> 0,
      synthData: 0,
      access: expected.access,
      pc: expected.pc,
    });
  }

  it('name the address, the access and the reason of a load where nothing is mapped', async () => {
    const guest = await AsmGuest.start(kernel, host, `li s3, 0x1234\nld a0, 8(s3)\n${EXIT}`, {
      compress: false,
    });
    await expectFault(guest, {
      cause: CAUSE_LOAD_PAGE_FAULT,
      address: 0x123cn,
      status: ZX_ERR_NOT_FOUND,
      access: 'read',
      pc: BigInt(CODE) + 8n,
    });
    expect(guest.crash?.exception.registers[19]).toBe(0x1234n);
    expect(guest.crash).toMatchObject({ threadName: 'main' });
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(
      /^error: process \d+ "asm" thread \d+ "main": fatal page fault: read of 0x123c at pc 0x400008: ZX_ERR_NOT_FOUND \(-25\)$/,
    );
  });

  it('tell a store to memory that can only be read', async () => {
    const vmo = host.vmoCreate(PAGE, 0).handle;
    const guest = await AsmGuest.start(kernel, host, `li s0, ${FREE}\nld a0, 0(s0)\nsd a0, 16(s0)\n${EXIT}`, {
      map: [{ address: FREE, vmo, bytes: PAGE, permissions: ZX_VM_PERM_READ }],
      compress: false,
    });
    await expectFault(guest, {
      cause: CAUSE_STORE_PAGE_FAULT,
      address: BigInt(FREE) + 16n,
      status: ZX_ERR_ACCESS_DENIED,
      access: 'write',
      pc: BigInt(CODE) + 8n,
    });
  });

  it('tell a jump to memory that cannot be executed', async () => {
    const guest = await AsmGuest.start(kernel, host, `li s0, ${DATA}\njr s0`);
    await expectFault(guest, {
      cause: CAUSE_FETCH_PAGE_FAULT,
      address: BigInt(DATA),
      status: ZX_ERR_ACCESS_DENIED,
      access: 'execute',
      pc: BigInt(DATA),
    });
  });

  it('tell an access past the end of a VMO', async () => {
    const vmo = host.vmoCreate(PAGE, ZX_VMO_RESIZABLE).handle;
    const guest = await AsmGuest.start(kernel, host, `li s0, ${FREE + PAGE}\nlw a0, 4(s0)`, {
      map: [{ address: FREE, vmo, bytes: 2 * PAGE }],
      compress: false,
    });
    await expectFault(guest, {
      cause: CAUSE_LOAD_PAGE_FAULT,
      address: BigInt(FREE + PAGE + 4),
      status: ZX_ERR_OUT_OF_RANGE,
      access: 'read',
      pc: BigInt(CODE) + 4n,
    });
  });

  it.each([
    ['address in the kernel half', 'li s0, -4096', 0xffff_ffff_ffff_f000n],
    ['address that is none of Sv39', 'li s0, 1\nslli s0, s0, 45', 1n << 45n],
  ])('tell an %s exactly', async (_what, load, address) => {
    const guest = await AsmGuest.start(kernel, host, `${load}\nsb a0, 0(s0)`);
    await kernel.run();
    expect(guest.crash?.exception).toMatchObject({
      type: excp.ZX_EXCP_FATAL_PAGE_FAULT,
      address,
      synthCode: ZX_ERR_NOT_FOUND >>> 0,
    });
  });

  it('FL-01 (mapped) carry the status with which a pager fails a page', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(2);
    const guest = await AsmGuest.start(kernel, host, `li s0, ${FREE + PAGE}\nlbu a0, 3(s0)`, {
      map: [{ address: FREE, vmo, bytes: 2 * PAGE }],
      compress: false,
    });
    await kernel.run();
    expect(pager.take()).toEqual([[1, 1]]);
    pager.fail(vmo, 1, 1, ZX_ERR_IO_DATA_INTEGRITY);
    await expectFault(guest, {
      cause: CAUSE_LOAD_PAGE_FAULT,
      address: BigInt(FREE + PAGE + 3),
      status: ZX_ERR_IO_DATA_INTEGRITY,
      access: 'read',
      pc: BigInt(CODE) + 4n,
    });
  });

  it('carry BAD_STATE when the VMO is detached while a thread waits for its page', async () => {
    const pager = new ServingPager(host);
    const vmo = pager.createVmo(1);
    const guest = await AsmGuest.start(kernel, host, `li s0, ${FREE}\nlbu a0, 3(s0)`, {
      map: [{ address: FREE, vmo, bytes: PAGE }],
    });
    await kernel.run();
    expect(host.pagerDetachVmo(pager.pager, vmo).status).toBe(0);
    await kernel.run();
    expect(guest.crash?.exception.synthCode).toBe(ZX_ERR_BAD_STATE >>> 0);
  });

  it.each([
    ['.word 0', excp.ZX_EXCP_UNDEFINED_INSTRUCTION, /undefined instruction/],
    ['ebreak', excp.ZX_EXCP_SW_BREAKPOINT, /breakpoint/],
    [`li s0, ${DATA + 1}\nlr.d a0, (s0)`, excp.ZX_EXCP_UNALIGNED_ACCESS, /unaligned access to 0x600001/],
    [
      `li s0, ${DATA + 1}\namoadd.w a0, a0, (s0)`,
      excp.ZX_EXCP_UNALIGNED_ACCESS,
      /unaligned access to 0x600001/,
    ],
    ['mret', excp.ZX_EXCP_UNDEFINED_INSTRUCTION, /undefined instruction 0x30200073/],
    ['csrr a0, satp', excp.ZX_EXCP_UNDEFINED_INSTRUCTION, /undefined instruction/],
  ])('tell what is wrong with %j', async (source, type, line) => {
    const guest = await AsmGuest.start(kernel, host, source);
    await kernel.run();
    expect(guest.returnCode).toBe(KILLED);
    expect(guest.crash?.exception.type).toBe(type);
    expect(log[0]).toMatch(line);
  });

  it('leave other processes alone', async () => {
    const victim = await AsmGuest.start(kernel, host, 'ebreak', { name: 'victim' });
    const other = await AsmGuest.start(kernel, host, `li a0, 9\n${EXIT}`, { name: 'other' });
    expect((await kernel.run()).outcome).toBe('exited');
    expect([victim.returnCode, other.returnCode]).toEqual([KILLED, 9n]);
    expect(kernel.statistics().exceptions).toBe(1);
  });
});
