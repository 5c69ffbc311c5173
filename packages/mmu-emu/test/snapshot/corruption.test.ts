import { describe, expect, test } from 'vitest';
import { SnapshotError } from '../../src/index.js';
import { HART_MEPC, HART_SEPC } from '../../src/hart/state.js';
import { crc32 } from '../../src/snapshot/crc32.js';
import { Random } from '../qemu/random.js';
import { Guest } from './guest.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const SCALE = Number(process.env['FAULTLINE_LOCKSTEP_SCALE'] ?? 1);
const HOSTILE = Math.round(150 * SCALE);
const CRC_BYTES = 4;
const options = { seed: SEED, harts: 2, engine: 'interpreter' } as const;

/** Everything but RAM is here. */
function headBytes(snapshot: Uint8Array): number {
  const view = new DataView(snapshot.buffer, snapshot.byteOffset);
  let at = 12;
  while (view.getUint32(at, true) === 1) at += 8 + view.getUint32(at + 4, true);
  return at;
}

async function snapshotOf(): Promise<Uint8Array<ArrayBuffer>> {
  const guest = await Guest.of(options);
  guest.run(20_000, new Random(SEED));
  return guest.machine.save();
}

test('CRC-32 is that of the standard, in one piece or several', () => {
  const text = Buffer.from('123456789');
  expect(crc32(text)).toBe(0xcbf4_3926);
  for (let at = 0; at <= 9; at++)
    expect(crc32(text.subarray(at), crc32(text.subarray(0, at)))).toBe(0xcbf4_3926);
});

describe('a snapshot with changed bytes', () => {
  test('is refused wherever a bit has changed, and the machine is as it was', async () => {
    const snapshot = await snapshotOf();
    const random = new Random(SEED);
    const { machine } = await Guest.empty(options);
    const before = machine.save();
    const places = Array.from({ length: 60 }, (_, index) =>
      index < 30 ? random.below(headBytes(snapshot)) : random.below(snapshot.length),
    );
    for (const at of places) {
      const bytes = snapshot.slice();
      bytes[at] ^= 1 << random.below(8);
      expect(() => machine.restore(bytes), `byte ${at}`).toThrow(SnapshotError);
    }
    expect(Buffer.compare(machine.save(), before)).toBe(0);
    machine.restore(snapshot);
    expect(Buffer.compare(machine.save(), snapshot)).toBe(0);
  });

  test.each([
    ['mepc', HART_MEPC],
    ['sepc', HART_SEPC],
  ])('is refused where %s would be odd', async (_, word) => {
    const guest = await Guest.of(options);
    guest.machine.harts[1].state[word] |= 1;
    const snapshot = guest.machine.save();
    expect(() => guest.machine.restore(snapshot)).toThrow(SnapshotError);
    guest.machine.harts[1].state[word] &= ~1;
    guest.machine.restore(guest.machine.save());
  });

  test('and a checksum that fits is refused, or harmless', async () => {
    const snapshot = await snapshotOf();
    const head = headBytes(snapshot);
    const random = new Random(SEED ^ 0x5bd1_e995);
    const guest = await Guest.empty(options);
    const { machine } = guest;
    const outcomes = { refused: 0, taken: 0 };
    for (let attempt = 0; attempt < HOSTILE; attempt++) {
      const bytes = snapshot.slice();
      const view = new DataView(bytes.buffer);
      for (let change = random.below(3); change >= 0; change--) {
        const at = 12 + random.below(head - 16);
        if (random.chance(50)) bytes[at] = random.below(256);
        else
          view.setUint32(
            at & ~3,
            random.chance(50) ? random.bits() : [0, 1, 2 ** 31, 2 ** 32 - 1][random.below(4)],
            true,
          );
      }
      view.setUint32(bytes.length - CRC_BYTES, crc32(bytes.subarray(0, bytes.length - CRC_BYTES)), true);
      const before = random.chance(10) ? machine.save() : undefined;
      let refused: unknown;
      try {
        machine.restore(bytes);
      } catch (error) {
        refused = error;
      }
      if (refused === undefined) {
        outcomes.taken++;
        // Whatever it says, the machine runs: nothing here throws or leads outside.
        machine.run(3000);
        if (random.chance(20)) machine.save();
        continue;
      }
      outcomes.refused++;
      expect(refused).toBeInstanceOf(SnapshotError);
      if (before !== undefined) expect(Buffer.compare(machine.save(), before)).toBe(0);
    }
    expect(outcomes.refused).toBeGreaterThan(HOSTILE / 10);
    expect(outcomes.taken).toBeGreaterThan(HOSTILE / 10);
  });
});
