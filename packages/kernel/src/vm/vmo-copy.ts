import { PAGE_SIZE } from '@faultline/mmu-emu';
import {
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { Caller } from '../syscall/call.js';
import { PAUSE } from '../task/pause.js';
import { faultIn } from '../task/user-memory.js';
import type { Operation } from '../task/waiter.js';
import { LOOKUP_ABSENT, LOOKUP_ZERO } from './cow-lookup.js';
import type { PageRequest } from './page-request.js';
import type { VmoDispatcher } from './vm-object.js';
import { isAtOnce } from './vmo-range.js';

/** Adjacent frames copied in one piece. */
const MOST_FRAMES = 4096;
/** Pages of a write that are looked up, and asked for, together. */
const WRITE_BATCH = 16;
/** Pages copied between two turns of everybody else. */
const PAGES_A_TURN = 4096;
/** How often a buffer is made accessible, all of it, before it counts as one that does not fit into RAM together with the rest. */
const BUFFER_ATTEMPTS = 8;

/** Why a copy stopped; other values are its status. */
const NEEDS_PAGE = 1;
const NEEDS_BUFFER = 2;
const NEEDS_PAUSE = 3;

/** Frames of the batch that is being written; filled and used up before anything else runs. */
const batch = new Int32Array(WRITE_BATCH);

/**
 * `zx_vmo_read` and `zx_vmo_write`: a copy between a VMO and the caller's memory, with its progress.
 *
 * A read takes whatever prefix is there and waits for the rest with one request for the whole run that is absent, from which
 * it is woken early. A write looks up to 16 pages up, as far as they may be written, then makes sure of all that is left of the source,
 * then copies to them, and asks for the next.
 *
 * For a caller who may not wait for the pager it is all or nothing, decided before the first byte: pages that are there could be evicted while the
 * caller's buffer is fetched, so everything else comes first, and then the whole is copied with nothing happening in between.
 */
class VmoCopy {
  /** The page that `advance` found lacking. */
  private absent = 0;
  /** All of a write's source was readable at some time. */
  private sourceChecked = false;
  /** Pages since the last turn of somebody else. */
  private turn = 0;
  /** The caller may not wait for the pager: nothing is evicted and nobody has a turn while it copies. */
  readonly atOnce: boolean;

  /**
   * @param page where the copy begins in the VMO
   * @param offset and where in that page
   * @param left bytes to copy
   */
  constructor(
    private readonly caller: Caller,
    private readonly vmo: VmoDispatcher,
    private readonly write: boolean,
    private address: number,
    private page: number,
    private offset: number,
    private left: number,
  ) {
    this.atOnce = isAtOnce(caller, vmo);
  }

  /** Copies as far as it goes without waiting. */
  advance(): number {
    if (this.atOnce) return this.advanceAtOnce();
    return this.write ? this.advanceWrite() : this.advanceRead();
  }

  /** All of it, or nothing: then NEEDS_BUFFER, or why not. */
  private advanceAtOnce(): number {
    const { vmo, caller } = this;
    if (!vmo.contains(this.page, this.end - this.page)) return ZX_ERR_OUT_OF_RANGE;
    const { cow } = vmo;
    const first = vmo.start + this.page;
    const last = vmo.start + this.end;
    if (this.write) {
      const { evictor, physical } = caller.core.vm;
      const missing = last - first - cow.list.countFrames(first, last);
      if (missing > 0 && missing <= physical.frameCount) evictor.makeRoomFor(missing);
      // What went may have been pages that are wanted.
      if (cow.wouldWait(first, last, 'write')) return ZX_ERR_SHOULD_WAIT;
      if (missing > physical.freeCount) return ZX_ERR_NO_MEMORY;
    } else if (cow.wouldWait(first, last, 'read')) return ZX_ERR_SHOULD_WAIT;
    for (let done = 0; done < this.left;) {
      const view = caller.memory.view(this.address + done, this.left - done, !this.write);
      if (view === null) return NEEDS_BUFFER;
      done += view.length;
    }
    this.sourceChecked = true;
    return this.write ? this.advanceWrite() : this.advanceRead();
  }

  /** Goes on after `advance` found the buffer lacking. */
  *restAtOnce(): Operation {
    const { vmo } = this;
    vmo.retain();
    try {
      for (let attempt = 0; attempt < BUFFER_ATTEMPTS; attempt += 1) {
        const status = yield* this.faultBuffer(this.left);
        if (status !== ZX_OK) return status;
        const outcome = this.advance();
        if (outcome !== NEEDS_BUFFER) return outcome;
      }
      return ZX_ERR_SHOULD_WAIT;
    } finally {
      vmo.release();
    }
  }

  /** Goes on from where `advance` stopped, waiting as often as needed. */
  *rest(): Operation {
    const { vmo } = this;
    let request: PageRequest | null = null;
    vmo.retain();
    try {
      for (let reason = this.advance(); ; reason = this.advance()) {
        let status: Status = ZX_OK;
        if (reason === NEEDS_PAGE) {
          request = this.request(request);
          status = yield request;
        } else if (reason === NEEDS_BUFFER) {
          status = yield* this.faultBuffer(this.bufferBytes);
          this.sourceChecked = true;
        } else if (reason === NEEDS_PAUSE) {
          yield PAUSE;
        } else return reason;
        if (status !== ZX_OK) return status;
      }
    } finally {
      request?.cancel();
      vmo.release();
    }
  }

  private get end(): number {
    return this.page + Math.ceil((this.offset + this.left) / PAGE_SIZE);
  }

  /** After `advance` has found a page lacking. */
  private request(previous: PageRequest | null): PageRequest {
    const { cow, start } = this.vmo;
    const end = this.write ? Math.min(this.end, this.page + WRITE_BATCH) : this.end;
    return cow.need(start + this.absent, end - this.absent, !this.write, previous);
  }

  /** How much of the buffer is made accessible: one page, but the whole source of a write once, which may be larger than RAM. */
  private get bufferBytes(): number {
    if (this.write && !this.sourceChecked) return this.left;
    return Math.min(PAGE_SIZE - this.offset, this.left);
  }

  /** Makes `bytes` of the buffer accessible. */
  private *faultBuffer(bytes: number): Operation {
    const { memory } = this.caller;
    // Counted from 0: at the end of the 64-bit range a number has no room for an address and what comes after it.
    for (let done = 0, turns = 0; done < bytes; turns += 1) {
      const address = this.address + done;
      const view = memory.view(address, bytes - done, !this.write);
      if (view !== null) done += view.length;
      else {
        const status = yield* faultIn(memory, address, !this.write);
        if (status !== ZX_OK) return status;
      }
      if (turns % PAGES_A_TURN === PAGES_A_TURN - 1) yield PAUSE;
    }
    return ZX_OK;
  }

  private advanceRead(): number {
    const { vmo, caller } = this;
    const { cow, start } = vmo;
    const { vm } = caller.core;
    const { ram } = vm.physical;
    while (this.left > 0) {
      if (!vmo.contains(this.page, this.end - this.page)) return ZX_ERR_OUT_OF_RANGE;
      if (this.isTurnOver()) return NEEDS_PAUSE;
      // A read allocates nothing, but others may go on while it waits.
      if (!this.atOnce) vm.evictor.makeRoom();
      const frame = cow.find(start + this.page);
      if (frame === LOOKUP_ABSENT) {
        this.absent = this.page;
        return NEEDS_PAGE;
      }
      if (frame < 0 && frame !== LOOKUP_ZERO) return frame;
      let frames = 1;
      const most = Math.min(MOST_FRAMES, this.end - this.page);
      if (frame >= 0) {
        frames = cow.adjacentFrames(start + this.page, frame, most);
        if (cow.rootSource !== null)
          for (let index = 0; index < frames; index += 1) vm.queues.touch(frame + index);
      }
      const bytes = Math.min(frames * PAGE_SIZE - this.offset, this.left);
      const view = caller.memory.view(this.address, bytes, true);
      if (view === null) return NEEDS_BUFFER;
      if (frame === LOOKUP_ZERO) view.fill(0);
      else view.set(ram.readable(frame, frames).subarray(this.offset, this.offset + view.length));
      this.moveOn(view.length);
      this.turn += frames;
    }
    return ZX_OK;
  }

  private advanceWrite(): number {
    const { vmo, caller } = this;
    const { cow, start } = vmo;
    const { vm } = caller.core;
    const { ram } = vm.physical;
    while (this.left > 0) {
      if (!vmo.contains(this.page, this.end - this.page)) return ZX_ERR_OUT_OF_RANGE;
      if (this.isTurnOver()) return NEEDS_PAUSE;
      if (!this.atOnce) vm.evictor.makeRoom();
      const most = Math.min(WRITE_BATCH, this.end - this.page);
      let count = 0;
      for (; count < most; count += 1) {
        const frame = cow.frameForWrite(start + this.page + count);
        if (frame < 0) {
          // What is before it is written first.
          if (count !== 0) break;
          if (frame !== LOOKUP_ABSENT) return frame;
          this.absent = this.page;
          return NEEDS_PAGE;
        }
        batch[count] = frame;
      }
      count = this.sourcePages(count);
      if (count === 0) return NEEDS_BUFFER;
      cow.markModified();
      for (let index = 0; index < count; index += 1) {
        const target = ram.writable(batch[index]);
        const piece = Math.min(PAGE_SIZE - this.offset, this.left);
        for (let done = 0; done < piece;) {
          const view = caller.memory.view(this.address + done, piece - done, false) as Uint8Array;
          target.set(view, this.offset + done);
          done += view.length;
        }
        this.moveOn(piece);
      }
      this.turn += count;
    }
    return ZX_OK;
  }

  /**
   * For how many of the next `count` pages what they get can be read. Before the first of it is copied, that goes for everything that is left, so that
   * nothing is written where the source fails; afterwards one is enough to get on, since where memory is short they may never be there together.
   */
  private sourcePages(count: number): number {
    const { memory } = this.caller;
    const bytes = this.sourceChecked ? Math.min(count * PAGE_SIZE - this.offset, this.left) : this.left;
    for (let done = 0; done < bytes;) {
      const view = memory.view(this.address + done, bytes - done, false);
      if (view === null) return this.sourceChecked ? Math.floor((this.offset + done) / PAGE_SIZE) : 0;
      done += view.length;
    }
    this.sourceChecked = true;
    return count;
  }

  private isTurnOver(): boolean {
    if (this.turn < PAGES_A_TURN || this.atOnce) return false;
    this.turn = 0;
    return true;
  }

  private moveOn(bytes: number): void {
    const offset = this.offset + bytes;
    this.address += bytes;
    this.left -= bytes;
    this.page += Math.floor(offset / PAGE_SIZE);
    this.offset = offset % PAGE_SIZE;
  }
}

/**
 * Copies `length` bytes between a VMO, from byte `offset` of page `page` on, and the caller's memory.
 *
 * @param length below 2^53
 * @returns ZX_OK; ZX_ERR_OUT_OF_RANGE; ZX_ERR_SHOULD_WAIT: nothing was copied, a pager would have to be waited for; ZX_ERR_BAD_STATE: its
 * pager is gone; ZX_ERR_NO_MEMORY; the status of a page that the pager failed, or of a fault in the buffer that cannot be resolved
 * (a prefix has been copied then); or an operation with these outcomes
 */
export function copyVmo(
  caller: Caller,
  vmo: VmoDispatcher,
  write: boolean,
  address: number,
  page: number,
  offset: number,
  length: number,
): Status | Operation {
  const count = Math.ceil((offset + length) / PAGE_SIZE);
  // An empty copy at the very end is fine, whatever the offset in a page that is not there would say.
  if (!vmo.contains(page, count)) return ZX_ERR_OUT_OF_RANGE;
  if (length === 0) return ZX_OK;
  const copy = new VmoCopy(caller, vmo, write, address, page, offset, length);
  const outcome = copy.advance();
  if (outcome <= 0) return outcome;
  return copy.atOnce ? copy.restAtOnce() : copy.rest();
}
