/** `zx_vmo_transfer_data`: pages go from one VMO to another. */
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import { ZX_RIGHT_READ, ZX_RIGHT_WRITE } from '../abi/rights.js';
import { PAUSE } from '../task/pause.js';
import type { Operation } from '../task/waiter.js';
import { NO_FRAME } from '../vm/physical-pages.js';
import type { VmoDispatcher } from '../vm/vm-object.js';
import type { Caller } from './call.js';
import { rangeArg, vmoHandle } from './vm-args.js';

/** Pages moved before others have their turn. */
const PAGES_A_TURN = 4096;

/** Pages [from, from + pages) of a VMO, and where in another they go: pages [to, to + pages). */
interface Transfer {
  readonly input: VmoDispatcher;
  readonly from: number;
  readonly output: VmoDispatcher;
  readonly to: number;
  readonly pages: number;
}

/** A part at a time. What cannot be moved any more, since somebody has changed one of the VMOs meanwhile, stays where it was, as does what it would have replaced. */
export function transferData(caller: Caller, args: Uint32Array): Status | Operation {
  if (args[2] !== 0) return ZX_ERR_INVALID_ARGS;
  const target = vmoHandle(caller, args[0], ZX_RIGHT_WRITE);
  if (typeof target === 'number') return target;
  const source = vmoHandle(caller, args[8], ZX_RIGHT_READ | ZX_RIGHT_WRITE);
  if (typeof source === 'number') return source;
  const to = rangeArg(args, 2, 3);
  const from = rangeArg(args, 5, 3);
  if (to.offset !== 0 || to.rest !== 0 || from.offset !== 0) return ZX_ERR_INVALID_ARGS;
  const [input, output] = [source.object, target.object];
  const transfer = { input, from: from.page, output, to: to.page, pages: to.pages };
  const refused = refusal(transfer, 0);
  if (refused !== ZX_OK) return refused;
  const moved = movePart(transfer, 0);
  if (moved < 0) return moved;
  return moved === transfer.pages ? ZX_OK : inTurns(transfer, moved);
}

function* inTurns(transfer: Transfer, done: number): Operation {
  const { input, output, pages } = transfer;
  input.retain();
  output.retain();
  try {
    for (let at = done; at < pages;) {
      yield PAUSE;
      const refused = refusal(transfer, at);
      if (refused !== ZX_OK) return refused;
      at = movePart(transfer, at);
      if (at < 0) return at;
    }
    return ZX_OK;
  } finally {
    output.release();
    input.release();
  }
}

/** ZX_OK, or why nothing can be moved from page `done` of the transfer on. */
function refusal({ input, from, output, to, pages }: Transfer, done: number): Status {
  if (to + pages > output.pages || from + pages > input.pages) return ZX_ERR_OUT_OF_RANGE;
  for (const vmo of [input, output])
    if (vmo.isPagerBacked || vmo.kind === 'contiguous' || vmo.isPhysical) return ZX_ERR_NOT_SUPPORTED;
  if (input.cow.anyHeld(input.start + from + done, input.start + from + pages)) return ZX_ERR_BAD_STATE;
  if (output.cow.anyHeld(output.start + to + done, output.start + to + pages)) return ZX_ERR_BAD_STATE;
  return input.cow === output.cow ? ZX_ERR_INVALID_ARGS : ZX_OK;
}

/**
 * Moves pages from `done` on, as many as a turn has.
 *
 * @returns how many of the transfer are done then; or ZX_ERR_NO_MEMORY
 */
function movePart(transfer: Transfer, done: number): number {
  const { input, output, pages } = transfer;
  const first = input.start + transfer.from;
  const target = output.start + transfer.to;
  let at = done;
  for (let left = PAGES_A_TURN; at < pages && left > 0;) {
    const empty = emptyRun(transfer, at);
    const stop = empty > 0 ? at + empty : Math.min(pages, at + left);
    const zeroed = output.cow.zeroPages(target + at, target + stop);
    if (zeroed < 0) return zeroed;
    if (empty === 0) {
      const status = moveAll(transfer, first + at, first + stop, target + at - (first + at));
      if (status !== ZX_OK) return status;
    }
    left -= empty > 0 ? 1 : stop - at;
    at = stop;
  }
  return at;
}

/** Pages from `at` of the transfer on that neither VMO has in a frame of its own. */
function emptyRun({ input, from, output, to, pages }: Transfer, at: number): number {
  const page = input.start + from + at;
  if (input.cow.find(page) >= 0) return 0;
  const run = input.cow.runFrom(page, page + pages - at);
  const target = output.start + to + at;
  return output.cow.list.next(target, target + run) - target;
}

/** Moves the pages of [start, end) of the source, which the target has none of, to the pages that are `distance` on. */
function moveAll({ input, output }: Transfer, start: number, end: number, distance: number): Status {
  const { cow } = input;
  for (let page = start; page < end; page += 1) {
    if (cow.find(page) < 0) {
      page += cow.runFrom(page, end) - 1;
      continue;
    }
    const frame = cow.takeFrame(page);
    if (frame === NO_FRAME) return ZX_ERR_NO_MEMORY;
    const status = output.cow.replace(page + distance, frame);
    if (status === ZX_OK) continue;
    cow.vm.physical.free(frame);
    return status;
  }
  return ZX_OK;
}
