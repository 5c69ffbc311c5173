import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { ZX_ERR_CANCELED, ZX_ERR_TIMED_OUT, ZX_OK, type Status } from '../../src/abi/status.js';
import { TimerQueue } from '../../src/task/timer-queue.js';
import { advance, BLOCKED, Waiter, WaitQueue, type Blocker, type Operation } from '../../src/task/waiter.js';

class Party extends Waiter {
  readonly resumed: Status[] = [];
  constructor(timers: TimerQueue) {
    super(timers);
  }
  protected override resume(status: Status): void {
    this.resumed.push(status);
  }
}

function blockerOn(queue: WaitQueue, deadline = Infinity): Blocker {
  return {
    kind: 'port',
    deadline,
    subscribe: (waiter) => queue.add(waiter),
    unsubscribe: (waiter) => queue.remove(waiter),
    describe: () => 'a test queue',
  };
}

describe('waiting', () => {
  it('wakes in first-in first-out order, each waiter once', () => {
    const timers = new TimerQueue();
    const queue = new WaitQueue();
    const parties = [new Party(timers), new Party(timers), new Party(timers)] as const;
    for (const party of parties) party.block(blockerOn(queue));
    expect(queue.wakeOne(ZX_OK)).toBe(true);
    expect(parties.map((party) => party.resumed.length)).toEqual([1, 0, 0]);
    parties[1].wake(ZX_ERR_CANCELED);
    expect(queue.wakeAll(ZX_OK)).toBe(1);
    expect(parties.map((party) => party.resumed)).toEqual([[ZX_OK], [ZX_ERR_CANCELED], [ZX_OK]]);
    expect(queue.wakeOne(ZX_OK)).toBe(false);
    parties[0].wake(ZX_OK);
    expect(parties[0].resumed).toEqual([ZX_OK]);
  });

  it('ends a wait with TIMED_OUT at its deadline, and only then', () => {
    const timers = new TimerQueue();
    const queue = new WaitQueue();
    const party = new Party(timers);
    party.block(blockerOn(queue, 100));
    expect(timers.next).toBe(100);
    expect(timers.expire(99)).toBe(0);
    expect(timers.expire(100)).toBe(1);
    expect(party.resumed).toEqual([ZX_ERR_TIMED_OUT]);
    expect(queue.isEmpty).toBe(true);
    expect(timers.next).toBe(Infinity);
  });

  it('disarms the timer when the wait ends otherwise', () => {
    const timers = new TimerQueue();
    const queue = new WaitQueue();
    const party = new Party(timers);
    party.block(blockerOn(queue, 100));
    queue.wakeOne(ZX_OK);
    expect(timers.size).toBe(0);
    expect(timers.expire(1000)).toBe(0);
    expect(party.resumed).toEqual([ZX_OK]);
  });

  it('leaves the queue without resuming when the waiter is killed', () => {
    const timers = new TimerQueue();
    const queue = new WaitQueue();
    const party = new Party(timers);
    party.block(blockerOn(queue, 100));
    party.abandonWait();
    expect(queue.isEmpty).toBe(true);
    expect(timers.size).toBe(0);
    expect(party.resumed).toEqual([]);
  });

  it('refuses to block twice', () => {
    const timers = new TimerQueue();
    const party = new Party(timers);
    party.block(blockerOn(new WaitQueue()));
    expect(() => party.block(blockerOn(new WaitQueue()))).toThrow(/cannot block again/);
  });

  it('keeps what an operation took before it had to wait again', () => {
    const timers = new TimerQueue();
    const queue = new WaitQueue();
    const party = new Party(timers);
    const packets = ['first', 'second'];
    const delivered: (string | undefined)[] = [];
    function* receive(): Operation {
      const packet = packets.shift();
      const status = yield blockerOn(queue);
      delivered.push(packet);
      return status;
    }
    const operation = receive();
    expect(advance(operation, party, ZX_OK)).toBe(BLOCKED);
    queue.wakeOne(ZX_OK);
    expect(advance(operation, party, party.resumed[0])).toBe(ZX_OK);
    expect(delivered).toEqual(['first']);
    expect(packets).toEqual(['second']);
  });
});

describe('timer queue', () => {
  it('fires by deadline, equal deadlines in the order of arming, whatever is disarmed between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ deadline: fc.integer({ min: 0, max: 20 }), disarm: fc.boolean() })),
        (plan) => {
          const timers = new TimerQueue();
          const fired: number[] = [];
          class Numbered extends Waiter {
            constructor(readonly number: number) {
              super(timers);
            }
            protected override resume(): void {
              fired.push(this.number);
            }
          }
          const queue = new WaitQueue();
          const parties = plan.map(({ deadline }, number) => {
            const party = new Numbered(number);
            party.block(blockerOn(queue, deadline));
            return party;
          });
          plan.forEach(({ disarm }, number) => {
            if (disarm) parties[number]?.abandonWait();
          });
          const expected = plan
            .map(({ deadline, disarm }, number) => ({ deadline, disarm, number }))
            .filter(({ disarm }) => !disarm)
            .sort((a, b) => a.deadline - b.deadline || a.number - b.number)
            .map(({ number }) => number);
          for (let now = 0; now <= 20; now += 1) timers.expire(now);
          expect(fired).toEqual(expected);
          expect(timers.size).toBe(0);
          expect(queue.isEmpty).toBe(true);
        },
      ),
    );
  });
});
