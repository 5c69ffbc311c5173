import { describe, expect, it } from 'vitest';
import type { VmoBacking } from '../../src/index.js';
import { checkBacking } from '../../src/testing/index.js';
import { PAGE, tagged } from '../support/pager-rig.js';

const CONTENT = tagged(1, 0, 10 * PAGE + 123);

const right: VmoBacking['read'] = ({ offset }, into) => {
  let position = offset;
  for (const view of into) {
    view.set(CONTENT.subarray(position, position + view.length));
    position += view.length;
  }
};

describe('the check of a backing', () => {
  it.each<[string, VmoBacking['read']]>([
    ['fills views', right],
    ['returns bytes', ({ offset, length }) => CONTENT.slice(offset, offset + length)],
    ['promises bytes', ({ offset, length }) => Promise.resolve(CONTENT.slice(offset, offset + length))],
    [
      'fails when it is aborted',
      async (range, into, context) => {
        await Promise.resolve();
        context.signal.throwIfAborted();
        return right(range, into, context);
      },
    ],
  ])('finds nothing wrong with one that %s', async (_what, read) => {
    expect(await checkBacking({ read }, CONTENT)).toEqual([]);
  });

  it('takes an empty content', async () => {
    expect(await checkBacking({ read: () => 0 }, new Uint8Array(0))).toEqual([]);
  });

  it.each<[string, VmoBacking['read'], RegExp]>([
    ['reads short', ({ length }) => length - 1, /bytes of 4096/],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      /fails with Error: broken/,
    ],
    [
      'fills the first view only',
      (range, into, context) => right({ ...range, length: into[0]?.length ?? 0 }, into.slice(0, 1), context),
      /is wrong/,
    ],
    [
      'is shifted by a byte',
      ({ offset, length }) => CONTENT.slice(offset + 1, offset + 1 + length),
      /is wrong|bytes of/,
    ],
    [
      'writes beyond its views',
      (range, into, context) => {
        void right(range, into, context);
        const last = into[into.length - 1];
        if (last !== undefined) new Uint8Array(last.buffer)[last.byteOffset + last.length] = 0;
      },
      /outside of the views/,
    ],
    [
      'mixes up reads under way at the same time',
      (() => {
        let latest = 0;
        return async ({ offset, length }) => {
          latest = offset;
          await Promise.resolve();
          return CONTENT.slice(latest, latest + length);
        };
      })(),
      /is wrong|bytes of/,
    ],
  ])('finds out one that %s', async (_what, read, problem) => {
    const problems = await checkBacking({ read }, CONTENT);
    expect(problems.some((line) => problem.test(line))).toBe(true);
  });
});
