import { ZX_OK } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import * as protocol from '../src/protocol.js';

function message(operation: number, argument: number, body: Uint8Array | string = ''): Uint8Array {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const whole = new Uint8Array(protocol.HEADER_BYTES + bytes.length);
  const view = new DataView(whole.buffer);
  view.setUint32(0, 0x8000_0001, true);
  view.setUint32(4, operation, true);
  view.setUint32(12, argument, true);
  whole.set(bytes, protocol.HEADER_BYTES);
  return whole;
}

function filesystem(
  operation: number,
  argument: number,
  body: Uint8Array | string = '',
): protocol.FilesystemRequest {
  const whole = message(operation, argument, body);
  return protocol.readFilesystemRequest(protocol.readHeader(whole) as protocol.MessageHeader, whole);
}

function stdio(operation: number, argument: number, body: Uint8Array | string = ''): protocol.StdioRequest {
  const whole = message(operation, argument, body);
  return protocol.readStdioRequest(protocol.readHeader(whole) as protocol.MessageHeader, whole);
}

function spawnBody(envc: number, text: string): Uint8Array {
  const strings = new TextEncoder().encode(text);
  const body = new Uint8Array(4 + strings.length);
  new DataView(body.buffer).setUint32(0, envc, true);
  body.set(strings, 4);
  return body;
}

describe('messages of guests', () => {
  it('have no header below 16 bytes', () => {
    expect(protocol.readHeader(new Uint8Array(15))).toBeNull();
    expect(protocol.readHeader(message(16, 1))).toEqual({
      transaction: 0x8000_0001,
      operation: 16,
      argument: 1,
    });
  });

  it('ask for files, their size, and listings', () => {
    expect(filesystem(protocol.FS_OPEN, protocol.OPEN_READ, 'däta/x')).toEqual({
      operation: 16,
      flags: 1,
      path: 'däta/x',
    });
    expect(filesystem(protocol.FS_STAT, 0, '/')).toEqual({ operation: 18, path: '/' });
    expect(filesystem(protocol.FS_LIST, 7, 'a')).toEqual({ operation: 19, firstIndex: 7, path: 'a' });
  });

  it('ask for programs with arguments and environment, empty strings included', () => {
    expect(filesystem(protocol.FS_SPAWN, 3, spawnBody(1, 'p.elf\0p\0\0two words\0A=1\0'))).toEqual({
      operation: 17,
      path: 'p.elf',
      args: ['p', '', 'two words'],
      environment: ['A=1'],
    });
    expect(filesystem(protocol.FS_SPAWN, 0, spawnBody(0, 'p.elf\0'))).toMatchObject({
      path: 'p.elf',
      args: [],
      environment: [],
    });
  });

  it.each([
    ['an unknown operation', 99, 0, 'x', 'bad-message'],
    ['unknown flags', protocol.FS_OPEN, 9, 'x', 'bad-message'],
    ['no flags', protocol.FS_OPEN, 0, 'x', 'bad-message'],
    ['an argument to stat', protocol.FS_STAT, 1, 'x', 'bad-message'],
    ['a path that is not UTF-8', protocol.FS_STAT, 0, Uint8Array.of(0x61, 0xff), 'bad-path'],
    ['a spawn without counts', protocol.FS_SPAWN, 0, 'ab', 'bad-message'],
    ['a spawn with too few strings', protocol.FS_SPAWN, 2, spawnBody(0, 'p\0a\0'), 'bad-message'],
    ['a spawn with too many strings', protocol.FS_SPAWN, 0, spawnBody(0, 'p\0a\0'), 'bad-message'],
    ['a spawn without the last NUL', protocol.FS_SPAWN, 1, spawnBody(0, 'p\0a'), 'bad-message'],
    ['a spawn without a path', protocol.FS_SPAWN, 0, spawnBody(0, ''), 'bad-message'],
    [
      'a spawn of text that is not UTF-8',
      protocol.FS_SPAWN,
      0,
      spawnBody(0, '').fill(0xff, 0, 0),
      'bad-message',
    ],
    [
      'counts beyond all bounds',
      protocol.FS_SPAWN,
      0xffff_ffff,
      spawnBody(0xffff_ffff, 'p\0'),
      'limit-reached',
    ],
  ])('are refused with %s', (_what, operation, argument, body, code) => {
    expect(() => filesystem(operation, argument, body)).toThrow(expect.objectContaining({ code }));
  });

  it('write to and read from standard streams', () => {
    expect(stdio(protocol.STDIO_WRITE, 0, 'hello')).toEqual({
      operation: 1,
      bytes: new TextEncoder().encode('hello'),
    });
    expect(stdio(protocol.STDIO_READ, 100)).toEqual({ operation: 2, maxBytes: 100 });
    expect(stdio(protocol.STDIO_READ, 0xffff_ffff)).toEqual({ operation: 2, maxBytes: 8_192 });
  });

  it.each([
    ['more than 8192 bytes', protocol.STDIO_WRITE, 0, new Uint8Array(8_193)],
    ['bytes after a read request', protocol.STDIO_READ, 5, 'x'],
    ['an unknown operation', 3, 0, ''],
  ])('are refused by a standard stream with %s', (_what, operation, argument, body) => {
    expect(() => stdio(operation, argument, body)).toThrow(expect.objectContaining({ code: 'bad-message' }));
  });
});

describe('replies', () => {
  const to = { transaction: 0xdead_beef, operation: 16, argument: 4 };

  it('repeat transaction and operation', () => {
    const view = new DataView(protocol.reply(to, -25, 9, Uint8Array.of(1, 2)).buffer);
    expect([
      view.getUint32(0, true),
      view.getUint32(4, true),
      view.getInt32(8, true),
      view.getUint32(12, true),
    ]).toEqual([0xdead_beef, 16, -25, 9]);
    expect(view.byteLength).toBe(18);
  });

  it('give sizes beyond 32 bits', () => {
    expect(new DataView(protocol.openBody(2 ** 40 + 5).buffer).getBigUint64(0, true)).toBe(2n ** 40n + 5n);
    const stat = new DataView(protocol.statBody(2 ** 33, 1).buffer);
    expect([stat.getBigUint64(0, true), stat.getUint32(8, true)]).toEqual([2n ** 33n, 1]);
  });

  it('list as many entries as fit, and none behind the last', () => {
    const entries = Array.from({ length: 3_000 }, (_, index) => ({
      kind: 1 as const,
      name: `file-${String(index).padStart(6, '0')}-é`,
    }));
    const seen: string[] = [];
    for (;;) {
      const bytes = protocol.listReply(to, entries, seen.length);
      expect(bytes.length).toBeLessThanOrEqual(protocol.HEADER_BYTES + protocol.MAX_LIST_BYTES);
      const view = new DataView(bytes.buffer);
      const count = view.getUint32(12, true);
      if (count === 0) break;
      let position = protocol.HEADER_BYTES;
      for (let index = 0; index < count; index++) {
        expect(bytes[position]).toBe(1);
        const length = view.getUint16(position + 1, true);
        seen.push(new TextDecoder().decode(bytes.subarray(position + 3, position + 3 + length)));
        position += 3 + length;
      }
      expect(position).toBe(bytes.length);
    }
    expect(seen).toEqual(entries.map(({ name }) => name));
    expect(new DataView(protocol.listReply(to, entries, 5_000).buffer).getInt32(8, true)).toBe(ZX_OK);
  });
});
