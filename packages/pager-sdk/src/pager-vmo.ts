import {
  ZX_ERR_INTERNAL,
  ZX_OK,
  ZX_VMO_CHILD_REFERENCE,
  ZX_VMO_ZERO_CHILDREN,
  type Rights,
} from '@faultline/kernel';
import { PagerError } from './pager-error.js';
import type { PagerServiceCore } from './pager-service-core.js';
import type { VmoBacking } from './vmo-backing.js';
import { VmoReads } from './vmo-reads.js';

/** What a PagerVmo is made from. */
export interface PagerVmoParts {
  readonly handle: number;
  readonly key: bigint;
  readonly size: number;
  readonly name: string;
  readonly backing: VmoBacking;
  /** Called when the last child made by `share` is gone. */
  readonly onUnused: (() => void) | null;
  /** Called once, when the VMO has left the service. */
  readonly onGone: () => void;
}

/**
 * A VMO whose pages come from a backing.
 *
 * Its life:
 *  1. live: requests are answered; `share` gives references to users;
 *  2. leaving, from `detach`, the kernel's COMPLETE, or the end of the service: reads under way are told by their signal, nothing more
 *     is supplied; pages that are there and clean are dropped by the kernel;
 *  3. gone: the kernel has said COMPLETE and the last read has settled; the handle is closed, then `backing.close` is called.
 */
export class PagerVmo {
  /** A handle with all rights, which belongs to this object. */
  readonly handle: number;
  readonly key: bigint;
  /** Bytes of content; the VMO has whole pages, the rest of the last one reads as zeros. */
  readonly size: number;
  readonly name: string;
  readonly backing: VmoBacking;
  private readonly reads: VmoReads;
  private leaving = false;
  /** The kernel says no more about it. */
  private completed = false;
  private gone: Promise<void> | null = null;
  private resolveGone: (() => void) | null = null;
  private isGone = false;
  private watching = false;
  private sharedSinceLook = false;

  /** @internal */
  constructor(
    private readonly service: PagerServiceCore,
    private readonly parts: PagerVmoParts,
  ) {
    this.handle = parts.handle;
    this.key = parts.key;
    this.size = parts.size;
    this.name = parts.name;
    this.backing = parts.backing;
    this.reads = new VmoReads(service, this);
    this.reads.onQuiet = () => this.finishIfDone();
  }

  /** READ requests for it so far. */
  get requests(): number {
    return this.reads.requests;
  }

  /** Pages supplied to it so far, those read ahead included. */
  get pagesSupplied(): number {
    return this.reads.pagesSupplied;
  }

  /** A reference has been given that is not known to be gone: `onUnused` will be called. */
  get isShared(): boolean {
    return this.watching;
  }

  /**
   * Gives a reference to somebody: a child VMO (ZX_VMO_CHILD_REFERENCE) that shows the same pages. When the last reference and the
   * last mapping of one are gone, `onUnused` is called.
   *
   * @param rights of the new handle; at most those of `handle`
   * @returns a handle that belongs to the caller
   * @throws {PagerError} `detached`, `kernel`
   */
  share(rights: Rights): number {
    if (this.leaving) throw new PagerError('detached', 'the VMO has been detached');
    const { host } = this.service;
    const child = host.vmoCreateChild(this.handle, ZX_VMO_CHILD_REFERENCE, 0, 0);
    if (child.status !== ZX_OK) throw kernelError('zx_vmo_create_child', child.status);
    this.sharedSinceLook = true;
    if (!this.watching) this.watch();
    const { status, handle } = host.handleReplace(child.handle, rights);
    if (status !== ZX_OK) throw kernelError('zx_handle_replace', status);
    return handle;
  }

  /**
   * Takes the VMO away from the service: what is waited for fails with ZX_ERR_BAD_STATE, as does every later access to a page that
   * is not there.
   *
   * @returns settles when it is gone; may be called again
   */
  detach(): Promise<void> {
    const { host, pager } = this.service;
    if (!this.leaving) {
      const { status } = host.pagerDetachVmo(pager, this.handle);
      if (status !== ZX_OK) throw kernelError('zx_pager_detach_vmo', status);
      this.leave(new PagerError('detached', 'the VMO was detached'));
    }
    return this.whenGone();
  }

  /**
   * A READ request of the kernel.
   *
   * @internal
   */
  handleRequest(offset: number, length: number): void {
    this.reads.request(offset, length);
  }

  /**
   * The kernel's last word on this VMO.
   *
   * @internal
   */
  handleComplete(): void {
    this.completed = true;
    this.leave(new PagerError('detached', 'the kernel has completed the VMO'));
    this.finishIfDone();
  }

  /**
   * The signal ZX_VMO_ZERO_CHILDREN was seen.
   *
   * @internal
   */
  handleZeroChildren(): void {
    this.watching = false;
    if (this.leaving) return;
    if (this.sharedSinceLook) {
      // A child may have been made after the signal was: look again.
      this.sharedSinceLook = false;
      this.watch();
      return;
    }
    this.parts.onUnused?.();
  }

  /**
   * The service ends: no COMPLETE will come.
   *
   * @internal
   */
  abandon(reason: PagerError): void {
    this.completed = true;
    this.leave(reason);
    this.finishIfDone();
  }

  /** Settles when the VMO is gone. */
  whenGone(): Promise<void> {
    if (this.isGone) return Promise.resolve();
    this.gone ??= new Promise((resolve) => {
      this.resolveGone = resolve;
    });
    return this.gone;
  }

  private watch(): void {
    const { host, port } = this.service;
    const { status } = host.objectWaitAsync(this.handle, port, this.key, ZX_VMO_ZERO_CHILDREN, 0);
    this.watching = status === ZX_OK;
    if (status !== ZX_OK) this.reportError(kernelError('zx_object_wait_async', status));
  }

  private leave(reason: PagerError): void {
    if (this.leaving) return;
    this.leaving = true;
    this.reads.stop(reason);
  }

  private finishIfDone(): void {
    if (this.isGone || !this.completed || !this.reads.isQuiet) return;
    this.isGone = true;
    this.service.host.handleClose(this.handle);
    this.parts.onGone();
    void this.closeBacking();
  }

  private async closeBacking(): Promise<void> {
    try {
      await this.backing.close?.();
    } catch (error) {
      this.reportError(error);
    }
    this.resolveGone?.();
  }

  private reportError(error: unknown): void {
    this.service.report({
      key: this.key,
      name: this.name,
      range: { offset: 0, length: 0 },
      suppliedBytes: 0,
      status: error instanceof PagerError ? error.status : ZX_ERR_INTERNAL,
      error,
    });
  }
}

/** A system call of the service that failed. */
export function kernelError(call: string, status: number): PagerError {
  return new PagerError('kernel', `${call} failed with status ${status}`, { status });
}
