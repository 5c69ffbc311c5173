import { ZX_OBJ_TYPE_PAGER } from '../abi/object-types.js';
import { ZX_DEFAULT_PAGER_RIGHTS } from '../abi/rights.js';
import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_OUT_OF_RANGE,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { PortDispatcher } from '../ipc/port.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import { CowPages } from '../vm/cow-pages.js';
import type { DirtyTracking } from '../vm/dirty-tracking.js';
import { ENTRY_ZERO, PAGE_CLEAN, frameEntry } from '../vm/page-entry.js';
import type { LentFrames } from '../vm/lent-frames.js';
import { PageSource } from '../vm/page-source.js';
import { NO_FRAME } from '../vm/physical-pages.js';
import { VmoDispatcher, type VmoOptions } from '../vm/vm-object.js';
import { PagerProxy } from './pager-proxy.js';

/**
 * A pager: makes VMOs whose absent pages are asked for on a port, and answers.
 *
 * Life: until its last handle is closed. Then every outstanding request ends, and later accesses to absent pages fail with ZX_ERR_BAD_STATE;
 * what is present stays. Its VMOs live on without it.
 *
 * @see Zircon `zx_pager_create`, and Kernel objects, "Pager"
 */
export class PagerDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_PAGER;
  override readonly defaultRights = ZX_DEFAULT_PAGER_RIGHTS;
  /** Its VMOs' pages, until they end. */
  private readonly sources = new Map<PagerProxy, PageSource>();

  constructor(core: KernelCore) {
    super(core);
  }

  /**
   * A VMO of this pager.
   *
   * @param pages size
   * @param options stream size, whether resizable
   * @param trapsWrites the pager is asked before a page becomes dirty
   */
  createVmo(
    port: PortDispatcher,
    key: bigint,
    pages: number,
    options: Omit<VmoOptions, 'kind'>,
    trapsWrites: boolean,
  ): VmoDispatcher {
    const proxy = new PagerProxy(this.core, this, port, key);
    const source = new PageSource(proxy, trapsWrites, this.core.overtime);
    const vmo = new VmoDispatcher(this.core, new CowPages(this.core.vm, pages, source), {
      ...options,
      kind: 'pager',
    });
    source.vmoKoid = vmo.koid;
    proxy.vmoKoid = vmo.koid;
    this.sources.set(proxy, source);
    vmo.cow.tracking?.endStream(vmo.streamPages + (vmo.streamRest === 0 ? 0 : 1));
    return vmo;
  }

  /** Whether a VMO is one that this pager has made, rather than another's, or a child. */
  owns(vmo: VmoDispatcher): boolean {
    const { source } = vmo.cow;
    if (vmo.kind !== 'pager' || source === null) return false;
    return source.provider instanceof PagerProxy && source.provider.pager === this;
  }

  /** No more requests for a VMO; clean pages go, and a COMPLETE packet is the last of it. */
  detach(vmo: VmoDispatcher): Status {
    const { source, tracking } = pagesOf(vmo);
    if (!source.isAttached) return ZX_OK;
    source.detach();
    tracking.dropClean();
    return ZX_OK;
  }

  /**
   * Moves pages of anonymous memory into a VMO of this pager. What it has already is left alone, and the page given for it is freed. Pages
   * that the source does not have become zeros.
   *
   * @returns ZX_OK; ZX_ERR_OUT_OF_RANGE; ZX_ERR_BAD_STATE: detached, or a page of `aux` is pinned; ZX_ERR_NOT_SUPPORTED: `aux` has a
   * pager; ZX_ERR_NO_MEMORY: what was taken from `aux` by then is gone
   */
  supply(vmo: VmoDispatcher, page: number, count: number, aux: VmoDispatcher, auxPage: number): Status {
    const refusal = this.checkSupply(vmo, page, count, aux, auxPage);
    if (refusal !== ZX_OK) return refusal;
    const from = aux.start + auxPage;
    const { source, tracking } = pagesOf(vmo);
    const { counters, evictor, physical } = this.core.vm;
    let done = 0;
    let status: Status = ZX_OK;
    for (; done < count && status === ZX_OK; done += 1) {
      evictor.makeRoom();
      const present = aux.cow.find(from + done) >= 0;
      const frame = present ? aux.cow.takeFrame(from + done) : NO_FRAME;
      if (present && frame === NO_FRAME) status = ZX_ERR_NO_MEMORY;
      else {
        const taken = tracking.supply(page + done, present ? frameEntry(frame, PAGE_CLEAN) : ENTRY_ZERO);
        if (taken === ZX_OK) counters.pagesSupplied += 1;
        else {
          if (present) physical.free(frame);
          if (taken < 0) status = taken;
        }
      }
    }
    this.arrived(vmo, source, page, status === ZX_OK ? done : done - 1);
    return status;
  }

  /** ZX_OK, or why `supply` would do nothing. */
  checkSupply(vmo: VmoDispatcher, page: number, count: number, aux: VmoDispatcher, auxPage: number): Status {
    if (!aux.contains(auxPage, count)) return ZX_ERR_OUT_OF_RANGE;
    if (aux.isPagerBacked || aux.kind === 'contiguous' || aux.isPhysical) return ZX_ERR_NOT_SUPPORTED;
    const from = aux.start + auxPage;
    if (aux.cow.anyHeld(from, from + count)) return ZX_ERR_BAD_STATE;
    if (!vmo.contains(page, count)) return ZX_ERR_OUT_OF_RANGE;
    return pagesOf(vmo).source.isAttached ? ZX_OK : ZX_ERR_BAD_STATE;
  }

  /**
   * As `supply`, from frames on loan, whose loan is over then, and of which those that are not taken are freed.
   *
   * @param count at most those that are lent
   * @returns ZX_OK; ZX_ERR_OUT_OF_RANGE; ZX_ERR_BAD_STATE: detached; ZX_ERR_INVALID_ARGS: the loan was over; ZX_ERR_NO_MEMORY: what precedes
   * was supplied
   */
  supplyFrames(vmo: VmoDispatcher, page: number, count: number, loan: LentFrames): Status {
    if (!vmo.contains(page, count)) return ZX_ERR_OUT_OF_RANGE;
    const { source, tracking } = pagesOf(vmo);
    if (!source.isAttached) return ZX_ERR_BAD_STATE;
    if (!loan.end()) return ZX_ERR_INVALID_ARGS;
    const { counters, physical } = this.core.vm;
    let done = 0;
    let status: Status = ZX_OK;
    for (let run = 0; run < loan.runs; run += 1) {
      const end = loan.firstOf(run) + loan.countOf(run);
      for (let frame = loan.firstOf(run); frame < end; frame += 1) {
        if (done === count || status !== ZX_OK) {
          physical.free(frame);
          continue;
        }
        const taken = tracking.supply(page + done, frameEntry(frame, PAGE_CLEAN));
        if (taken === ZX_OK) counters.pagesSupplied += 1;
        else physical.free(frame);
        if (taken < 0) status = taken;
        else done += 1;
      }
    }
    this.arrived(vmo, source, page, done);
    return status;
  }

  /** [page, page + count) was supplied, or was there. */
  private arrived(vmo: VmoDispatcher, source: PageSource, page: number, count: number): void {
    if (count === 0) return;
    source.pagesArrived(page, page + count);
    this.report('supply', vmo, page, count, ZX_OK);
  }

  /** Ends the requests that are outstanding in [page, page + count) with `failure`; nothing is remembered. */
  fail(vmo: VmoDispatcher, page: number, count: number, failure: Status): Status {
    if (!vmo.contains(page, count)) return ZX_ERR_OUT_OF_RANGE;
    const { source } = pagesOf(vmo);
    if (!source.isAttached) return ZX_ERR_BAD_STATE;
    if (count === 0) return ZX_OK;
    this.core.vm.counters.pagesFailed += count;
    source.resolveAll(page, page + count, failure);
    this.report('fail', vmo, page, count, failure);
    return ZX_OK;
  }

  /**
   * Gives leave to write to [page, page + count): the pages are dirty from here on. Whoever waits for that looks again, also when this fails
   * for another reason than ZX_ERR_NOT_SUPPORTED.
   *
   * @returns ZX_OK; ZX_ERR_NOT_SUPPORTED: writes are not trapped; ZX_ERR_OUT_OF_RANGE; ZX_ERR_BAD_STATE: detached;
   * ZX_ERR_NOT_FOUND: a page is absent; ZX_ERR_NO_MEMORY
   */
  dirty(vmo: VmoDispatcher, page: number, count: number): Status {
    const { source, tracking } = pagesOf(vmo);
    if (!source.trapsWrites) return ZX_ERR_NOT_SUPPORTED;
    if (!vmo.contains(page, count)) {
      source.writesAllowed(page, page + count);
      return ZX_ERR_OUT_OF_RANGE;
    }
    if (!source.isAttached) return ZX_ERR_BAD_STATE;
    const status = tracking.makeDirty(page, page + count);
    if (status === ZX_OK) this.report('dirty', vmo, page, count, status);
    return status;
  }

  /**
   * The writeback of [page, page + count) begins; the next write to it makes it dirty again. Also of a detached VMO.
   *
   * @param zerosOnly dirty pages are left out
   * @returns ZX_OK or ZX_ERR_OUT_OF_RANGE
   */
  writebackBegin(vmo: VmoDispatcher, page: number, count: number, zerosOnly: boolean): Status {
    if (!vmo.contains(page, count)) return ZX_ERR_OUT_OF_RANGE;
    pagesOf(vmo).tracking.writebackBegin(page, page + count, zerosOnly);
    this.report('writeback-begin', vmo, page, count, ZX_OK);
    return ZX_OK;
  }

  /** The writeback of [page, page + count) has ended: what was not written to meanwhile is clean. ZX_OK or ZX_ERR_OUT_OF_RANGE. */
  writebackEnd(vmo: VmoDispatcher, page: number, count: number): Status {
    if (!vmo.contains(page, count)) return ZX_ERR_OUT_OF_RANGE;
    pagesOf(vmo).tracking.writebackEnd(page, page + count);
    this.report('writeback-end', vmo, page, count, ZX_OK);
    return ZX_OK;
  }

  /** For the proxy: the VMO's pages are gone. */
  proxyEnded(proxy: PagerProxy): void {
    this.sources.delete(proxy);
  }

  protected override onZeroHandles(): void {
    for (const [proxy, source] of this.sources) {
      proxy.pagerEnded();
      source.providerClosed();
    }
    this.sources.clear();
    this.destroyed();
  }

  private report(
    type: 'supply' | 'fail' | 'dirty' | 'writeback-begin' | 'writeback-end',
    vmo: VmoDispatcher,
    page: number,
    pages: number,
    status: Status,
  ): void {
    const { core } = this;
    if (core.events === null) return;
    const base = { time: core.clock.now(), retired: core.retired, vmo: vmo.koid, page, pages };
    core.events(type === 'fail' ? { type, ...base, status } : { type, ...base });
  }
}

/** What a VMO has that is a pager's own: `owns` said so. */
function pagesOf(vmo: VmoDispatcher): { readonly source: PageSource; readonly tracking: DirtyTracking } {
  return { source: vmo.cow.source as PageSource, tracking: vmo.cow.tracking as DirtyTracking };
}
