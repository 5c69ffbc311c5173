import { PassThrough, Readable, Writable } from 'node:stream';
import { ZX_ERR_IO, ZX_ERR_PEER_CLOSED, ZX_OK } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { InputSource } from '../../src/server/input-source.js';
import { OutputSink } from '../../src/server/output-sink.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('standard input', () => {
  it('is read as far as asked, byte for byte, to its end', async () => {
    const source = new InputSource(Readable.from([Buffer.from('hello '), Buffer.from('world')]));
    let all = '';
    for (;;) {
      const bytes = await source.read(4);
      expect(bytes.length).toBeLessThanOrEqual(4);
      if (bytes.length === 0) break;
      all += text(bytes);
    }
    expect(all).toBe('hello world');
    expect(await source.read(4)).toHaveLength(0);
  });

  it('gives what there is without waiting for more', async () => {
    const stream = new PassThrough();
    const source = new InputSource(stream);
    const read = source.read(100);
    stream.write('line\n');
    expect(text(await read)).toBe('line\n');
  });

  it('serves readers in the order in which they asked', async () => {
    const stream = new PassThrough();
    const source = new InputSource(stream);
    const reads = [source.read(2), source.read(2), source.read(2)];
    stream.end('abcde');
    expect((await Promise.all(reads)).map(text)).toEqual(['ab', 'cd', 'e']);
  });

  it('is not touched before somebody reads', () => {
    const stream = new PassThrough();
    stream.write('x');
    const source = new InputSource(stream);
    expect(stream.listenerCount('readable')).toBe(0);
    source.close();
    expect(stream.listenerCount('readable')).toBe(0);
  });

  it('is given back by close, which ends the reads that wait', async () => {
    const stream = new PassThrough();
    const source = new InputSource(stream);
    const read = source.read(2);
    source.close();
    expect(await read).toHaveLength(0);
    expect(stream.listenerCount('readable')).toBe(0);
    expect(stream.destroyed).toBe(false);
    expect(await source.read(2)).toHaveLength(0);
  });

  it('fails with the stream', async () => {
    const stream = new PassThrough();
    const source = new InputSource(stream);
    const read = source.read(2);
    stream.destroy(new Error('gone'));
    await expect(read).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('gone') });
  });

  it('is at its end without a stream', async () => {
    expect(await new InputSource(null).read(10)).toHaveLength(0);
  });
});

describe('standard output', () => {
  it('takes bytes when the stream does, not before', async () => {
    const taken: string[] = [];
    let release: (() => void) | null = null;
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        taken.push(chunk.toString());
        release = done;
      },
    });
    const sink = new OutputSink(stream);
    let settled = false;
    const write = sink.write(Buffer.from('slow')).then((status) => {
      settled = true;
      return status;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toEqual(['slow']);
    expect(settled).toBe(false);
    (release as (() => void) | null)?.();
    expect(await write).toBe(ZX_OK);
  });

  it.each([
    ['EPIPE', ZX_ERR_PEER_CLOSED],
    ['EIO', ZX_ERR_IO],
  ])('says %s as a status, now and later, and throws nothing', async (code, status) => {
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error(code), { code }));
      },
    });
    const sink = new OutputSink(stream);
    expect(await sink.write(Buffer.from('x'))).toBe(status);
    expect(await sink.write(Buffer.from('y'))).toBe(status);
  });

  it('is closed when the stream has been destroyed', async () => {
    const stream = new PassThrough();
    stream.destroy();
    expect(await new OutputSink(stream).write(Buffer.from('x'))).toBe(ZX_ERR_PEER_CLOSED);
  });

  it('drops everything without a stream', async () => {
    expect(await new OutputSink(null).write(Buffer.from('x'))).toBe(ZX_OK);
  });
});
