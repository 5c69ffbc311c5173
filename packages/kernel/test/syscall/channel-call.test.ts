import { describe, expect, it } from 'vitest';
import * as abi from '../../src/abi/index.js';
import { FOREVER, NO_HANDLE, NOWHERE, TestKernel, type TestCall, type TestProcess } from './harness.js';

const ARGS_AT = 0;
const WRITE_AT = 64;
const READ_AT = 1024;
const READ_HANDLES_AT = 2048;
const ACTUAL_AT = 3072;

interface Pair {
  kernel: TestKernel;
  process: TestProcess;
  left: number;
  right: number;
}

function setUp(limits = {}): Pair {
  const kernel = new TestKernel(limits);
  const process = kernel.process();
  const [left, right] = process.makePair('channel_create');
  return { kernel, process, left, right };
}

interface CallOptions {
  readonly options?: number;
  readonly deadline?: number | bigint;
  readonly bytes?: number;
  readonly handles?: readonly number[];
  readonly readBytes?: number;
  readonly readHandles?: number;
}

/** Calls with `text` after four bytes for the txid. */
function call(process: TestProcess, channel: number, text: string, options: CallOptions = {}): TestCall {
  const { memory, out } = process;
  const handles = options.handles ?? [];
  memory.put(out + WRITE_AT, new TextEncoder().encode(`????${text}`));
  memory.setU32s(out + WRITE_AT + 512, ...handles);
  memory.setU64(out + ARGS_AT, out + WRITE_AT);
  memory.setU64(out + ARGS_AT + 8, out + WRITE_AT + 512);
  memory.setU64(out + ARGS_AT + 16, out + READ_AT);
  memory.setU64(out + ARGS_AT + 24, out + READ_HANDLES_AT);
  memory.setU32s(
    out + ARGS_AT + 32,
    options.bytes ?? text.length + 4,
    handles.length,
    options.readBytes ?? 512,
    options.readHandles ?? 8,
  );
  return process.start(
    'channel_call',
    channel,
    options.options ?? 0,
    options.deadline ?? FOREVER,
    out + ARGS_AT,
    out + ACTUAL_AT,
    out + ACTUAL_AT + 4,
  );
}

/** Reads a request on the other end: its txid and text. */
function receive(process: TestProcess, channel: number): { txid: number; text: string } {
  const at = process.memory.base + 4096;
  const status = process.call('channel_read', channel, 0, at, 0, 4096, 0, at + 4096, 0);
  if (status !== abi.ZX_OK) throw new Error(`status ${status}`);
  const length = process.memory.u32(at + 4096);
  return {
    txid: process.memory.u32(at),
    text: new TextDecoder().decode(process.memory.slice(at + 4, length - 4)),
  };
}

function send(
  process: TestProcess,
  channel: number,
  txid: number,
  text: string,
  handles: readonly number[] = [],
): number {
  const at = process.memory.base + 4096;
  process.memory.setU32s(at, txid);
  process.memory.put(at + 4, new TextEncoder().encode(text));
  process.memory.setU32s(at + 2048, ...handles);
  return process.call('channel_write', channel, 0, at, 4 + text.length, at + 2048, handles.length);
}

function answer(process: TestProcess): string {
  const { memory, out } = process;
  return new TextDecoder().decode(memory.slice(out + READ_AT + 4, memory.u32(out + ACTUAL_AT) - 4));
}

describe('zx_channel_call', () => {
  it('gives each call the answer with its txid, in whatever order they come; other messages are queued', () => {
    const { process, left, right } = setUp();
    const first = call(process, left, 'first');
    const one = receive(process, right);
    expect([one.text, one.txid >= 0x8000_0000]).toEqual(['first', true]);
    const second = call(process, left, 'second');
    const two = receive(process, right);
    expect(two.txid).not.toBe(one.txid);
    expect(send(process, right, 7, 'event')).toBe(abi.ZX_OK);
    send(process, right, two.txid, 'to the second');
    expect([first.status, second.status, answer(process)]).toEqual([undefined, abi.ZX_OK, 'to the second']);
    expect(first.blocker?.describe()).toBe(`an answer on channel ${process.object(left).koid}`);
    send(process, right, one.txid, 'to the first');
    expect([first.status, answer(process)]).toEqual([abi.ZX_OK, 'to the first']);
    expect(receive(process, left)).toEqual({ txid: 7, text: 'event' });
  });

  it('reports a bad structure, options, BAD_HANDLE, WRONG_TYPE, ACCESS_DENIED, short messages', () => {
    const { process, left } = setUp();
    expect(process.call('channel_call', left, 0, 0, NOWHERE, 0, 0)).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(process, NO_HANDLE, '', { options: 1 }).status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(call(process, NO_HANDLE, '').status).toBe(abi.ZX_ERR_BAD_HANDLE);
    expect(call(process, process.make('event_create', 0), '').status).toBe(abi.ZX_ERR_WRONG_TYPE);
    const writer = process.give(process.object(left), abi.ZX_RIGHT_WRITE);
    expect(call(process, writer, '').status).toBe(abi.ZX_ERR_ACCESS_DENIED);
    expect(call(process, left, '', { bytes: 3 }).status).toBe(abi.ZX_ERR_INVALID_ARGS);
  });

  it('times out after sending; an answer that comes later is an ordinary message', () => {
    const { kernel, process, left, right } = setUp();
    const late = call(process, left, 'x', { deadline: kernel.time + 5 });
    kernel.advanceTo(kernel.time + 5);
    expect(late.status).toBe(abi.ZX_ERR_TIMED_OUT);
    const { txid } = receive(process, right);
    send(process, right, txid, 'late');
    expect(receive(process, left)).toEqual({ txid, text: 'late' });
  });

  it('ends with PEER_CLOSED when the other end goes, with CANCELED when its own does', () => {
    const { kernel, process, left, right } = setUp();
    const first = call(process, left, 'x');
    process.call('handle_close', right);
    expect(first.status).toBe(abi.ZX_ERR_PEER_CLOSED);
    expect(call(process, left, 'x').status).toBe(abi.ZX_ERR_PEER_CLOSED);
    const [mine] = process.makePair('channel_create');
    const second = call(process, mine, 'x');
    process.call('handle_close', mine);
    expect(second.status).toBe(abi.ZX_ERR_CANCELED);
    expect(kernel.liveObjects).toBe(2);
  });

  it('consumes its handles also when it cannot send', () => {
    const { kernel, process, left, right } = setUp({ channelMessages: 0 });
    const refused = call(process, left, 'x', { handles: [process.make('event_create', 0)] });
    expect(refused.status).toBe(abi.ZX_ERR_SHOULD_WAIT);
    const wrong = call(process, right + 0x4000_0000, 'x', { handles: [process.make('event_create', 0)] });
    expect(wrong.status).toBe(abi.ZX_ERR_BAD_HANDLE);
    const short = call(process, left, '', { bytes: 2, handles: [process.make('event_create', 0)] });
    expect(short.status).toBe(abi.ZX_ERR_INVALID_ARGS);
    expect(kernel.liveObjects).toBe(2);
  });

  it('drops an answer that does not fit, after saying how large it was', () => {
    const { kernel, process, left, right } = setUp();
    const waiting = call(process, left, 'x', { readBytes: 6, readHandles: 1 });
    send(process, right, receive(process, right).txid, 'long', [process.make('event_create', 0)]);
    expect(waiting.status).toBe(abi.ZX_ERR_BUFFER_TOO_SMALL);
    const { memory, out } = process;
    expect([memory.u32(out + ACTUAL_AT), memory.u32(out + ACTUAL_AT + 4)]).toEqual([8, 1]);
    expect(kernel.liveObjects).toBe(2);
  });

  it('passes handles in both directions, in its etc form described', () => {
    const { process, left, right } = setUp();
    const { memory, out } = process;
    const [mine, theirs] = [process.make('event_create', 0), process.make('event_create', 0)];
    const object = process.object(theirs);
    call(process, left, 'x', { deadline: 0 });
    receive(process, right);
    memory.setU32s(out + WRITE_AT + 512, abi.ZX_HANDLE_OP_MOVE, mine, 0, abi.ZX_RIGHT_WAIT, 0);
    memory.setU32s(out + ARGS_AT + 32, 8, 1, 512, 8);
    const good = process.start('channel_call_etc', left, 0, FOREVER, out + ARGS_AT, out + ACTUAL_AT, 0);
    const at = memory.base + 4096;
    expect(process.call('channel_read', right, 0, at, at + 64, 4096, 1, 0, 0)).toBe(abi.ZX_OK);
    expect(process.handles.get(memory.u32(at + 64))?.rights).toBe(abi.ZX_RIGHT_WAIT);
    send(process, right, memory.u32(at), '', [theirs]);
    expect(good.status).toBe(abi.ZX_OK);
    expect(process.object(memory.u32(out + READ_HANDLES_AT))).toBe(object);
    expect(memory.u32(out + READ_HANDLES_AT + 4)).toBe(abi.ZX_OBJ_TYPE_EVENT);
  });

  it('gives back an answer that came for a caller killed meanwhile', () => {
    const { kernel, process, left, right } = setUp();
    const waiting = call(process, left, 'x');
    const { txid } = receive(process, right);
    const other = kernel.process();
    const end = other.handles.add(process.handles.remove(right) as never);
    const event = other.make('event_create', 0);
    // Without a turn for the caller in between.
    const run = kernel.settle.bind(kernel);
    kernel.settle = () => undefined;
    expect(send(other, end, txid, '', [event])).toBe(abi.ZX_OK);
    waiting.kill();
    kernel.settle = run;
    kernel.settle();
    expect(kernel.liveObjects).toBe(2);
  });
});
