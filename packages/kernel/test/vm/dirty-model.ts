/**
 * What a pager's own VMO is, said as simply as it can be: pages as values, requests as sets of pages, actors that go as far as they can.
 * Every page holds one value in its first word.
 */
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../../src/abi/status.js';

/** What is known of a page. `page`: it has one; `marker`: zeros that were supplied; `zeros`: the kernel's own; `untracked`: past the stream. */
export type PageState =
  | { readonly is: 'absent' | 'marker' | 'untracked' }
  | { readonly is: 'zeros'; readonly begun: boolean }
  | { readonly is: 'page'; readonly state: 'clean' | 'dirty' | 'awaiting'; readonly value: bigint };

export type RequestKind = 'R' | 'D';

/** What an actor does; it begins at `page`. */
export interface ActorStep {
  readonly kind: 'read' | 'write' | 'commit' | 'cut' | 'load' | 'store';
  readonly page: number;
  readonly count: number;
  readonly value: bigint;
}

class ModelRequest {
  /** Of an outstanding one: what was asked for, and what of it has not been answered. */
  start = 0;
  end = 0;
  remaining = new Set<number>();
  readonly guests: ModelRequest[] = [];
  host: ModelRequest | null = null;
  failure: Status = ZX_OK;
  outstanding = false;

  constructor(
    readonly actor: ModelActor,
    readonly kind: RequestKind,
    public position: number,
    readonly early: boolean,
  ) {}
}

export class ModelActor {
  status: Status | undefined;
  /** What it has read. */
  readonly values: bigint[] = [];
  at: number;
  request: ModelRequest | null = null;
  waits = false;

  constructor(readonly step: ActorStep) {
    this.at = step.page;
  }

  get end(): number {
    return this.step.page + this.step.count;
  }
}

export class DirtyModel {
  pages: PageState[];
  modified = false;
  attached = true;
  /** Packets that are sent and not read, oldest first. */
  private unread: (ModelRequest | 'C')[] = [];
  private readonly outstanding: Record<RequestKind, ModelRequest[]> = { R: [], D: [] };
  private readonly runnable: [ModelActor, Status][] = [];
  /** Pages whose mapping shows zeros, and those that it may write to. */
  private readonly mappedZeros = new Set<number>();
  private readonly mappedWritable = new Set<number>();
  private stream: number;

  constructor(
    size: number,
    private readonly traps: boolean,
  ) {
    this.pages = Array.from({ length: size }, () => ({ is: 'absent' }));
    this.stream = size;
  }

  /** Packets as the port has them, which are read. */
  takePackets(): string[] {
    const packets = this.unread.map((request) =>
      request === 'C' ? 'C [0, 0)' : `${request.kind} [${request.start}, ${request.end})`,
    );
    this.unread = [];
    return packets;
  }

  /** As `{page,count}`, with a Z behind zeros. */
  dirtyRanges(): string {
    const ranges: { page: number; count: number; zeros: boolean }[] = [];
    this.pages.forEach((page, index) => {
      const dirty = page.is === 'zeros' || (page.is === 'page' && page.state !== 'clean');
      if (!dirty) return;
      const zeros = page.is === 'zeros';
      const last = ranges.at(-1);
      if (last?.zeros === zeros && last.page + last.count === index) last.count += 1;
      else ranges.push({ page: index, count: 1, zeros });
    });
    return ranges.map(({ page, count, zeros }) => `{${page},${count}}${zeros ? 'Z' : ''}`).join(' ');
  }

  begin(step: ActorStep): ModelActor {
    const actor = new ModelActor(step);
    if (actor.end > this.pages.length) actor.status = ZX_ERR_OUT_OF_RANGE;
    else this.run(actor);
    this.settle();
    return actor;
  }

  supply(page: number, values: readonly (bigint | null)[]): Status {
    if (page + values.length > this.pages.length) return ZX_ERR_OUT_OF_RANGE;
    if (!this.attached) return ZX_ERR_BAD_STATE;
    values.forEach((value, index) => {
      if (this.pages[page + index].is !== 'absent') return;
      this.set(page + index, value === null ? { is: 'marker' } : { is: 'page', state: 'clean', value });
      this.mappedZeros.delete(page + index);
    });
    this.resolve('R', page, page + values.length, ZX_OK);
    this.settle();
    return ZX_OK;
  }

  fail(page: number, count: number, failure: Status): Status {
    if (page + count > this.pages.length) return ZX_ERR_OUT_OF_RANGE;
    if (!this.attached) return ZX_ERR_BAD_STATE;
    for (const kind of ['R', 'D'] as const) this.resolve(kind, page, page + count, failure);
    this.settle();
    return ZX_OK;
  }

  dirty(page: number, count: number): Status {
    if (!this.traps) return ZX_ERR_NOT_SUPPORTED;
    let status: Status = ZX_OK;
    const range = this.pages.slice(page, page + count);
    if (page + count > this.pages.length) status = ZX_ERR_OUT_OF_RANGE;
    else if (!this.attached) status = ZX_ERR_BAD_STATE;
    else if (range.some(({ is }) => is === 'absent')) status = ZX_ERR_NOT_FOUND;
    else {
      range.forEach((state, index) => {
        this.setFrame(page + index, state.is === 'page' ? state.value : 0n, 'dirty');
      });
    }
    if (this.attached) this.resolve('D', page, page + count, ZX_OK);
    this.settle();
    return status;
  }

  writebackBegin(page: number, count: number, zerosOnly: boolean): Status {
    const end = page + count;
    if (end > this.pages.length) return ZX_ERR_OUT_OF_RANGE;
    this.pages.slice(page, end).forEach((state, index) => {
      if (zerosOnly || state.is !== 'page' || state.state !== 'dirty') return;
      this.set(page + index, { ...state, state: 'awaiting' });
      this.mappedWritable.delete(page + index);
    });
    for (const [first, last] of this.zeroRuns()) {
      if (first < page || first >= end) continue;
      for (let at = first; at < Math.min(last, end); at += 1) this.pages[at] = { is: 'zeros', begun: true };
    }
    return ZX_OK;
  }

  writebackEnd(page: number, count: number): Status {
    const end = page + count;
    if (end > this.pages.length) return ZX_ERR_OUT_OF_RANGE;
    this.pages.slice(page, end).forEach((state, index) => {
      if (state.is === 'page' && state.state === 'awaiting')
        this.pages[page + index] = { ...state, state: 'clean' };
    });
    for (const [first] of this.zeroRuns()) {
      if (first < page) continue;
      for (let at = first; at < end; at += 1) {
        const state = this.pages[at];
        if (state.is !== 'zeros' || !state.begun) break;
        this.pages[at] = { is: 'absent' };
      }
    }
    return ZX_OK;
  }

  zero(page: number, count: number): Status {
    const end = page + count;
    if (end > this.pages.length) return ZX_ERR_OUT_OF_RANGE;
    for (let at = page; at < end; at += 1) {
      const { is } = this.pages[at];
      if (is === 'page') this.mappedWritable.delete(at);
      if (is === 'page' || is === 'absent') this.set(at, { is: 'zeros', begun: false });
    }
    this.modified = true;
    this.resolve('R', page, end, ZX_OK);
    this.settle();
    return ZX_OK;
  }

  resize(size: number): void {
    const before = this.pages.length;
    this.unmapFrom(size);
    this.pages = this.pages.slice(0, size);
    this.pages.forEach((state, page) => {
      if (state.is === 'untracked') this.set(page, { is: 'zeros', begun: false });
    });
    for (let page = before; page < size; page += 1) {
      this.pages.push({ is: 'absent' });
      this.set(page, { is: 'zeros', begun: false });
    }
    this.stream = size;
    this.modified = true;
    if (size <= before) for (const kind of ['R', 'D'] as const) this.resolve(kind, size, before, ZX_OK);
    this.settle();
  }

  setStream(size: number): Status {
    if (size > this.pages.length) return ZX_ERR_OUT_OF_RANGE;
    const from = Math.min(size, this.stream);
    for (let page = from; page < this.pages.length; page += 1) this.pages[page] = { is: 'untracked' };
    for (let page = this.stream; page < size; page += 1) this.set(page, { is: 'zeros', begun: false });
    this.unmapFrom(from);
    this.stream = size;
    this.modified = true;
    this.resolve('R', from, this.pages.length, ZX_OK);
    this.settle();
    return ZX_OK;
  }

  detach(): void {
    if (!this.attached) return;
    this.attached = false;
    for (const kind of ['R', 'D'] as const) {
      for (const request of this.outstanding[kind].splice(0)) {
        this.withdraw(request);
        this.finish(request, ZX_OK);
      }
    }
    this.unread.push('C');
    this.unmapFrom(0);
    this.pages = this.pages.map((state) =>
      state.is === 'marker' || (state.is === 'page' && state.state === 'clean') ? { is: 'absent' } : state,
    );
    this.settle();
  }

  /** Lets those go on whose wait has ended, in order. */
  private settle(): void {
    for (let next = this.runnable.shift(); next !== undefined; next = this.runnable.shift()) {
      const [actor, status] = next;
      if (status === ZX_OK) this.run(actor);
      else this.end(actor, status);
    }
  }

  private end(actor: ModelActor, status: Status): void {
    actor.status = status;
    if (actor.request !== null) this.cancel(actor.request);
    actor.request = null;
  }

  private run(actor: ModelActor): void {
    const outcome = this.advance(actor);
    if (outcome !== 'waits') this.end(actor, outcome);
  }

  private advance(actor: ModelActor): Status | 'waits' {
    const { kind, value } = actor.step;
    if (kind === 'load' && this.mappedZeros.has(actor.at)) {
      actor.values.push(0n);
      return ZX_OK;
    }
    if (kind === 'store' && this.mappedWritable.has(actor.at)) {
      this.set(actor.at, { is: 'page', state: 'dirty', value });
      return ZX_OK;
    }
    const size = this.pages.length;
    if (kind !== 'commit' && actor.end > size) return ZX_ERR_OUT_OF_RANGE;
    for (const end = Math.min(actor.end, size); actor.at < end; actor.at += 1) {
      const state = this.pages[actor.at];
      if (state.is === 'absent') return this.attached ? this.wait(actor, 'R', end) : ZX_ERR_BAD_STATE;
      const isZero = state.is !== 'page';
      const isDirty = state.is === 'page' && state.state === 'dirty';
      if (kind === 'read' || kind === 'load') {
        actor.values.push(isZero ? 0n : state.value);
        if (kind === 'load' && isZero) this.mappedZeros.add(actor.at);
        continue;
      }
      if (kind === 'cut' && isZero) continue;
      const needsLeave = kind === 'commit' ? state.is === 'zeros' || state.is === 'untracked' : !isDirty;
      if (this.traps && needsLeave) return this.attached ? this.wait(actor, 'D', end) : ZX_ERR_BAD_STATE;
      if (kind === 'commit') {
        if (isZero) this.setFrame(actor.at, 0n, state.is === 'marker' ? 'clean' : 'dirty');
        continue;
      }
      this.setFrame(actor.at, kind === 'cut' ? 0n : value, 'dirty');
      if (kind === 'store') this.mappedWritable.add(actor.at);
      this.modified = true;
    }
    return ZX_OK;
  }

  private wait(actor: ModelActor, kind: RequestKind, end: number): 'waits' {
    const before = actor.request;
    if (before?.kind === kind && before.outstanding && actor.at >= before.start && actor.at < before.end) {
      before.position = actor.at;
      actor.waits = true;
      return 'waits';
    }
    if (before !== null) this.cancel(before);
    let last = actor.at;
    while (last < end && this.lacksAt(actor, kind, last)) last += 1;
    const early = ['read', 'load', 'store'].includes(actor.step.kind);
    const request = new ModelRequest(actor, kind, actor.at, early);
    actor.request = request;
    actor.waits = true;
    const others = this.outstanding[kind];
    const host = others.find(({ start, end: stop }) => start <= actor.at && actor.at < stop);
    if (host !== undefined) {
      request.host = host;
      host.guests.push(request);
      return 'waits';
    }
    const next = others.find(({ start }) => start > actor.at);
    this.makeOutstanding(request, actor.at, Math.min(last, next?.start ?? last));
    others.push(request);
    others.sort((a, b) => a.start - b.start);
    this.unread.push(request);
    return 'waits';
  }

  private makeOutstanding(request: ModelRequest, start: number, end: number): void {
    request.outstanding = true;
    request.start = start;
    request.end = end;
    request.remaining = new Set(Array.from({ length: end - start }, (_, index) => start + index));
  }

  private lacksAt(actor: ModelActor, kind: RequestKind, page: number): boolean {
    const state = this.pages[page];
    if (kind === 'R') return state.is === 'absent';
    if (actor.step.kind === 'commit') return state.is === 'zeros' || state.is === 'untracked';
    return state.is !== 'absent' && !(state.is === 'page' && state.state === 'dirty');
  }

  private resolve(kind: RequestKind, start: number, end: number, failure: Status): void {
    for (const request of [...this.outstanding[kind]]) {
      if (request.end <= start || request.start >= end) continue;
      for (let page = start; page < end; page += 1) request.remaining.delete(page);
      for (const guest of [...request.guests]) {
        if (guest.position < start || guest.position >= end) continue;
        guest.failure = failure;
        if (failure !== ZX_OK || !guest.early) continue;
        request.guests.splice(request.guests.indexOf(guest), 1);
        this.finish(guest, ZX_OK);
      }
      const awaited = request.position >= start && request.position < end;
      if (request.remaining.size === 0) {
        this.forget(request);
        this.withdraw(request);
        this.finish(request, awaited ? failure : ZX_OK);
      } else if (awaited && failure !== ZX_OK) {
        this.handOver(request);
        this.wake(request.actor, failure);
      } else if (awaited && request.early) this.wake(request.actor, ZX_OK);
    }
  }

  private finish(request: ModelRequest, status: Status): void {
    request.outstanding = false;
    request.host = null;
    this.wake(request.actor, status);
    for (const guest of request.guests.splice(0)) this.finish(guest, guest.failure);
  }

  private wake(actor: ModelActor, status: Status): void {
    if (!actor.waits) return;
    actor.waits = false;
    this.runnable.push([actor, status]);
  }

  private cancel(request: ModelRequest): void {
    if (request.host !== null) request.host.guests.splice(request.host.guests.indexOf(request), 1);
    else if (request.outstanding) this.handOver(request);
    request.host = null;
  }

  /** The first that hangs on a request and has not failed takes it over; when there is none, it is over. */
  private handOver(request: ModelRequest): void {
    this.forget(request);
    const successor = request.guests.find(({ failure }) => failure === ZX_OK);
    request.outstanding = false;
    if (successor === undefined) {
      for (const guest of request.guests.splice(0)) this.finish(guest, guest.failure);
      this.withdraw(request);
      return;
    }
    successor.host = null;
    this.makeOutstanding(successor, request.start, request.end);
    successor.remaining = request.remaining;
    for (const guest of request.guests.splice(0)) {
      if (guest === successor) continue;
      guest.host = successor;
      successor.guests.push(guest);
    }
    const list = this.outstanding[request.kind];
    list.push(successor);
    list.sort((a, b) => a.start - b.start);
    this.unread = this.unread.map((sent) => (sent === request ? successor : sent));
  }

  private forget(request: ModelRequest): void {
    const list = this.outstanding[request.kind];
    list.splice(list.indexOf(request), 1);
  }

  private withdraw(request: ModelRequest): void {
    this.unread = this.unread.filter((sent) => sent !== request);
  }

  /** A page of its own: what is mapped there goes, unless it was one before. */
  private setFrame(page: number, value: bigint, state: 'clean' | 'dirty'): void {
    this.mappedZeros.delete(page);
    this.set(page, { is: 'page', state, value });
  }

  private set(page: number, state: PageState): void {
    this.pages[page] = state;
    // What is behind a page of a run that is not in writeback is not either.
    for (const [first, last] of this.zeroRuns()) {
      let begun = true;
      for (let at = first; at < last; at += 1) {
        const zeros = this.pages[at];
        begun &&= zeros.is === 'zeros' && zeros.begun;
        this.pages[at] = { is: 'zeros', begun };
      }
    }
  }

  private unmapFrom(page: number): void {
    for (const mapped of [this.mappedZeros, this.mappedWritable])
      for (const at of mapped) if (at >= page) mapped.delete(at);
  }

  /** Runs of the kernel's own dirty zeros, as first and end. */
  private zeroRuns(): [number, number][] {
    const runs: [number, number][] = [];
    this.pages.forEach(({ is }, page) => {
      if (is !== 'zeros') return;
      const last = runs.at(-1);
      if (last?.[1] === page) last[1] += 1;
      else runs.push([page, page + 1]);
    });
    return runs;
  }
}
