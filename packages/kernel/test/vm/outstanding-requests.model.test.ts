/** Who is asked for what, and who is woken when, against a model that looks at every request each time. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ZX_ERR_IO, ZX_OK, type Status } from '../../src/abi/status.js';
import { TimerQueue } from '../../src/task/timer-queue.js';
import { Waiter } from '../../src/task/waiter.js';
import { ASKS_PAGE } from '../../src/vm/page-request.js';
import { PageSource, type PageProvider } from '../../src/vm/page-source.js';

const PAGES = 400;

/** Says when it is woken, and with what. */
class LoggingWaiter extends Waiter {
  constructor(
    private readonly id: number,
    private readonly log: string[],
  ) {
    super(new TimerQueue());
  }

  protected override resume(status: Status): void {
    this.log.push(`${this.id} woken ${status}`);
  }
}

interface Asked {
  readonly id: number;
  readonly position: number;
  /** Its waiter is woken when its first page comes. */
  readonly early: boolean;
  failure: Status;
  /** Nobody waits for it any more, though it may be outstanding. */
  woken: boolean;
}

/** A range that was sent, who leads it, who hangs on it, and which pages of it are still to come. */
interface Sent {
  readonly start: number;
  readonly end: number;
  leader: Asked;
  guests: Asked[];
  readonly missing: Set<number>;
}

class Model {
  readonly log: string[] = [];
  sent: Sent[] = [];

  issue(id: number, position: number, count: number, early: boolean): void {
    const asked = { id, position, early, failure: ZX_OK, woken: false };
    const covering = this.sent.find(({ start, end }) => start <= position && position < end);
    if (covering !== undefined) {
      covering.guests.push(asked);
      return;
    }
    const starts = this.sent.map(({ start }) => start).filter((start) => start > position);
    const end = Math.min(position + count, ...starts);
    const missing = new Set(Array.from({ length: end - position }, (_none, index) => position + index));
    this.sent.push({ start: position, end, leader: asked, guests: [], missing });
    this.sent.sort((a, b) => a.start - b.start);
    this.log.push(`sent ${position} ${end}`);
  }

  resolve(from: number, to: number, failure: Status): void {
    const isIn = ({ position }: Asked): boolean => position >= from && position < to;
    for (const one of this.sent.filter(({ start, end }) => start < to && end > from)) {
      for (const page of one.missing) if (page >= from && page < to) one.missing.delete(page);
      for (const guest of one.guests.filter(isIn)) {
        guest.failure = failure;
        if (failure !== ZX_OK || !guest.early) continue;
        one.guests = one.guests.filter((other) => other !== guest);
        this.wake(guest, ZX_OK);
      }
      const { leader } = one;
      if (one.missing.size === 0) {
        this.over(one);
        this.wake(leader, isIn(leader) ? failure : ZX_OK);
        for (const guest of one.guests) this.wake(guest, guest.failure);
      } else if (isIn(leader) && failure !== ZX_OK && !leader.woken) {
        this.handOver(one);
        this.wake(leader, failure);
      } else if (isIn(leader) && failure === ZX_OK && leader.early) this.wake(leader, ZX_OK);
    }
  }

  cancel(id: number): void {
    for (const one of this.sent) one.guests = one.guests.filter((guest) => guest.id !== id);
    const led = this.sent.find(({ leader }) => leader.id === id && !leader.woken);
    if (led !== undefined) this.handOver(led);
  }

  private handOver(one: Sent): void {
    const successor = one.guests.find(({ failure }) => failure === ZX_OK);
    if (successor !== undefined) {
      one.leader = successor;
      one.guests = one.guests.filter((guest) => guest !== successor);
      return;
    }
    for (const guest of one.guests) this.wake(guest, guest.failure);
    this.over(one);
  }

  private over(one: Sent): void {
    this.log.push(`withdrawn ${one.start}`);
    this.sent = this.sent.filter((other) => other !== one);
  }

  private wake(asked: Asked, status: Status): void {
    if (!asked.woken) this.log.push(`${asked.id} woken ${status}`);
    asked.woken = true;
  }
}

function sourceThatLogs(log: string[]): PageSource {
  const provider: PageProvider = {
    send: ({ start, end }) => log.push(`sent ${start} ${end}`),
    withdraw: ({ start }) => log.push(`withdrawn ${start}`),
    replace: () => undefined,
    sourceDetached: () => undefined,
    sourceClosed: () => undefined,
  };
  return new PageSource(provider, false);
}

it('requests are sent, cut, joined, handed over and woken as by a model, however many are outstanding', () => {
  const step = fc.record({
    // Most often a request is answered before the next comes.
    kind: fc.constantFrom(
      'issue',
      'issue',
      'issue and answer',
      'issue and answer',
      'answer',
      'fail',
      'cancel',
    ),
    page: fc.nat({ max: PAGES }),
    count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 12 })),
    whose: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 500 }), (steps) => {
      const log: string[] = [];
      const source = sourceThatLogs(log);
      const model = new Model();
      const waiters: LoggingWaiter[] = [];
      for (const { kind, page, count, whose } of steps) {
        if (kind === 'issue' || kind === 'issue and answer') {
          const id = waiters.length;
          const waiter = new LoggingWaiter(id, log);
          waiters.push(waiter);
          // A single page is asked for as by a fault, whose request is used again for another when it is over.
          const early = count === 1;
          waiter.block(
            early ? source.requestOne(ASKS_PAGE, page) : source.request(ASKS_PAGE, page, count, false),
          );
          model.issue(id, page, count, early);
        }
        if (kind === 'issue and answer' || kind === 'answer') {
          source.pagesArrived(page, page + count);
          model.resolve(page, page + count, ZX_OK);
        } else if (kind === 'fail') {
          source.resolveAll(page, page + count, ZX_ERR_IO);
          model.resolve(page, page + count, ZX_ERR_IO);
        } else if (kind === 'cancel' && waiters.length > 0) {
          const id = whose % waiters.length;
          waiters[id].abandonWait();
          model.cancel(id);
        }
        expect(source.outstandingCount).toBe(model.sent.length);
      }
      expect(log).toEqual(model.log);
      source.detach();
      expect(source.outstandingCount).toBe(0);
      expect(waiters.every(({ blocker }) => blocker === null)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

it('a request is cut where another begins that is outstanding, not where one did', () => {
  const log: string[] = [];
  const source = sourceThatLogs(log);
  const block = (id: number, page: number, count: number): void =>
    new LoggingWaiter(id, log).block(source.request(ASKS_PAGE, page, count, false));
  block(0, 10, 1);
  block(1, 0, 1);
  source.pagesArrived(0, 1);
  block(2, 2, 20);
  source.pagesArrived(2, 10);
  source.pagesArrived(10, 11);
  block(3, 5, 12);
  expect(log.filter((line) => line.startsWith('sent'))).toEqual([
    'sent 10 11',
    'sent 0 1',
    'sent 2 10',
    'sent 5 17',
  ]);
});
