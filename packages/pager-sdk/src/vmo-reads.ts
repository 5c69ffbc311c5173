import {
  PAGE_SIZE,
  ZX_ERR_BAD_STATE,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_NO_RESOURCES,
  ZX_OK,
  ZX_PAGER_OP_FAIL,
  type Status,
} from '@faultline/kernel';
import { PageRead } from './page-read.js';
import { failStatus, PagerError } from './pager-error.js';
import type { FrameLoan } from './pager-host.js';
import type { PagerServiceCore } from './pager-service-core.js';
import { clipTail, filledBefore, filledBy, gather, isAsynchronous, zeroFrom } from './read-outcome.js';
import type { ReadOutcome, VmoBacking } from './vmo-backing.js';

/** The VMO whose requests they are. */
export interface RequestedVmo {
  readonly handle: number;
  readonly key: bigint;
  readonly size: number;
  readonly name: string;
  readonly backing: VmoBacking;
}

/**
 * The requests of one VMO, and the reads that answer them.
 *
 * A request is cut into reads of at most `maxReadBytes`. What an outstanding read covers already joins that one. A read starts at once where it
 * may, else it waits in `pending` until the service offers it room. Synchronous backings go from request to supply without a promise.
 */
export class VmoReads {
  readonly pending: PageRead[] = [];
  /** Reads whose promises are awaited, and whose answer is wanted, by where they begin. */
  private readonly running: PageRead[] = [];
  /** The read whose backing is being called: its answer may come at once, before anybody could join it. */
  private starting: PageRead | null = null;
  /** Backing promises that have not settled, abandoned ones included. */
  private unsettled = 0;
  /** No request is answered any more. */
  private stopped: PagerError | null = null;
  /** READ requests so far. */
  requests = 0;
  /** Pages supplied so far. */
  pagesSupplied = 0;
  /** Told when `stop` was called and nothing is under way any more. */
  onQuiet: (() => void) | null = null;

  constructor(
    private readonly service: PagerServiceCore,
    private readonly vmo: RequestedVmo,
  ) {}

  get isQuiet(): boolean {
    return this.unsettled === 0;
  }

  /** A READ request of the kernel: bytes, whole pages. */
  request(offset: number, length: number): void {
    if (this.stopped !== null) return;
    const { metrics } = this.service;
    this.requests += 1;
    metrics.requests += 1;
    metrics.pagesRequested += length / PAGE_SIZE;
    this.cover(offset, offset + length, this.service.readAheadBytes);
  }

  /** Starts pending reads while there is room. @returns whether any are left */
  startPending(): boolean {
    while (this.pending.length > 0) {
      const read = this.pending[0];
      if (!this.hasRoomFor(read)) return true;
      this.pending.shift();
      this.service.metrics.queued -= 1;
      if (!this.start(read)) return true;
    }
    return false;
  }

  /** Gives up everything: what is under way is told by its signal, and supplies nothing. */
  stop(reason: PagerError): void {
    if (this.stopped !== null) return;
    this.stopped = reason;
    for (const read of this.pending) {
      read.deadline?.cancel();
      read.state = 'done';
    }
    this.service.metrics.queued -= this.pending.length;
    this.pending.length = 0;
    for (const read of [...this.running]) this.abandon(read, reason);
    if (this.starting !== null) this.abandon(this.starting, reason);
    if (this.unsettled === 0) this.onQuiet?.();
  }

  /** Makes reads for `[start, end)`, save for what running reads cover. (Where those overlap one may be missed, and a page is read twice.) */
  private cover(start: number, end: number, readAheadBytes: number): void {
    const { maxReadBytes } = this.service;
    let position = start;
    while (position < end) {
      const index = this.runningAfter(position);
      const covering = index === 0 ? undefined : this.running[index - 1];
      if (covering !== undefined && position < covering.end) {
        const stop = Math.min(end, covering.end);
        (covering.joined ??= []).push({ offset: position, length: stop - position });
        position = stop;
        continue;
      }
      const nextCovered = index === this.running.length ? Infinity : this.running[index].offset;
      const demanded = Math.min(end - position, nextCovered - position, maxReadBytes);
      const wanted = Math.max(demanded, Math.min(readAheadBytes, maxReadBytes));
      const last = Math.min(position + wanted, roundUp(this.vmo.size), nextCovered);
      this.begin(new PageRead(position, Math.max(demanded, last - position), demanded));
      position += demanded;
      if (this.stopped !== null) return;
    }
  }

  /** Index of the first running read that begins after a position. */
  private runningAfter(position: number): number {
    let low = 0;
    let high = this.running.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.running[middle].offset > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private begin(read: PageRead): void {
    if (this.pending.length === 0 && this.hasRoomFor(read)) this.start(read);
    else this.enqueue(read);
  }

  private enqueue(read: PageRead): void {
    read.startTime = this.service.host.clockGetMonotonic();
    this.pending.push(read);
    this.service.metrics.queued += 1;
    this.service.waitForRoom(this);
    this.setDeadline(read);
  }

  private hasRoomFor(read: PageRead): boolean {
    return this.unsettled < this.service.maxConcurrentReads && this.service.frames.hasRoomFor(read.length);
  }

  /** @returns false when it went (back) to the queue after all */
  private start(read: PageRead): boolean {
    const frames = this.service.frames.borrow(read.length);
    if (typeof frames === 'number') return this.notLent(read, frames);
    read.state = 'running';
    read.frames = frames;
    this.unsettled += 1;
    this.starting = read;
    const { metrics } = this.service;
    metrics.reads += 1;
    metrics.inFlight += 1;
    // The content may end within the last page: the backing sees its own bytes only.
    const length = Math.min(read.length, this.vmo.size - read.offset);
    const into = length === read.length ? frames.views : clipTail(frames.views, length);
    let filled: number;
    let error: unknown = null;
    try {
      const outcome: ReadOutcome | Promise<ReadOutcome> = this.vmo.backing.read(
        { offset: read.offset, length },
        into,
        read.context,
      );
      if (isAsynchronous(outcome)) {
        this.await(read, outcome, into, length);
        return true;
      }
      filled = filledBy(outcome, into, length);
    } catch (thrown) {
      error = thrown ?? new PagerError('io', 'the backing threw nothing');
      filled = filledBefore(error, length);
    }
    this.settled(read, filled, error);
    return true;
  }

  private await(
    read: PageRead,
    outcome: Promise<ReadOutcome> | AsyncIterable<Uint8Array>,
    into: readonly Uint8Array[],
    length: number,
  ): void {
    const { host } = this.service;
    read.releaseHold = host.hold();
    if (read.startTime < 0) read.startTime = host.clockGetMonotonic();
    this.setDeadline(read);
    if (read === this.starting) {
      this.starting = null;
      this.running.splice(this.runningAfter(read.offset), 0, read);
    }
    gather(outcome, into, length).then(
      (filled) => this.settledLater(read, filled, null),
      (error: unknown) => {
        const reason = error ?? new PagerError('io', 'the backing rejected with nothing');
        this.settledLater(read, filledBefore(reason, length), reason);
      },
    );
  }

  private settledLater(read: PageRead, filled: number, error: unknown): void {
    read.releaseHold?.();
    if (read.state === 'running') {
      const { host, metrics } = this.service;
      metrics.tookTime(host.clockGetMonotonic() - read.startTime);
    }
    this.settled(read, filled, error);
    this.service.offerRoom();
  }

  /** Nothing writes to the frames any more. */
  private settled(read: PageRead, filled: number, error: unknown): void {
    const { frames: lent, metrics } = this.service;
    const frames = read.frames as NonNullable<typeof read.frames>;
    read.frames = null;
    this.unsettled -= 1;
    lent.settle(frames);
    if (read.state === 'abandoned') {
      metrics.abandoned -= 1;
      frames.release();
      if (this.stopped !== null && this.unsettled === 0) this.onQuiet?.();
      return;
    }
    this.leaveRunning(read);
    read.state = 'done';
    const content = Math.min(read.length, this.vmo.size - read.offset);
    let good = filled - (filled % PAGE_SIZE);
    if (filled === content && content < read.length) {
      zeroFrom(frames.views, content);
      good = read.length;
    }
    const status = this.supply(read.offset, good, frames);
    if (status !== ZX_OK) this.refused(read, status);
    else if (good < read.length) this.fellShort(read, good, filled, error);
  }

  /** The first `length` bytes of the frames become pages; the loan is over. */
  private supply(offset: number, length: number, frames: FrameLoan): Status {
    const { host, pager, metrics } = this.service;
    if (length === 0) {
      frames.release();
      return ZX_OK;
    }
    const { status } = host.pagerSupplyFrames(pager, this.vmo.handle, offset, frames, length);
    if (status !== ZX_OK) return status;
    this.pagesSupplied += length / PAGE_SIZE;
    metrics.pagesSupplied += length / PAGE_SIZE;
    metrics.bytesSupplied += Math.min(length, this.vmo.size - offset);
    return ZX_OK;
  }

  /** The kernel did not take the pages. */
  private refused(read: PageRead, status: Status): void {
    // The VMO was detached a moment ago: whoever waited has been told.
    if (status === ZX_ERR_BAD_STATE) return;
    const error = new PagerError('kernel', `zx_pager_supply_pages: ${status}`, { status });
    this.fail(read, read.offset, read.length, error, 0);
  }

  /** Pages from `good` on are missing. */
  private fellShort(read: PageRead, good: number, filled: number, error: unknown): void {
    const missing = read.offset + good;
    const demandEnd = read.offset + read.demanded;
    const again = read.joined ?? [];
    read.joined = null;
    let from = missing;
    if (missing < demandEnd && read.length === read.demanded) {
      const content = Math.min(read.length, this.vmo.size - read.offset);
      const short = `${filled} bytes of [${read.offset}, ${read.offset + content})`;
      const cause = error ?? new PagerError('data-integrity', short, { filledBytes: filled });
      this.fail(read, missing, read.end - missing, cause, filled);
      return;
    }
    // What was read ahead must not take others with it: what is really wanted is asked for once more, by itself.
    if (missing < demandEnd) again.unshift({ offset: missing, length: demandEnd - missing });
    for (const part of again) {
      const start = Math.max(part.offset, from);
      const end = part.offset + part.length;
      if (start < end) this.cover(start, end, 0);
      from = Math.max(from, end);
    }
  }

  private notLent(read: PageRead, status: Status): boolean {
    const fleeting = status === ZX_ERR_NO_RESOURCES || status === ZX_ERR_NO_MEMORY;
    if (fleeting && this.service.frames.lentBytes > 0) {
      // Others hold frames that will come back.
      this.pending.unshift(read);
      this.service.metrics.queued += 1;
      this.service.waitForRoom(this);
      this.setDeadline(read);
      return false;
    }
    read.state = 'done';
    const error = new PagerError('kernel', `no frames to read into: ${status}`, { status });
    this.fail(read, read.offset, read.demanded, error, 0);
    return true;
  }

  private setDeadline(read: PageRead): void {
    const { deadlines } = this.service;
    if (deadlines === null || read.deadline !== null) return;
    read.deadline = deadlines.add(() => this.tooLate(read));
  }

  private tooLate(read: PageRead): void {
    read.deadline = null;
    this.service.metrics.timeouts += 1;
    const error = new PagerError('timed-out', `no answer for [${read.offset}, ${read.end}) in time`);
    if (read.state === 'queued') {
      this.pending.splice(this.pending.indexOf(read), 1);
      this.service.metrics.queued -= 1;
      read.state = 'done';
    } else {
      this.abandon(read, error);
    }
    this.fail(read, read.offset, read.length, error, 0);
  }

  private abandon(read: PageRead, reason: PagerError): void {
    this.leaveRunning(read);
    read.state = 'abandoned';
    this.service.metrics.abandoned += 1;
    // The system does not wait for an answer that nobody wants.
    read.releaseHold?.();
    read.context.abort(reason);
  }

  private leaveRunning(read: PageRead): void {
    if (read === this.starting) this.starting = null;
    else this.running.splice(this.running.lastIndexOf(read, this.runningAfter(read.offset) - 1), 1);
    this.service.metrics.inFlight -= 1;
    read.deadline?.cancel();
    read.deadline = null;
  }

  /** Fails `[offset, offset + length)` for whoever waits for it now. */
  private fail(read: PageRead, offset: number, length: number, error: unknown, filled: number): void {
    const { host, pager, metrics } = this.service;
    const status = failStatus(error);
    metrics.failures += 1;
    read.deadline?.cancel();
    host.pagerOpRange(pager, ZX_PAGER_OP_FAIL, this.vmo.handle, offset, length, status);
    this.report(read, error, filled, status);
  }

  private report(read: PageRead, error: unknown, filled: number, status: Status): void {
    this.service.report({
      key: this.vmo.key,
      name: this.vmo.name,
      range: { offset: read.offset, length: read.length },
      suppliedBytes: filled - (filled % PAGE_SIZE),
      status,
      error,
    });
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
}
