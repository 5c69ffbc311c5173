import { PAGE_SIZE } from '@faultline/kernel';
import { filledBy, gather, isAsynchronous } from '../read-outcome.js';
import type { ReadContext, VmoBacking } from '../vmo-backing.js';

/** Bytes around each view that a backing must leave alone. */
const GUARD_BYTES = 64;
const GUARD = 0xa5;
const UNFILLED = 0x5a;

/**
 * Tries out a backing against what it should hold: single pages, ranges cut into views in different ways, several reads at a time, the
 * same range twice, the end of the content, reads that are aborted. It is for the tests of whoever writes a backing; the backing stays open.
 *
 * @param backing must give `expected`, and go on giving it
 * @param expected the whole content, at most a few mebibytes
 * @returns what is wrong, a sentence each; nothing when all is well
 */
export async function checkBacking(backing: VmoBacking, expected: Uint8Array): Promise<string[]> {
  const check = new BackingCheck(backing, expected);
  const pages = Math.ceil(expected.length / PAGE_SIZE);
  for (let page = 0; page < pages; page++) await check.read(page, 1, [1]);
  await check.read(0, pages, [pages]);
  await check.read(
    0,
    pages,
    Array.from({ length: pages }, () => 1),
  );
  for (const first of [1, 2, 3]) {
    if (first < pages) await check.read(first, pages - first, [1, 2, 1, 3]);
  }
  await Promise.all(
    Array.from({ length: Math.min(pages, 8) }, (_, index) => check.read(index, pages - index, [2, 1])),
  );
  for (let page = Math.min(pages, 4) - 1; page >= 0; page--) await check.read(page, 1, [1]);
  if (pages > 0) await check.aborted();
  return check.problems;
}

class BackingCheck {
  readonly problems: string[] = [];

  constructor(
    private readonly backing: VmoBacking,
    private readonly expected: Uint8Array,
  ) {}

  /** @param runs pages of each view, over and over */
  async read(page: number, pages: number, runs: readonly number[]): Promise<void> {
    const offset = page * PAGE_SIZE;
    const wanted = this.expected.subarray(offset, offset + pages * PAGE_SIZE);
    const what = `[${offset}, ${offset + wanted.length}) in views of ${runs.join(', ')} pages`;
    const { whole, views } = guardedViews(wanted.length, runs);
    let filled: number;
    try {
      filled = await this.filled(offset, wanted.length, views, new AbortController().signal);
    } catch (error) {
      this.problems.push(`${what}: fails with ${String(error)}`);
      return;
    }
    if (filled !== wanted.length) this.problems.push(`${what}: ${filled} bytes of ${wanted.length}`);
    const wrong = firstDifference(views, wanted.subarray(0, filled));
    if (wrong >= 0) this.problems.push(`${what}: the byte at ${offset + wrong} is wrong`);
    if (!guardsAreWhole(whole, views)) this.problems.push(`${what}: bytes outside of the views are written`);
  }

  /** A read whose answer nobody wants: it may fail or succeed, but it must end. */
  async aborted(): Promise<void> {
    const abort = new AbortController();
    const length = Math.min(PAGE_SIZE, this.expected.length);
    const { views } = guardedViews(length, [1]);
    const reading = this.filled(0, length, views, abort.signal).catch(() => 0);
    abort.abort(new Error('no longer wanted'));
    await reading;
    await this.read(0, 1, [1]);
  }

  private async filled(
    offset: number,
    length: number,
    views: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<number> {
    const context: ReadContext = { signal };
    const outcome = this.backing.read({ offset, length }, views, context);
    return isAsynchronous(outcome) ? gather(outcome, views, length) : filledBy(outcome, views, length);
  }
}

/** Views of `length` bytes together, with guards around each. */
function guardedViews(length: number, runs: readonly number[]): { whole: Uint8Array; views: Uint8Array[] } {
  const sizes: number[] = [];
  for (let left = length, run = 0; left > 0; run++) {
    const size = Math.min(left, (runs[run % runs.length] ?? 1) * PAGE_SIZE);
    sizes.push(size);
    left -= size;
  }
  const whole = new Uint8Array(length + (sizes.length + 1) * GUARD_BYTES).fill(GUARD);
  let position = GUARD_BYTES;
  const views = sizes.map((size) => {
    const view = whole.subarray(position, position + size).fill(UNFILLED);
    position += size + GUARD_BYTES;
    return view;
  });
  return { whole, views };
}

function guardsAreWhole(whole: Uint8Array, views: readonly Uint8Array[]): boolean {
  let position = 0;
  for (const view of [...views, whole.subarray(whole.length)]) {
    const end = view.byteOffset - whole.byteOffset;
    if (whole.subarray(position, end).some((byte) => byte !== GUARD)) return false;
    position = end + view.length;
  }
  return true;
}

/** Position of the first byte of `expected` that the views do not hold; -1 when they hold all. */
function firstDifference(views: readonly Uint8Array[], expected: Uint8Array): number {
  let position = 0;
  for (const view of views) {
    const part = expected.subarray(position, position + view.length);
    const wrong = part.findIndex((byte, index) => byte !== view[index]);
    if (wrong >= 0) return position + wrong;
    position += view.length;
  }
  return -1;
}
