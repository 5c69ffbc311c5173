import { ChunkCopy } from './chunk-copy.js';
import { PagerError } from './pager-error.js';
import type { ReadOutcome } from './vmo-backing.js';

/** Whether a promise or a stream has to be awaited. */
export function isAsynchronous(
  outcome: ReadOutcome | Promise<ReadOutcome>,
): outcome is Promise<ReadOutcome> | AsyncIterable<Uint8Array> {
  return (
    typeof outcome === 'object' && outcome !== null && ('then' in outcome || Symbol.asyncIterator in outcome)
  );
}

/** Leading bytes in place once an asynchronous read has ended; rejects as it does. */
export async function gather(
  outcome: Promise<ReadOutcome> | AsyncIterable<Uint8Array>,
  into: readonly Uint8Array[],
  length: number,
): Promise<number> {
  const result = 'then' in outcome ? await outcome : outcome;
  if (!isAsynchronous(result)) return filledBy(result, into, length);
  const copy = new ChunkCopy(into, length);
  try {
    for await (const chunk of result as AsyncIterable<Uint8Array>) copy.add(chunk);
  } catch (error) {
    throw withFilled(error, copy.filled);
  }
  return copy.filled;
}

/**
 * Leading bytes in place after a synchronous read.
 *
 * @throws what an iterable throws, and PagerError `data-integrity`: a count or bytes beyond what was asked for
 */
export function filledBy(outcome: ReadOutcome, into: readonly Uint8Array[], length: number): number {
  if (outcome === undefined) return length;
  if (typeof outcome === 'number') {
    if (Number.isInteger(outcome) && outcome >= 0 && outcome <= length) return outcome;
    throw new PagerError('data-integrity', `a backing that says it read ${outcome} of ${length} bytes`);
  }
  const copy = new ChunkCopy(into, length);
  if (outcome instanceof Uint8Array) {
    copy.add(outcome);
    return copy.filled;
  }
  try {
    for (const chunk of outcome as Iterable<Uint8Array>) copy.add(chunk);
  } catch (error) {
    throw withFilled(error, copy.filled);
  }
  return copy.filled;
}

/** An error after `filled` bytes were copied, so that the pages before it are not lost. */
function withFilled(error: unknown, filled: number): PagerError {
  if (error instanceof PagerError) {
    const { status } = error;
    return new PagerError(error.code, error.message, { cause: error, filledBytes: filled, status });
  }
  return new PagerError('io', error instanceof Error ? error.message : String(error), {
    cause: error,
    filledBytes: filled,
  });
}

/** Leading bytes that an error says are right. */
export function filledBefore(error: unknown, length: number): number {
  if (!(error instanceof PagerError) || !Number.isInteger(error.filledBytes)) return 0;
  // An error after the last byte still is one: its page does not count.
  return Math.max(0, Math.min(error.filledBytes, length - 1));
}

/** The views, cut to `length` bytes. */
export function clipTail(views: readonly Uint8Array[], length: number): Uint8Array[] {
  const clipped: Uint8Array[] = [];
  let left = length;
  for (const view of views) {
    if (left === 0) break;
    clipped.push(left < view.length ? view.subarray(0, left) : view);
    left -= Math.min(left, view.length);
  }
  return clipped;
}

/** Zeroes the bytes of the views from `position` on. */
export function zeroFrom(views: readonly Uint8Array[], position: number): void {
  let skip = position;
  for (const view of views) {
    if (skip < view.length) view.fill(0, skip);
    skip = Math.max(0, skip - view.length);
  }
}
