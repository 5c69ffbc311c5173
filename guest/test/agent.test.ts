/** The agent, on the real machine and kernel. */
import {
  Kernel,
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_EVENT_SIGNALED,
  ZX_EXCP_FATAL_PAGE_FAULT,
  ZX_EXCP_POLICY_CODE_BAD_SYSCALL,
  ZX_EXCP_POLICY_ERROR,
  ZX_OK,
  ZX_TASK_RETCODE_EXCEPTION_KILL,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  type ExceptionReport,
  type HostProcess,
  type RunResult,
} from '@faultline/kernel';
import { assemble } from '@faultline/mmu-emu';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Agent, AgentGone } from './agent-client.js';

const PAGE = 4096;

let kernel: Kernel;
let host: HostProcess;
let agent: Agent;
let running: Promise<RunResult>;

beforeEach(async () => {
  kernel = await Kernel.create({ ramBytes: 16 * 1024 * 1024, seed: 7 });
  host = kernel.createHostProcess('test');
  agent = await Agent.start(kernel, host);
  running = kernel.run();
});

afterEach(async () => {
  agent.close();
  kernel.close();
  await running;
});

/** How the agent's process ended, once it has. */
async function end(): Promise<{ code: bigint; exception: ExceptionReport | undefined }> {
  agent.close();
  const { outcome } = await running;
  expect(outcome).toBe('exited');
  const { crash } = host.processCrash(agent.process);
  return { code: host.processInfo(agent.process).returnCode, exception: crash?.exception };
}

describe('accesses', () => {
  it('loads and stores of 1, 2, 4 and 8 bytes', async () => {
    const memory = await agent.allocate(PAGE);
    for (const bytes of [1, 2, 4, 8]) {
      await agent.write(memory + 16n, 0xfedc_ba98_7654_3210n, bytes);
      expect(await agent.read(memory + 16n, bytes)).toBe(BigInt.asUintN(8 * bytes, 0xfedc_ba98_7654_3210n));
    }
    expect((await agent.request(2, [memory, 3])).status).toBe(ZX_ERR_INVALID_ARGS);
    await agent.free(memory, PAGE);
  });

  it('many at a time', async () => {
    const memory = await agent.allocate(8 * PAGE);
    await agent.writeMany(memory, PAGE, 8, 100, 3);
    expect(await agent.readMany(memory, PAGE, 8)).toEqual([100n, 103n, 106n, 109n, 112n, 115n, 118n, 121n]);
    expect((await agent.request(11, [memory, 8, 4097])).status).toBe(ZX_ERR_INVALID_ARGS);
  });

  it('copies in and out', async () => {
    const memory = await agent.allocate(3 * PAGE);
    const bytes = Uint8Array.from({ length: 2 * PAGE }, (_none, index) => (index * 7) & 0xff);
    await agent.copyIn(memory + 5n, bytes);
    expect(await agent.copyOut(memory + 5n, bytes.length)).toEqual(bytes);
    expect((await agent.copyOut(memory, 5)).every((byte) => byte === 0)).toBe(true);
  });

  it('an unmapped address ends the process, with the address in the report', async () => {
    await expect(agent.read(0x123_4560)).rejects.toThrow(AgentGone);
    const { code, exception } = await end();
    expect(code).toBe(BigInt(ZX_TASK_RETCODE_EXCEPTION_KILL));
    expect(exception).toMatchObject({ type: ZX_EXCP_FATAL_PAGE_FAULT, address: 0x123_4560n, access: 'read' });
    expect(exception!.synthCode | 0).toBe(ZX_ERR_NOT_FOUND);
  });

  it('a store to its own constants ends the process', async () => {
    const { constants } = await agent.info();
    expect(await agent.read(constants)).toBe(0x6661_756c_746c_696en);
    await expect(agent.write(constants, 1)).rejects.toThrow(AgentGone);
    const { exception } = await end();
    expect(exception).toMatchObject({ address: constants, access: 'write' });
    expect(exception!.synthCode | 0).toBe(ZX_ERR_ACCESS_DENIED);
  });
});

describe('code', () => {
  it('runs what is mapped as executable', async () => {
    const { bytes } = assemble('mul a0, a0, a1\n addi a0, a0, 1\n ret\n');
    const vmo = host.vmoCreate(PAGE, 0);
    await host.vmoWrite(vmo.handle, bytes, 0);
    const executable = host.vmoReplaceAsExecutable(vmo.handle);
    const [there] = await agent.takeHandles([executable.handle]);
    const { rootVmar } = await agent.info();
    const out = await agent.allocate(PAGE);
    expect(await agent.status('zx_vmar_map', rootVmar, 5, 0, there, 0, PAGE, out)).toBe(ZX_OK);
    expect(await agent.execute(await agent.read(out), 6, 7)).toBe(43n);
  });

  it('does not run data', async () => {
    const memory = await agent.allocate(PAGE);
    await expect(agent.execute(memory)).rejects.toThrow(AgentGone);
    expect((await end()).exception).toMatchObject({ address: memory, access: 'execute' });
  });
});

describe('system calls', () => {
  it('through the vDSO, with any registers', async () => {
    expect(await agent.systemCall('zx_system_get_page_size')).toBe(4096n);
    expect(await agent.status('zx_handle_close', 0xffff_fff7)).toBe(ZX_ERR_BAD_HANDLE);
    expect(await agent.status('zx_vmo_create', PAGE, 0, 0x1000)).toBe(ZX_ERR_INVALID_ARGS);
    expect((await agent.request(5, [], new TextEncoder().encode('zx_no_such_call'))).status).toBe(
      ZX_ERR_NOT_FOUND,
    );
  });

  it('with memory of the agent for results', async () => {
    const { rootVmar, variables } = await agent.info();
    const memory = await agent.allocate(PAGE);
    expect(await agent.status('zx_vmo_create', 4 * PAGE, 0, memory)).toBe(ZX_OK);
    const vmo = await agent.read(memory, 4);
    const flags = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE;
    expect(await agent.status('zx_vmar_map', rootVmar, flags, 0, vmo, 0, 4 * PAGE, memory)).toBe(ZX_OK);
    const mapped = await agent.read(memory);
    await agent.write(mapped + 8n, 0x1122_3344n);
    expect(await agent.status('zx_vmo_read', vmo, memory, 8, 8)).toBe(ZX_OK);
    expect(await agent.read(memory)).toBe(0x1122_3344n);
    expect(await agent.read(variables)).toBe(1n);
  });

  it('an ecall of its own is no system call', async () => {
    await expect(agent.rawEcall(0, 0)).rejects.toThrow(AgentGone);
    expect((await end()).exception).toMatchObject({
      type: ZX_EXCP_POLICY_ERROR,
      synthCode: ZX_EXCP_POLICY_CODE_BAD_SYSCALL,
    });
  });

  it('the process ends with the code it is given', async () => {
    agent.exit(-5n);
    await running;
    expect(host.processInfo(agent.process).returnCode).toBe(-5n);
  });
});

describe('handles and threads', () => {
  it('pass both ways', async () => {
    const event = host.eventCreate(0);
    const kept = host.handleDuplicate(event.handle, 0x8000_0000);
    const [there] = await agent.takeHandles([event.handle]);
    expect(await agent.status('zx_object_signal', there, 0, ZX_EVENT_SIGNALED)).toBe(ZX_OK);
    const { status, observed } = await host.objectWaitOne(kept.handle, ZX_EVENT_SIGNALED);
    expect([status, observed & ZX_EVENT_SIGNALED]).toEqual([ZX_OK, ZX_EVENT_SIGNALED]);

    const [copy] = await agent.giveHandles([there], { duplicate: true });
    const [moved] = await agent.giveHandles([there]);
    const koid = host.handleBasicInfo(kept.handle).koid;
    expect(host.handleBasicInfo(copy).koid).toBe(koid);
    expect(host.handleBasicInfo(moved).koid).toBe(koid);
    expect(await agent.status('zx_handle_close', there)).toBe(ZX_ERR_BAD_HANDLE);
  });

  it('threads serve their own channels, also while another one waits', async () => {
    const second = await agent.startThread();
    const infos = [await agent.info(), await second.info()];
    expect(infos[0].process).toBe(infos[1].process);
    expect(infos[0].thread).not.toBe(infos[1].thread);

    const event = host.eventCreate(0);
    const kept = host.handleDuplicate(event.handle, 0x8000_0000);
    const [there] = await agent.takeHandles([event.handle]);
    const waiting = second.status('zx_object_wait_one', there, ZX_EVENT_SIGNALED, 0x7fff_ffff_ffff_ffffn, 0);
    expect(await agent.systemCall('zx_system_get_page_size')).toBe(4096n);
    expect(host.objectSignal(kept.handle, 0, ZX_EVENT_SIGNALED).status).toBe(ZX_OK);
    expect(await waiting).toBe(ZX_OK);
    second.close();
  });

  it('closing its channel ends the agent with code 0', async () => {
    const { code, exception } = await end();
    expect([code, exception]).toEqual([0n, undefined]);
  });
});

describe('malformed requests', () => {
  it('are answered, and the next one is served', async () => {
    expect((await agent.request(999)).status).toBe(ZX_ERR_NOT_SUPPORTED);
    expect((await agent.request(14, [2], new Uint8Array(4))).status).toBe(ZX_ERR_INVALID_ARGS);
    expect((await agent.request(14, [0], new Uint8Array(3))).status).toBe(ZX_ERR_INVALID_ARGS);
    expect((await agent.request(14, [0], new Uint8Array([3, 0, 0, 0]))).status).toBe(ZX_ERR_BAD_HANDLE);
    expect((await agent.request(15)).status).toBe(ZX_ERR_INVALID_ARGS);
    expect(await agent.systemCall('zx_system_get_page_size')).toBe(4096n);
  });
});
