import type { Ram } from '../ram.js';

/** Adjacent frames. */
export interface FrameRun {
  readonly first: number;
  readonly count: number;
}

/** The frames that are not zero, at most `most` at a time. */
export function* framesInUse(ram: Ram, most: number): Generator<FrameRun> {
  let first = 0;
  let count = 0;
  for (let frame = 0; frame < ram.frameCount; frame++) {
    const used = !ram.isZero(frame);
    if (used && count === 0) first = frame;
    if (used) count++;
    if (count === 0 || (used && count < most)) continue;
    yield { first, count };
    count = 0;
  }
  if (count > 0) yield { first, count };
}

/** Makes adjacent frames zero; those that are zero already are not written to. Decoded code is not dropped. */
export function clearFrames(ram: Ram, from: number, to: number): void {
  for (let frame = from; frame < to; frame++) if (!ram.isZero(frame)) ram.readable(frame).fill(0);
}
