import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZX_EXCP_POLICY_ERROR } from '../../src/abi/exceptions.js';
import * as pol from '../../src/abi/policy.js';
import { ZX_EXCEPTION_STATE_HANDLED } from '../../src/abi/properties.js';
import { ZX_RIGHT_READ } from '../../src/abi/rights.js';
import * as st from '../../src/abi/status.js';
import { ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO } from '../../src/abi/task.js';
import type { HostProcess } from '../../src/host/host-process.js';
import { DATA, PAGE, zx } from '../support/asm-guest.js';
import { TestKernel } from '../support/test-thread.js';

const { ZX_ERR_ACCESS_DENIED, ZX_ERR_BAD_HANDLE, ZX_ERR_BAD_STATE, ZX_ERR_INVALID_ARGS, ZX_OK } = st;
const { ZX_JOB_POL_ABSOLUTE: ABSOLUTE, ZX_JOB_POL_RELATIVE: RELATIVE } = pol;
const EVENT = `li a0, 0\nli a1, ${DATA}\n${zx('event_create')}`;

describe('a job', () => {
  let test: TestKernel;
  let host: HostProcess;

  beforeEach(async () => {
    test = await TestKernel.create();
    ({ host } = test);
  });

  afterEach(() => {
    test.finish();
  });

  const job = (parent = host.rootJob().handle): number => host.jobCreate(parent, 0).handle;

  /** Rules of condition, action and, in the second form, override. */
  function set(target: number, options: number, ...rules: readonly (readonly number[])[]): number {
    const topic = rules[0]?.length === 2 ? pol.ZX_JOB_POL_BASIC_V1 : pol.ZX_JOB_POL_BASIC_V2;
    const bytes = new Uint8Array(Uint32Array.from(rules.flat()).buffer);
    return host.call('job_set_policy', target, options, topic, bytes, rules.length);
  }

  async function result(source: string, target: number): Promise<bigint> {
    const guest = await test.start(source, [], { job: target });
    await test.settle();
    return guest.returnCode;
  }

  const denied = BigInt(ZX_ERR_ACCESS_DENIED);

  it('denies what its policy denies, to all below it, and nothing else', async () => {
    const outer = job();
    expect(set(outer, ABSOLUTE, [pol.ZX_POL_NEW_EVENT, pol.ZX_POL_ACTION_DENY])).toBe(ZX_OK);
    const inner = job(outer);
    expect(await result(EVENT, inner)).toBe(denied);
    expect(await result(`li a0, 0\nli a1, ${DATA}\n${zx('port_create')}`, inner)).toBe(0n);
    expect(await result(EVENT, job())).toBe(0n);
  });

  const creations: [string, string, number][] = [
    ['vmo_create', `li a0, 4096\nli a1, 0\nli a2, ${DATA}`, pol.ZX_POL_NEW_VMO],
    ['channel_create', `li a0, 0\nli a1, ${DATA}\nli a2, ${DATA + 8}`, pol.ZX_POL_NEW_CHANNEL],
    ['eventpair_create', `li a0, 0\nli a1, ${DATA}\nli a2, ${DATA + 8}`, pol.ZX_POL_NEW_EVENTPAIR],
    ['port_create', `li a0, 0\nli a1, ${DATA}`, pol.ZX_POL_NEW_PORT],
    ['timer_create', `li a0, 0\nli a1, 0\nli a2, ${DATA}`, pol.ZX_POL_NEW_TIMER],
    ['pager_create', `li a0, 0\nli a1, ${DATA}`, pol.ZX_POL_NEW_PAGER],
  ];

  it.each(creations)('has a condition for %s, which NEW_ANY includes', async (name, args, condition) => {
    const one = job();
    expect(set(one, ABSOLUTE, [condition, pol.ZX_POL_ACTION_DENY])).toBe(ZX_OK);
    expect(await result(`${args}\n${zx(name)}`, one)).toBe(denied);
    const any = job();
    expect(set(any, ABSOLUTE, [pol.ZX_POL_NEW_ANY, pol.ZX_POL_ACTION_DENY])).toBe(ZX_OK);
    expect(await result(`${args}\n${zx(name)}`, any)).toBe(denied);
    expect(await result(`${args}\n${zx(name)}`, job())).toBe(0n);
  });

  it('denies memory that can be written and executed', async () => {
    const target = job();
    expect(set(target, ABSOLUTE, [pol.ZX_POL_VMAR_WX, pol.ZX_POL_ACTION_DENY])).toBe(ZX_OK);
    const map = (options: number): string =>
      `li a0, 0\nli a1, ${options}\nli a2, 0\nli a3, 0\nli a4, 0\nli a5, ${PAGE}\nli a6, ${DATA}\n${zx('vmar_map')}`;
    expect(await result(map(7), target)).toBe(denied);
    expect(await result(map(5), target)).toBe(BigInt(ZX_ERR_BAD_HANDLE));
  });

  it('denies making memory executable without a resource', async () => {
    const target = job();
    const source = `li a0, 0\nli a1, 0\nli a2, ${DATA}\n${zx('vmo_replace_as_executable')}`;
    expect(set(target, ABSOLUTE, [pol.ZX_POL_AMBIENT_MARK_VMO_EXEC, pol.ZX_POL_ACTION_DENY])).toBe(ZX_OK);
    expect(await result(source, target)).toBe(denied);
    expect(await result(source, job())).toBe(BigInt(ZX_ERR_BAD_HANDLE));
  });

  it.each([
    ['refused', pol.ZX_POL_ACTION_DENY_EXCEPTION, denied],
    ['allowed', pol.ZX_POL_ACTION_ALLOW_EXCEPTION, 0n],
  ])('raises an exception when the call has been %s', async (_how, action, code) => {
    const target = job();
    expect(set(target, ABSOLUTE, [pol.ZX_POL_NEW_EVENT, action])).toBe(ZX_OK);
    expect(await result(EVENT, target)).toBe(BigInt(st.ZX_TASK_RETCODE_EXCEPTION_KILL));
    const guest = await test.start(EVENT, [], { job: target });
    const channel = host.taskCreateExceptionChannel(guest.process, 0).handle;
    await test.settle();
    const { type, exception } = host.exceptionRead(channel);
    expect(type).toBe(ZX_EXCP_POLICY_ERROR);
    expect(host.threadExceptionReport(guest.thread)).toMatchObject({
      cause: 0,
      address: 0n,
      synthCode: pol.ZX_POL_NEW_EVENT,
      synthData: 0,
    });
    host.exceptionSetState(exception, ZX_EXCEPTION_STATE_HANDLED);
    host.handleClose(exception);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(code);
  });

  it('kills who uses a bad handle, or tells of it', async () => {
    const bad = `li a0, 12345\n${zx('handle_close')}`;
    const killing = job();
    expect(set(killing, ABSOLUTE, [pol.ZX_POL_BAD_HANDLE, pol.ZX_POL_ACTION_KILL])).toBe(ZX_OK);
    expect(await result(bad, killing)).toBe(BigInt(st.ZX_TASK_RETCODE_POLICY_KILL));
    const asking = `li a0, 12345\nli a1, 1\nli a2, 0\nli a3, 0\nli a4, 0\nli a5, 0\n${zx('object_get_info')}`;
    expect(await result(asking, killing)).toBe(BigInt(ZX_ERR_BAD_HANDLE));
    const telling = job();
    expect(set(telling, ABSOLUTE, [pol.ZX_POL_BAD_HANDLE, pol.ZX_POL_ACTION_DENY_EXCEPTION])).toBe(ZX_OK);
    const guest = await test.start(bad, [], { job: telling });
    await test.settle();
    expect(guest.crash?.exception).toMatchObject({
      type: ZX_EXCP_POLICY_ERROR,
      synthCode: pol.ZX_POL_BAD_HANDLE,
    });
  });

  it('lets jobs below change only what it left open', async () => {
    const outer = job();
    const { ZX_POL_NEW_EVENT: event, ZX_POL_NEW_PORT: port } = pol;
    const { ZX_POL_ACTION_ALLOW: allow, ZX_POL_ACTION_DENY: deny } = pol;
    const rules = [
      [event, deny, pol.ZX_POL_OVERRIDE_DENY],
      [port, deny, pol.ZX_POL_OVERRIDE_ALLOW],
    ];
    expect(set(outer, ABSOLUTE, ...rules)).toBe(ZX_OK);
    const inner = job(outer);
    expect(set(inner, ABSOLUTE, [event, allow])).toBe(st.ZX_ERR_ALREADY_EXISTS);
    expect(set(inner, ABSOLUTE, [event, deny])).toBe(ZX_OK);
    expect(set(inner, RELATIVE, [event, allow], [port, allow])).toBe(ZX_OK);
    expect(await result(EVENT, inner)).toBe(denied);
    expect(await result(`li a0, 0\nli a1, ${DATA}\n${zx('port_create')}`, inner)).toBe(0n);
    expect(set(inner, ABSOLUTE, [port, deny])).toBe(st.ZX_ERR_ALREADY_EXISTS);
  });

  it('takes rules only while it is empty, known ones, with SET_POLICY', async () => {
    const target = job();
    const rule = [pol.ZX_POL_NEW_EVENT, pol.ZX_POL_ACTION_DENY] as const;
    expect(set(target, 2, rule)).toBe(ZX_ERR_INVALID_ARGS);
    expect(set(target, ABSOLUTE, [99, 0])).toBe(st.ZX_ERR_NOT_SUPPORTED);
    expect(set(target, ABSOLUTE, [4, 9])).toBe(st.ZX_ERR_NOT_SUPPORTED);
    const bytes = new Uint8Array(12);
    expect(host.call('job_set_policy', target, 0, 7, bytes, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.call('job_set_policy', target, 0, pol.ZX_JOB_POL_TIMER_SLACK, bytes, 1)).toBe(
      st.ZX_ERR_NOT_SUPPORTED,
    );
    expect(host.call('job_set_policy', target, 0, 0, bytes, 0)).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.call('job_set_policy', target, 0, 0, null, 1)).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.call('job_set_policy', target, 0, 0, bytes, 65)).toBe(st.ZX_ERR_OUT_OF_RANGE);
    const weak = host.handleDuplicate(target, ZX_RIGHT_READ).handle;
    expect(set(weak, ABSOLUTE, rule)).toBe(ZX_ERR_ACCESS_DENIED);
    const below = job(target);
    expect(set(target, ABSOLUTE, rule)).toBe(ZX_ERR_BAD_STATE);
    host.handleClose(below);
    expect(set(target, ABSOLUTE, rule)).toBe(ZX_OK);
    await test.start('li a0, 0', [], { job: target });
    expect(set(target, ABSOLUTE, rule)).toBe(ZX_ERR_BAD_STATE);
    await test.settle();
  });

  it('ends with the process that it cannot do without', async () => {
    const outer = job();
    const inner = job(outer);
    const other = await test.start('spin: j spin', [], { job: inner });
    const guest = await test.start('li a0, 3', [], { job: inner });
    expect(host.call('job_set_critical', job(), 0, guest.process)).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.call('job_set_critical', outer, 2, guest.process)).toBe(ZX_ERR_INVALID_ARGS);
    expect(host.call('job_set_critical', outer, 0, guest.process)).toBe(ZX_OK);
    expect(host.call('job_set_critical', outer, 0, guest.process)).toBe(st.ZX_ERR_ALREADY_BOUND);
    expect(await test.settle()).toBe('exited');
    expect(guest.returnCode).toBe(3n);
    expect(other.returnCode).toBe(BigInt(st.ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL));
    expect(host.jobCreate(outer, 0).status).toBe(ZX_ERR_BAD_STATE);
    expect(host.call('job_set_critical', outer, 0, guest.process)).toBe(ZX_ERR_BAD_STATE);
  });

  it('lives on when such a process ends well, if only failures count', async () => {
    const target = job();
    const guest = await test.start('li a0, 0', [], { job: target });
    const nonzero = ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO;
    expect(host.call('job_set_critical', target, nonzero, guest.process)).toBe(ZX_OK);
    await test.settle();
    expect(host.jobCreate(target, 0).status).toBe(ZX_OK);
    const failing = await test.start('li a0, 1', [], { job: target });
    expect(host.call('job_set_critical', target, nonzero, failing.process)).toBe(ZX_OK);
    await test.settle();
    expect(host.jobCreate(target, 0).status).toBe(ZX_ERR_BAD_STATE);
  });
});
