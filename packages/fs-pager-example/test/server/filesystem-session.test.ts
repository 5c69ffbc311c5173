import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_PATH,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_NOT_DIR,
  ZX_ERR_NOT_FILE,
  ZX_ERR_NOT_FOUND,
  ZX_OK,
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_MAP,
  ZX_RIGHT_READ,
  ZX_RIGHT_WRITE,
} from '@faultline/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KIND_FILE, type Namespace } from '../../src/namespace/namespace.js';
import {
  FS_LIST,
  FS_OPEN,
  FS_SPAWN,
  FS_STAT,
  OPEN_EXECUTE,
  OPEN_READ,
  OPEN_WRITE,
} from '../../src/protocol.js';
import { filesystemRig } from '../support/filesystem-rig.js';
import { guestFolder } from '../support/guest-files.js';

const PAGE = 4096;
const u64 = (bytes: Uint8Array, at = 0): number => Number(new DataView(bytes.buffer).getBigUint64(at, true));

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const openDescriptors = (): number => readdirSync('/dev/fd').length;

describe('a guest', () => {
  it('opens a file, and reads it page by page', async () => {
    const content = Buffer.from(Array.from({ length: 3 * PAGE + 10 }, (_, index) => index % 251));
    const rig = await filesystemRig(guestFolder({ 'a/b.bin': content }));
    const { client } = rig.client();
    const reply = await client.ask(FS_OPEN, OPEN_READ, 'a/b.bin');
    expect(reply).toMatchObject({ transaction: 1, operation: FS_OPEN, status: ZX_OK });
    expect(u64(reply.body)).toBe(content.length);
    const vmo = reply.handles[0];
    const bytes = new Uint8Array(10);
    expect(await client.host.vmoRead(vmo, bytes, 3 * PAGE)).toEqual({ status: ZX_OK });
    expect(Buffer.from(bytes)).toEqual(content.subarray(3 * PAGE));
    expect(rig.pager.metrics.pagesSupplied).toBe(1);
  });

  it('may read and map what it opens, execute it if it asks for that, and never write it', async () => {
    const rig = await filesystemRig(guestFolder({ file: 'x' }));
    const { client } = rig.client();
    const rights = async (flags: number): Promise<number> => {
      const { handles } = await client.ask(FS_OPEN, flags, 'file');
      return client.host.handleBasicInfo(handles[0]).rights;
    };
    const all = ZX_RIGHT_READ | ZX_RIGHT_WRITE | ZX_RIGHT_MAP | ZX_RIGHT_EXECUTE;
    expect((await rights(OPEN_READ)) & all).toBe(ZX_RIGHT_READ | ZX_RIGHT_MAP);
    expect((await rights(OPEN_READ | OPEN_EXECUTE)) & all).toBe(
      ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_EXECUTE,
    );
    expect((await client.ask(FS_OPEN, OPEN_READ | OPEN_WRITE, 'file')).status).toBe(ZX_ERR_ACCESS_DENIED);
  });

  it('shares the pages of a file with the others', async () => {
    const rig = await filesystemRig(guestFolder({ file: 'x'.repeat(2 * PAGE) }));
    const guests = [rig.client().client, rig.client().client];
    for (const guest of guests) {
      const { handles } = await guest.ask(FS_OPEN, OPEN_READ, 'file');
      expect(await guest.host.vmoRead(handles[0], new Uint8Array(2 * PAGE), 0)).toEqual({ status: ZX_OK });
    }
    expect(rig.files.size).toBe(1);
    expect(rig.pager.metrics.pagesSupplied).toBe(2);
  });

  it('finds new content in a file that was rewritten, while others keep the old one', async () => {
    const folder = guestFolder({ file: 'old' });
    const rig = await filesystemRig(folder);
    const { client } = rig.client();
    const old = await client.ask(FS_OPEN, OPEN_READ, 'file');
    writeFileSync(join(folder, 'file'), 'newer');
    const fresh = await client.ask(FS_OPEN, OPEN_READ, 'file');
    expect([u64(old.body), u64(fresh.body)]).toEqual([3, 5]);
    expect(rig.files.size).toBe(2);
  });

  it('asks for kinds, sizes and entries', async () => {
    const rig = await filesystemRig(guestFolder({ 'a/x': '12345', b: '' }));
    const { client } = rig.client();
    const stat = await client.ask(FS_STAT, 0, 'a/x');
    expect([u64(stat.body), stat.body[8]]).toEqual([5, KIND_FILE]);
    const list = await client.ask(FS_LIST, 0, '/');
    expect(list.argument).toBe(2);
    expect((await client.ask(FS_LIST, 2, '/')).argument).toBe(0);
  });

  it.each([
    ['missing', FS_OPEN, OPEN_READ, ZX_ERR_NOT_FOUND],
    ['folder', FS_OPEN, OPEN_READ, ZX_ERR_NOT_FILE],
    ['file/x', FS_OPEN, OPEN_READ, ZX_ERR_NOT_DIR],
    ['../x', FS_OPEN, OPEN_READ, ZX_ERR_ACCESS_DENIED],
    ['', FS_OPEN, OPEN_READ, ZX_ERR_BAD_PATH],
    ['file', FS_LIST, 0, ZX_ERR_NOT_DIR],
    ['file', FS_OPEN, 0x100, ZX_ERR_INVALID_ARGS],
    ['file', 77, 0, ZX_ERR_INVALID_ARGS],
  ])('is told what is wrong with %j', async (path, operation, argument, status) => {
    const rig = await filesystemRig(guestFolder({ file: '', 'folder/x': '' }));
    const { client } = rig.client();
    expect(await client.ask(operation, argument, path)).toMatchObject({
      transaction: 1,
      operation,
      status,
      handles: [],
    });
    expect(rig.errors).toEqual([]);
  });

  it('has programs started, with what it passes on', async () => {
    const rig = await filesystemRig(guestFolder({}));
    const { client, session } = rig.client({ maxChildren: 1 });
    const body = Buffer.from('\u0001\0\0\0p.elf\0p\0x y\0A=b\0');
    const event = client.host.eventCreate(0).handle;
    const reply = await client.ask(FS_SPAWN, 2, body, [event]);
    expect(reply).toMatchObject({ status: ZX_OK });
    expect(reply.handles).toHaveLength(1);
    expect(rig.spawned).toMatchObject([{ path: 'p.elf', args: ['p', 'x y'], environment: ['A=b'] }]);
    expect(rig.spawned[0]?.handles).toHaveLength(1);
    session.children = 1;
    expect((await client.ask(FS_SPAWN, 2, body)).status).toBe(ZX_ERR_NO_RESOURCES);
  });

  it('keeps no handles where none belong', async () => {
    const rig = await filesystemRig(guestFolder({ file: '' }));
    const { client } = rig.client();
    const objects = rig.kernel.statistics().objects;
    const nine = (): number[] => Array.from({ length: 9 }, () => client.host.eventCreate(0).handle);
    expect((await client.ask(FS_STAT, 0, 'file', nine())).status).toBe(ZX_ERR_INVALID_ARGS);
    expect((await client.ask(FS_SPAWN, 0, Buffer.from('\0\0\0\0p\0'), nine())).status).toBe(
      ZX_ERR_NO_RESOURCES,
    );
    expect((await client.ask(99, 0, '', nine())).status).toBe(ZX_ERR_INVALID_ARGS);
    client.send(new Uint8Array(3), nine());
    await settle();
    expect(rig.kernel.statistics().objects).toBe(objects);
  });

  it('opens no more files than it may, nor all guests together', async () => {
    const rig = await filesystemRig(guestFolder({ a: '', b: '', c: '', d: '' }), {
      maxFiles: 3,
      maxFilesPerUser: 2,
    });
    const { client, session } = rig.client();
    const first = await client.ask(FS_OPEN, OPEN_READ, 'a');
    await client.ask(FS_OPEN, OPEN_READ, 'b');
    expect((await client.ask(FS_OPEN, OPEN_READ, 'c')).status).toBe(ZX_ERR_NO_RESOURCES);
    expect((await client.ask(FS_OPEN, OPEN_READ, 'a')).status).toBe(ZX_OK);
    const other = rig.client().client;
    expect((await other.ask(FS_OPEN, OPEN_READ, 'c')).status).toBe(ZX_OK);
    expect((await other.ask(FS_OPEN, OPEN_READ, 'd')).status).toBe(ZX_ERR_NO_RESOURCES);
    client.host.handles.clear();
    await settle();
    expect(first.handles).toHaveLength(1);
    expect(session.openFiles).toBe(0);
    expect((await other.ask(FS_OPEN, OPEN_READ, 'd')).status).toBe(ZX_OK);
  });

  it('leaves nothing open behind', async () => {
    const rig = await filesystemRig(guestFolder({ a: 'x'.repeat(3 * PAGE), b: '' }));
    const before = { descriptors: openDescriptors(), ...rig.kernel.statistics() };
    const { client } = rig.client();
    for (const path of ['a', 'b', 'a', 'missing']) {
      const { handles } = await client.ask(FS_OPEN, OPEN_READ, path);
      if (handles[0] !== undefined) await client.host.vmoRead(handles[0], new Uint8Array(1), 0);
    }
    expect(rig.channels.size).toBe(1);
    client.host.handles.clear();
    await settle();
    const after = rig.kernel.statistics();
    expect([openDescriptors(), after.objects, after.frames]).toEqual([
      before.descriptors,
      before.objects,
      before.frames,
    ]);
    expect([rig.files.size, rig.pager.vmoCount, rig.channels.size]).toEqual([0, 0, 0]);
  });

  it('gets a reply to whatever it sends, or nothing below 16 bytes, and is served on', async () => {
    const rig = await filesystemRig(guestFolder({ file: 'content' }));
    const { client } = rig.client();
    const operation = fc.oneof(fc.constantFrom(FS_OPEN, FS_SPAWN, FS_STAT, FS_LIST), fc.nat(0xffff_ffff));
    const message = fc
      .tuple(
        fc.nat(0xffff_ffff),
        operation,
        fc.integer(),
        fc.oneof(fc.nat(8), fc.nat(0xffff_ffff)),
        fc.uint8Array({ maxLength: 80 }),
      )
      .map(([transaction, op, status, argument, body]) => {
        const header = new DataView(new ArrayBuffer(16));
        header.setUint32(0, transaction, true);
        header.setUint32(4, op, true);
        header.setInt32(8, status, true);
        header.setUint32(12, argument, true);
        return Uint8Array.from([...new Uint8Array(header.buffer), ...body]);
      });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(message, fc.uint8Array({ maxLength: 15 })), { maxLength: 10 }),
        async (messages) => {
          for (const bytes of messages) expect(client.send(bytes)).toBe(ZX_OK);
          await settle();
          expect(client.countReplies()).toBe(messages.filter(({ length }) => length >= 16).length);
        },
      ),
      { numRuns: 200 },
    );
    expect(rig.errors).toEqual([]);
    expect((await client.ask(FS_OPEN, OPEN_READ, 'file')).status).toBe(ZX_OK);
  });

  it('gets ZX_ERR_IO for what goes wrong inside a namespace, which is reported', async () => {
    const bug = new TypeError('a bug');
    const namespace: Namespace = {
      openFile: () => Promise.reject(bug),
      stat: () => {
        throw bug;
      },
      list: () => [],
      close: () => undefined,
    };
    const rig = await filesystemRig(namespace);
    const { client } = rig.client();
    expect((await client.ask(FS_OPEN, OPEN_READ, 'x')).status).toBe(ZX_ERR_IO);
    expect((await client.ask(FS_STAT, 0, 'x')).status).toBe(ZX_ERR_IO);
    expect(rig.errors).toEqual([bug, bug]);
  });

  it('that takes no replies loses its channel, and nobody else does', async () => {
    const rig = await filesystemRig(guestFolder({ file: '' }));
    const greedy = rig.client().client;
    const other = rig.client().client;
    const message = new Uint8Array(16);
    for (let round = 0; round < 3 && rig.channels.size === 2; round++) {
      for (let index = 0; index < 3_000 && rig.channels.size === 2; index++) greedy.send(message);
      for (let turn = 0; turn < 50 && rig.channels.size === 2; turn++) await settle();
    }
    expect(rig.channels.size).toBe(1);
    expect((await other.ask(FS_STAT, 0, 'file')).status).toBe(ZX_OK);
  });
});
