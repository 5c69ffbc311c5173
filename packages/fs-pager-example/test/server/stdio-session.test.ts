import { PassThrough, Writable } from 'node:stream';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_PEER_CLOSED,
  ZX_OK,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { STDIO_READ, STDIO_WRITE } from '../../src/protocol.js';
import { InputSource } from '../../src/server/input-source.js';
import { OutputSink } from '../../src/server/output-sink.js';
import { StdioSession } from '../../src/server/stdio-session.js';
import { filesystemRig, type TestClient } from '../support/filesystem-rig.js';
import { Collector, guestFolder } from '../support/guest-files.js';

async function serve(stream: InputSource | OutputSink): Promise<TestClient> {
  const rig = await filesystemRig(guestFolder({}));
  return rig.serve(new StdioSession(stream, (handle) => rig.host.handleClose(handle)));
}

describe('a standard stream of a guest', () => {
  it('takes bytes as they are', async () => {
    const output = new Collector();
    const client = await serve(new OutputSink(output));
    const all = Uint8Array.from({ length: 8_192 }, (_, index) => index & 0xff);
    expect(await client.ask(STDIO_WRITE, 0, all)).toMatchObject({ status: ZX_OK, argument: 8_192 });
    expect(await client.ask(STDIO_WRITE, 0, '')).toMatchObject({ status: ZX_OK, argument: 0 });
    expect(Buffer.from(output.bytes)).toEqual(Buffer.from(all));
  });

  it('replies when the stream has taken the bytes, not before', async () => {
    let done: (() => void) | null = null;
    const slow = new Writable({ write: (_chunk, _encoding, callback) => (done = callback) });
    const client = await serve(new OutputSink(slow));
    let replied = false;
    const reply = client.ask(STDIO_WRITE, 0, 'abc').then((value) => {
      replied = true;
      return value;
    });
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([done === null, replied]).toEqual([false, false]);
    (done as (() => void) | null)?.();
    expect((await reply).argument).toBe(3);
  });

  it('gives what was asked for, and ends', async () => {
    const input = new PassThrough();
    const client = await serve(new InputSource(input));
    input.end('abcdef');
    const first = await client.ask(STDIO_READ, 4);
    expect([first.argument, Buffer.from(first.body).toString()]).toEqual([4, 'abcd']);
    expect((await client.ask(STDIO_READ, 0)).argument).toBe(0);
    expect((await client.ask(STDIO_READ, 100)).argument).toBe(2);
    expect(await client.ask(STDIO_READ, 100)).toMatchObject({ status: ZX_OK, argument: 0 });
  });

  it('says when it fails', async () => {
    const input = new PassThrough();
    const reader = await serve(new InputSource(input));
    const reply = reader.ask(STDIO_READ, 4);
    input.destroy(new Error('gone'));
    expect((await reply).status).toBe(ZX_ERR_IO);
    const output = new PassThrough();
    output.destroy();
    const writer = await serve(new OutputSink(output));
    expect((await writer.ask(STDIO_WRITE, 0, 'x')).status).toBe(ZX_ERR_PEER_CLOSED);
  });

  it('refuses the wrong direction, and what is no request', async () => {
    const reader = await serve(new InputSource(null));
    expect((await reader.ask(STDIO_WRITE, 0, 'x')).status).toBe(ZX_ERR_ACCESS_DENIED);
    const writer = await serve(new OutputSink(null));
    expect((await writer.ask(STDIO_READ, 5)).status).toBe(ZX_ERR_ACCESS_DENIED);
    expect((await writer.ask(9, 0)).status).toBe(ZX_ERR_INVALID_ARGS);
    expect((await writer.ask(STDIO_WRITE, 0, new Uint8Array(8_193))).status).toBe(ZX_ERR_INVALID_ARGS);
  });
});
