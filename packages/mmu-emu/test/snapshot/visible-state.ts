import { createHash } from 'node:crypto';
import { SnapshotParser } from '../../src/snapshot/snapshot-parser.js';
import { StateReader } from '../../src/snapshot/state-reader.js';

/** Name, words, and reservation. */
const HART_REGISTER_BYTES = 4 + 'hart 0'.length + 4 * (132 + 1 + 2 + 1 + 48 + 4 + 32 + 1 + 1 + 8) + 4;

/** What a program could tell of a machine: the parts of a snapshot in hexadecimal, without caches, and a hash of RAM. */
export function visibleState(snapshot: Uint8Array, frameCount: number): Map<string, string> {
  const seen = new Map<string, string>();
  const ram = createHash('sha1');
  const parser = new SnapshotParser(
    {
      part: (content) => {
        const name = seen.size === 0 ? 'shape' : new StateReader('test', content).text();
        // After the registers of a hart come its translations.
        const registers = name.startsWith('hart') ? content.subarray(0, HART_REGISTER_BYTES) : content;
        if (name !== 'code') seen.set(name, Buffer.from(registers).toString('hex'));
      },
      ram: (frame, bytes) => void ram.update(`${frame}`).update(bytes),
    },
    frameCount,
  );
  parser.push(snapshot);
  parser.end();
  seen.set('ram', ram.digest('hex'));
  return seen;
}
