import { describe, expect, test } from 'vitest';
import { RAM_BASE, VirtioBlock, VirtioConsole, VirtioRandom } from '../../../src/index.js';
import type { BlockStore, VirtioFunction } from '../../../src/index.js';
import { VirtioDriver } from './virtio-driver.js';

class MemoryDrive implements BlockStore {
  readonly content: Uint8Array;
  readonly readOnly: boolean;
  flushes = 0;
  broken = false;

  constructor(sectors: number, readOnly = false) {
    this.content = Uint8Array.from({ length: sectors * 512 }, (_, i) => (i * 7 + (i >> 9)) % 256);
    this.readOnly = readOnly;
  }

  get bytes(): number {
    return this.content.length;
  }

  read(offset: number, into: Uint8Array): void {
    if (this.broken) throw new Error('broken');
    into.set(this.content.subarray(offset, offset + into.length));
  }

  write(offset: number, from: Uint8Array): void {
    this.content.set(from, offset);
  }

  flush(): void {
    this.flushes++;
  }
}

const request = (type: number, sector: number): Uint8Array => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
};

async function driveOf(drive: BlockStore): Promise<VirtioDriver> {
  return VirtioDriver.of((queues) => new VirtioBlock(drive, queues));
}

describe('the transport', () => {
  test('says what it is', async () => {
    const driver = await driveOf(new MemoryDrive(5));
    expect([0, 4, 8].map((register) => driver.get(register))).toEqual([0x7472_6976, 2, 2]);
    driver.set(0x14, 0);
    expect(driver.get(0x10)).toBe((1 << 2) | (1 << 9));
    driver.set(0x14, 1);
    expect(driver.get(0x10)).toBe(1);
    driver.set(0x14, 2);
    expect(driver.get(0x10)).toBe(0);
    expect(driver.device.load(0x100, 8)).toBe(5n);
    expect([driver.device.load(0x10c, 4), driver.device.load(0x110, 8)]).toEqual([126n, 0n]);
    driver.set(0x30, 1);
    expect(driver.get(0x34)).toBe(0);
  });

  test('raises its line after a request and lowers it when that is acknowledged; not when the guest wants none', async () => {
    const driver = await driveOf(new MemoryDrive(1));
    driver.interrupts.length = 0;
    driver.send(0, [request(0, 0), 512, 1]);
    expect([driver.interrupts, driver.get(0x60)]).toEqual([[true], 1]);
    driver.set(0x64, 1);
    expect([driver.interrupts, driver.get(0x60)]).toEqual([[true, false], 0]);
    driver.view.setUint16(driver.at(0, 0x1000), 1, true);
    driver.send(0, [request(0, 0), 512, 1], 4);
    expect([driver.interrupts, driver.used(0)]).toEqual([[true, false], 2]);
  });

  test('does nothing before the driver is ready, and keeps a queue as it is while it is in use', async () => {
    const driver = await driveOf(new MemoryDrive(1));
    driver.set(0x30, 0);
    driver.set(0x38, 4);
    driver.set(0x80, 0);
    driver.send(0, [request(0, 0), 512, 1]);
    expect(driver.used(0)).toBe(1);
    driver.set(0x70, 0);
    expect([driver.get(0x44), driver.get(0x70)]).toEqual([0, 0]);
    driver.send(0, [request(0, 0), 512, 1]);
    expect(driver.used(0)).toBe(1);
  });

  test('takes no queue size that is no power of two or too large', async () => {
    const driver = await driveOf(new MemoryDrive(1));
    for (const size of [0, 3, 512]) {
      driver.set(0x70, 0);
      driver.set(0x30, 0);
      driver.set(0x38, size);
      driver.set(0x44, 1);
      expect(driver.get(0x44), `${size}`).toBe(0);
    }
  });
});

describe('a hostile guest', () => {
  const cases: readonly (readonly [string, (driver: VirtioDriver) => void])[] = [
    ['a buffer outside RAM', (d) => d.describe(0, 0, 0x1000, 512, 0, 0)],
    ['a buffer that ends outside RAM', (d) => d.describe(0, 0, RAM_BASE + 2 ** 20 - 8, 16, 0, 0)],
    ['a buffer at an address beyond 2^53', (d) => d.describe(0, 0, 2 ** 63, 16, 0, 0)],
    ['descriptors in a circle', (d) => d.describe(0, 0, RAM_BASE, 16, 1, 0)],
    ['a descriptor that is not in the table', (d) => d.describe(0, 0, RAM_BASE, 16, 1, 9)],
    ['indirect descriptors, which are not offered', (d) => d.describe(0, 0, RAM_BASE, 16, 4, 0)],
    [
      'bytes to read after bytes to write',
      (d) => {
        d.describe(0, 0, RAM_BASE, 16, 3, 1);
        d.describe(0, 1, RAM_BASE, 16, 0, 0);
      },
    ],
    ['a head that is not in the table', (d) => d.view.setUint16(d.at(0, 0x1004), 8, true)],
    ['more chains than the queue has entries', (d) => d.view.setUint16(d.at(0, 0x1002), 8, true)],
  ];

  test.each(cases)(
    'with %s finds that the device needs a reset, and works after one',
    async (_name, spoil) => {
      const drive = new MemoryDrive(1);
      const driver = await driveOf(drive);
      driver.view.setUint16(driver.at(0, 0x1004), 0, true);
      spoil(driver);
      const index = driver.view.getUint16(driver.at(0, 0x1002), true);
      driver.view.setUint16(driver.at(0, 0x1002), index + 1, true);
      driver.set(0x50, 0);
      expect(driver.get(0x70) & 64).toBe(64);
      expect([driver.used(0), driver.get(0x60)]).toEqual([0, 2]);
      driver.set(0x50, 0);
      driver.set(0x70, 7);
      expect(driver.get(0x70) & 64).toBe(64);
      driver.start(8);
      const [, data] = driver.send(0, [request(0, 0), 512, 1]);
      expect([driver.used(0), Buffer.compare(data, drive.content)]).toEqual([1, 0]);
    },
  );

  test('a queue outside RAM', async () => {
    const driver = await driveOf(new MemoryDrive(1));
    for (const register of [0x80, 0x90, 0xa0]) {
      driver.start(8);
      driver.set(0x30, 0);
      driver.set(0x44, 0);
      driver.set(register, 0x1000);
      driver.set(0x44, 1);
      driver.send(0, [request(0, 0), 512, 1]);
      expect(driver.get(0x70) & 64, `register ${register}`).toBe(64);
    }
  });

  test('a chain of more than 8 MiB', async () => {
    const driver = await driveOf(new MemoryDrive(1));
    for (let i = 0; i < 8; i++) driver.describe(0, i, RAM_BASE, 2 ** 20, i < 7 ? 1 : 0, i + 1);
    driver.offer(0, 0);
    driver.set(0x50, 0);
    expect([driver.get(0x70) & 64, driver.used(0)]).toEqual([0, 1]);
  });
});

describe('a drive', () => {
  test('reads and writes sectors, in pieces as the guest likes', async () => {
    const drive = new MemoryDrive(8);
    const before = drive.content.slice();
    const driver = await driveOf(drive);
    const [, , first, second, status] = driver.send(0, [
      request(0, 3).subarray(0, 10),
      request(0, 3).subarray(10),
      100,
      924,
      1,
    ]);
    expect(Buffer.concat([first, second]).equals(before.subarray(3 * 512, 5 * 512))).toBe(true);
    expect([status[0], driver.usedBytes(0, 0)]).toEqual([0, 1025]);
    const data = new Uint8Array(1024).fill(0xaa);
    const [, , written] = driver.send(0, [request(1, 6), data, 1]);
    expect([written[0], driver.usedBytes(0, 1)]).toEqual([0, 1]);
    expect(Buffer.compare(drive.content.subarray(6 * 512), data)).toBe(0);
    expect(Buffer.compare(drive.content.subarray(0, 6 * 512), before.subarray(0, 6 * 512))).toBe(0);
  });

  test('flushes, says its name, and refuses what it does not know', async () => {
    const drive = new MemoryDrive(1);
    const driver = await driveOf(drive);
    const [, flushed] = driver.send(0, [request(4, 0), 1]);
    expect([flushed[0], drive.flushes]).toEqual([0, 1]);
    const [, name] = driver.send(0, [request(8, 0), 20, 1]);
    expect(Buffer.from(name).toString()).toMatch(/^faultline-drive\0+$/);
    const [, unknown] = driver.send(0, [request(99, 0), 1]);
    expect(unknown[0]).toBe(2);
  });

  test.each([
    ['beyond the end', request(0, 8), 512],
    ['across the end', request(0, 7), 1024],
    ['far beyond the end', request(0, 2 ** 52), 512],
    ['of half a sector', request(0, 0), 256],
    ['with a short header', request(0, 0).subarray(0, 15), 512],
  ])('a read %s is an error', async (_name, header, bytes) => {
    const driver = await driveOf(new MemoryDrive(8));
    const [, data, status] = driver.send(0, [header, bytes, 1]);
    expect([status[0], driver.usedBytes(0, 0)]).toEqual([1, 1]);
    expect(data.every((byte) => byte === 0)).toBe(true);
  });

  test('a write to a drive that is read only, and a store that throws, are errors', async () => {
    const readOnly = new MemoryDrive(1, true);
    const driver = await driveOf(readOnly);
    driver.set(0x14, 0);
    expect(driver.get(0x10) & (1 << 5)).toBe(1 << 5);
    const before = readOnly.content.slice();
    const [, , status] = driver.send(0, [request(1, 0), new Uint8Array(512), 1]);
    expect([status[0], Buffer.compare(readOnly.content, before)]).toEqual([1, 0]);
    readOnly.broken = true;
    const [, , failed] = driver.send(0, [request(0, 0), 512, 1]);
    expect(failed[0]).toBe(1);
  });

  test('a request without room for a status is given back', async () => {
    const driver = await driveOf(new MemoryDrive(1));
    driver.send(0, [request(0, 0)]);
    expect([driver.used(0), driver.usedBytes(0, 0)]).toEqual([1, 0]);
  });
});

describe('a console', () => {
  test('passes bytes on in both directions, and keeps what the guest has no buffers for', async () => {
    const sent: number[] = [];
    let port: VirtioConsole | undefined;
    const driver = await VirtioDriver.of((queues): VirtioFunction => {
      port = new VirtioConsole((bytes) => sent.push(...bytes), queues);
      return port;
    });
    driver.send(1, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect([sent, driver.used(1)]).toEqual([[1, 2, 3], 1]);
    expect(port!.receive(Uint8Array.of(10, 11, 12))).toBe(3);
    expect(driver.used(0)).toBe(0);
    const [first] = driver.send(0, [2]);
    expect([[...first], driver.usedBytes(0, 0)]).toEqual([[10, 11], 2]);
    const [second] = driver.send(0, [8], 2);
    expect([[...second], driver.usedBytes(0, 1)]).toEqual([[12, 0, 0, 0, 0, 0, 0, 0], 1]);
    expect(port!.receive(new Uint8Array(5000))).toBe(4096);
    expect(port!.room).toBe(0);
  });
});

describe('a source of random bytes', () => {
  test('fills what the guest gives, up to a bound', async () => {
    const driver = await VirtioDriver.of((queues) => new VirtioRandom((into) => into.fill(0x5a), queues));
    const [bytes] = driver.send(0, [33]);
    expect([...bytes]).toEqual(new Array(33).fill(0x5a));
    const [many] = driver.send(0, [5000]);
    expect([driver.usedBytes(0, 1), many[4095], many[4096]]).toEqual([4096, 0x5a, 0]);
  });
});
