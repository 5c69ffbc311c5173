import { ZX_ERR_TIMED_OUT, type Status } from '../abi/status.js';

/** What a `TimerQueue` can hold: it keeps its place itself. */
export interface Timer {
  /** Position in the heap, -1 when it is not armed; owned by `TimerQueue`, as the others are. */
  timerIndex: number;
  timerDeadline: number;
  timerOrder: number;
  /** Its time has come: it has to leave the queue, or be armed for later. */
  wake(status: Status): void;
}

/** Deadlines, in a binary heap; equal deadlines fire in the order in which they were armed. */
export class TimerQueue {
  private readonly heap: Timer[] = [];
  private armed = 0;

  /** The earliest deadline in nanoseconds; Infinity when no timer is armed. */
  get next(): number {
    const first = this.heap[0];
    return first === undefined ? Infinity : first.timerDeadline;
  }

  get size(): number {
    return this.heap.length;
  }

  /** Arms a timer. */
  arm(timer: Timer, deadline: number): void {
    if (timer.timerIndex >= 0) throw new Error('a timer is armed once');
    timer.timerOrder = this.armed++;
    timer.timerDeadline = deadline;
    timer.timerIndex = this.heap.length;
    this.heap.push(timer);
    this.up(timer.timerIndex);
  }

  disarm(timer: Timer): void {
    const index = timer.timerIndex;
    if (index < 0) return;
    const last = this.heap.pop();
    timer.timerIndex = -1;
    timer.timerDeadline = Infinity;
    if (last === undefined || last === timer) return;
    this.heap[index] = last;
    last.timerIndex = index;
    this.up(index);
    this.down(last.timerIndex);
  }

  /** Wakes with ZX_ERR_TIMED_OUT every one whose deadline is not after `now`; returns how many. */
  expire(now: number): number {
    let fired = 0;
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.timerDeadline > now) return fired;
      first.wake(ZX_ERR_TIMED_OUT);
      fired += 1;
    }
  }

  private before(a: Timer, b: Timer): boolean {
    if (a.timerDeadline !== b.timerDeadline) return a.timerDeadline < b.timerDeadline;
    return a.timerOrder < b.timerOrder;
  }

  private up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(this.at(index), this.at(parent))) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private down(start: number): void {
    let index = start;
    for (;;) {
      let least = index;
      for (let child = 2 * index + 1; child <= 2 * index + 2 && child < this.heap.length; child += 1) {
        if (this.before(this.at(child), this.at(least))) least = child;
      }
      if (least === index) return;
      this.swap(index, least);
      index = least;
    }
  }

  private at(index: number): Timer {
    return this.heap[index];
  }

  private swap(a: number, b: number): void {
    const x = this.at(a);
    const y = this.at(b);
    this.heap[a] = y;
    this.heap[b] = x;
    y.timerIndex = a;
    x.timerIndex = b;
  }
}
