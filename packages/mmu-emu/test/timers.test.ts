import { describe, expect, it } from 'vitest';
import { SnapshotError } from '../src/index.js';
import { StateReader } from '../src/snapshot/state-reader.js';
import { StateWriter } from '../src/snapshot/state-writer.js';
import { Timers } from '../src/timers.js';

describe('timers', () => {
  it('fire at the first whole nanosecond that is not before their deadline', () => {
    const timers = new Timers();
    let fired = 0;
    const timer = timers.add(() => (fired += 1));
    timer.set(100.25);
    expect(timers.next).toBe(101);
    timers.fireDue(100);
    expect(fired).toBe(0);
    timers.fireDue(timers.next);
    expect([fired, timers.next]).toEqual([1, Infinity]);
  });

  it.each([0.5, 183_100.000_057, NaN, -Infinity, 2 ** 53])(
    'do not come back with the deadline %d',
    (deadline) => {
      const timers = new Timers();
      timers.add(() => undefined);
      const to = new StateWriter();
      to.u32(1);
      to.number(deadline);
      expect(() => timers.restore(new StateReader('timers', to.toBytes()))).toThrow(SnapshotError);
    },
  );
});
