import { describe, expect, test } from 'vitest';
import { EXIT_STOP, VirtioBlock, VirtioConsole, VirtioRandom } from '../../src/index.js';
import type { VirtioFunction, VirtioQueues } from '../../src/index.js';
import { VirtioDriver } from '../devices/virtio/virtio-driver.js';
import type { Piece } from '../devices/virtio/virtio-driver.js';
import { copyOf, newOutside, ROUNDS, VirtioGuest } from './virtio-guest.js';

/** Instructions after which somebody types to the program. */
const TYPED_AT = 402;

describe('a program with requests in its rings', () => {
  test.each([
    ['interpreter', 7],
    ['translator', 61],
  ] as const)(
    'ends as if it had never been saved, wherever that was, and nothing is lost or done twice (%s)',
    async (engine, step) => {
      const undisturbed = await VirtioGuest.of(newOutside(), 'interpreter');
      undisturbed.machine.run(TYPED_AT);
      undisturbed.type();
      expect(undisturbed.machine.run(100_000)).toBe(EXIT_STOP);
      const expected = undisturbed.look();
      const { log } = undisturbed.outside;
      for (const once of ['write 0', 'read 7', 'sent r3']) {
        expect(log.filter((entry) => entry === once)).toHaveLength(1);
      }
      expect(log).toHaveLength(4 * ROUNDS);

      const saved = await VirtioGuest.of(newOutside(), engine);
      const [queued, unread] = [new Set<number>(), new Set<number>()];
      for (let at = 0; ;) {
        if (saved.machine.run(at < TYPED_AT ? Math.min(step, TYPED_AT - at) : step) === EXIT_STOP) break;
        at += saved.machine.retired;
        if (at === TYPED_AT) saved.type();
        const rings = saved.inFlight();
        rings.queued.forEach((queue) => queued.add(queue));
        rings.unread.forEach((queue) => unread.add(queue));
        const snapshot = saved.machine.save();
        const fresh = await VirtioGuest.empty(copyOf(saved.outside), engine);
        fresh.machine.restore(snapshot);
        if (at < TYPED_AT) {
          fresh.machine.run(TYPED_AT - at);
          fresh.type();
        }
        expect(fresh.machine.run(100_000), `from ${at}`).toBe(EXIT_STOP);
        expect(fresh.look(), `from ${at}`).toEqual(expected);
      }
      expect([...queued].sort(), 'queues with something queued').toEqual([0, 1, 2, 3]);
      expect([...unread].sort(), 'queues with something not seen').toEqual([0, 1, 2, 3]);
    },
  );
});

const SECTOR_BYTES = 512;

function blockRequest(type: number, sector: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, type, true);
  new DataView(bytes.buffer).setUint32(8, sector, true);
  return bytes;
}

/** A device, what is outside of it, and how often that was used. */
class Side {
  readonly log: string[];
  readonly drive: Uint8Array;
  port: VirtioConsole | undefined;

  constructor(drive: Uint8Array, log: readonly string[] = []) {
    this.drive = drive;
    this.log = [...log];
  }

  block(queues: VirtioQueues): VirtioFunction {
    return new VirtioBlock(
      {
        bytes: this.drive.length,
        readOnly: false,
        read: (offset, into) => {
          this.log.push(`read ${offset}`);
          into.set(this.drive.subarray(offset, offset + into.length));
        },
        write: (offset, from) => {
          this.log.push(`write ${offset}`);
          this.drive.set(from, offset);
        },
        flush: () => void this.log.push('flush'),
      },
      queues,
    );
  }

  random(queues: VirtioQueues): VirtioFunction {
    return new VirtioRandom((into) => {
      this.log.push(`random ${into.length}`);
      into.fill(0xa5);
    }, queues);
  }

  console(queues: VirtioQueues): VirtioFunction {
    this.port = new VirtioConsole(
      (bytes) => void this.log.push(`sent ${Buffer.from(bytes).toString()}`),
      queues,
    );
    return this.port;
  }
}

type Kind = 'block' | 'random' | 'console';

const REQUESTS: readonly (readonly [
  name: string,
  kind: Kind,
  queue: number,
  pieces: readonly Piece[],
  done: readonly string[],
])[] = [
  ['a read of a drive', 'block', 0, [blockRequest(0, 1), SECTOR_BYTES, 1], ['read 512']],
  [
    'a write to a drive',
    'block',
    0,
    [blockRequest(1, 1), new Uint8Array(SECTOR_BYTES).fill(7), 1],
    ['write 512'],
  ],
  ['a flush of a drive', 'block', 0, [blockRequest(4, 0), 1], ['flush']],
  ['random bytes', 'random', 0, [24], ['random 24']],
  ['bytes sent by a console', 'console', 1, [Uint8Array.from(Buffer.from('out'))], ['sent out']],
];

const newDrive = (): Uint8Array => Uint8Array.from({ length: 4 * SECTOR_BYTES }, (_, at) => at % 253);
const driverOf = (side: Side, kind: Kind): Promise<VirtioDriver> =>
  VirtioDriver.of((queues) => side[kind](queues));

describe('a ring with', () => {
  test.each(REQUESTS)(
    '%s, saved before the device is told, is served once',
    async (_name, kind, queue, pieces, done) => {
      const side = new Side(newDrive());
      const driver = await driverOf(side, kind);
      driver.prepare(queue, pieces);
      const snapshot = driver.machine.save();
      const otherSide = new Side(side.drive.slice(), side.log);
      const other = await driverOf(otherSide, kind);
      other.machine.restore(snapshot);
      expect([otherSide.log, other.used(queue)]).toEqual([[], 0]);
      for (const each of [driver, other]) each.notify(queue);
      expect([otherSide.log, other.used(queue), other.get(0x60)]).toEqual([done, 1, 1]);
      expect(side.log).toEqual(done);
      expect(Buffer.compare(otherSide.drive, side.drive)).toBe(0);
      expect(Buffer.compare(other.machine.save(), driver.machine.save())).toBe(0);
      other.notify(queue);
      expect(otherSide.log).toEqual(done);
    },
  );

  test.each(REQUESTS)(
    '%s, saved before the driver has looked, is not served again',
    async (_name, kind, queue, pieces, done) => {
      const side = new Side(newDrive());
      const driver = await driverOf(side, kind);
      driver.send(queue, pieces);
      const snapshot = driver.machine.save();
      const otherSide = new Side(side.drive.slice(), side.log);
      const other = await driverOf(otherSide, kind);
      other.machine.restore(snapshot);
      // The interrupt is pending still, and the ring has the answer.
      expect([other.get(0x60), other.used(queue)]).toEqual([1, 1]);
      expect(other.usedBytes(queue, 0)).toBe(driver.usedBytes(queue, 0));
      other.notify(queue);
      expect([otherSide.log, other.used(queue)]).toEqual([done, 1]);
      // It goes on with the next one.
      other.send(queue, pieces, 4);
      expect([otherSide.log, other.used(queue)]).toEqual([[...done, ...done], 2]);
    },
  );

  test('what a console has received, and the guest has no buffers for, or has not looked at', async () => {
    const side = new Side(newDrive());
    const driver = await driverOf(side, 'console');
    driver.prepare(0, [4]);
    side.port?.receive(Buffer.from('received'));
    expect([driver.used(0), side.port?.room]).toEqual([1, 4096 - 4]);
    const otherSide = new Side(newDrive());
    const other = await driverOf(otherSide, 'console');
    other.machine.restore(driver.machine.save());
    expect([other.used(0), other.usedBytes(0, 0), otherSide.port?.room]).toEqual([1, 4, 4096 - 4]);
    const [rest] = other.send(0, [8], 2);
    expect([Buffer.from(rest).toString(), other.usedBytes(0, 1)]).toEqual(['ived\0\0\0\0', 4]);
  });

  test('a write that was made after a snapshot is in the drive, which is not part of it, and is made once more', async () => {
    const side = new Side(newDrive());
    const driver = await driverOf(side, 'block');
    driver.prepare(0, [blockRequest(1, 2), new Uint8Array(SECTOR_BYTES).fill(9), 1]);
    const snapshot = driver.machine.save();
    driver.notify(0);
    const before = side.drive.slice();
    driver.machine.restore(snapshot);
    expect(side.drive[2 * SECTOR_BYTES]).toBe(9);
    driver.notify(0);
    expect(side.log).toEqual(['write 1024', 'write 1024']);
    expect(Buffer.compare(side.drive, before)).toBe(0);
  });
});
