/** Bandwidth of `zx_vmo_read` of resident pages into a host buffer, beside a copy of as many bytes. */
import { Kernel } from '@faultline/kernel';
import { measure, median, summarize } from '../statistics.mjs';

const BYTES = 16 << 20;
const PASSES = 64;

export async function run({ rounds }) {
  const kernel = await Kernel.create({ ramBytes: 64 << 20 });
  const host = kernel.createHostProcess('bench');
  const { handle } = host.vmoCreate(BYTES, 0);
  const pattern = new Uint8Array(BYTES).map((_, index) => (index * 31) >> 3);
  await host.vmoWrite(handle, pattern, 0);
  const into = new Uint8Array(BYTES);
  const copy = new Uint8Array(BYTES);
  const ours = [];
  const peer = [];
  for (let round = 0; round <= rounds; round += 1) {
    const read = await measure(async () => {
      for (let pass = 0; pass < PASSES; pass += 1) await host.vmoRead(handle, into, 0);
    });
    if (Buffer.compare(into, pattern) !== 0) throw new Error('vmo_read gave other bytes than were written');
    const plain = await measure(() => {
      for (let pass = 0; pass < PASSES; pass += 1) copy.set(pattern);
    });
    if (round === 0) continue;
    ours.push((BYTES * PASSES) / read.cpu / 1e9);
    peer.push((BYTES * PASSES) / plain.cpu / 1e9);
  }
  kernel.close();
  return {
    rows: [
      {
        what: 'vmo_read of 16 MiB, resident',
        unit: 'GB / CPU s',
        ours: summarize(ours),
        // Four fifths of what a copy reaches.
        target: 0.8 * median(peer),
        peer: { name: 'memcpy', ...summarize(peer) },
      },
    ],
  };
}
