import {
  PAGE_SIZE,
  ZX_ERR_BAD_STATE,
  ZX_OK,
  ZX_PAGER_OP_FAIL,
  ZX_PAGER_VMO_COMPLETE,
  ZX_PAGER_VMO_READ,
  ZX_PKT_TYPE_PAGE_REQUEST,
  ZX_PKT_TYPE_SIGNAL_ONE,
} from '@faultline/kernel';
import { DeadlineQueue } from './deadline-queue.js';
import { LentFrames } from './lent-frames.js';
import { PagerError } from './pager-error.js';
import type { PagerHost, PagerPacket } from './pager-host.js';
import { MetricsRecorder, type PagerMetrics } from './pager-metrics.js';
import type { PagerServiceCore, PendingReads, RequestFailure } from './pager-service-core.js';
import { kernelError, PagerVmo } from './pager-vmo.js';
import type { VmoBacking } from './vmo-backing.js';

/** Bounds and reporting of a `PagerService`; every one has a default. */
export interface PagerServiceOptions {
  /** Bytes read from a backing at a time, at most: whole pages. Default 256 KiB. A longer request is cut. */
  readonly maxReadBytes?: number;
  /** Reads of one VMO under way at a time, abandoned ones included. Default 16. */
  readonly maxConcurrentReads?: number;
  /** Bytes of frames that all backings together hold at a time: whole pages, at least `maxReadBytes`. Default 16 MiB. Further reads wait. */
  readonly maxLentBytes?: number;
  /** Pages read at a time at least, where the VMO has so many. Default 1: nothing is read ahead. */
  readonly readAheadPages?: number;
  /**
   * Nanoseconds on the kernel's clock after which a request that has no answer fails with ZX_ERR_IO. Default: none, a backing that never
   * answers blocks whoever waits for it. (A virtual clock stands still while the outside is waited for: there a timeout comes only while guests run.)
   */
  readonly timeout?: number;
  /** Hears of each request that was failed, and of errors in `close` of backings. It must not throw. */
  readonly onError?: (failure: RequestFailure) => void;
}

/** What VMO to make. */
export interface CreateVmoOptions {
  /** Bytes of content, an integer of at least 0; the VMO has whole pages. */
  readonly size: number;
  /** Tells VMOs apart in packets and reports; not used by another VMO of the service. Default: one of its own choice. */
  readonly key?: bigint;
  /** The VMO's name (ZX_PROP_NAME, cut after 31 bytes), also in reports. Default: none. */
  readonly name?: string;
  /** Called when the last reference given by `share` is gone; `share` may be called again from then on, or `detach`. */
  readonly onUnused?: () => void;
}

const DEFAULT_READ_BYTES = 256 * 1024;
const DEFAULT_LENT_BYTES = 16 * 1024 * 1024;
const DEFAULT_CONCURRENT_READS = 16;

/**
 * A pager and the port its requests come to, on a host process.
 *
 * Its life:
 *  1. the constructor makes pager and port and listens to the port;
 *  2. each VMO that `createVmo` makes is served by its backing: a packet is taken in the kernel's loop, the backing reads into frames that are
 *     lent to it, the frames become pages of the VMO. With a synchronous backing all that is one call stack, without a promise;
 *  3. `close` ends it: what waits fails with ZX_ERR_BAD_STATE; frames that backings still hold come back when their promises settle.
 */
export class PagerService {
  private readonly core: ServiceCore;
  private readonly vmos = new Map<bigint, PagerVmo>();
  /** The VMO of the last packet, and its key as the packet had it: most packets follow one of the same VMO. */
  private lastVmo: PagerVmo | null = null;
  private lastKey = 0n;
  private nextKey = 1n;
  private closed = false;
  private readonly packet: PagerPacket = { key: 0n, type: 0, command: 0, offset: 0, length: 0 };
  private readonly stopListening: () => void;

  /**
   * @param host a `HostProcess` of the kernel, or what offers the same calls; it outlives the service
   * @throws {RangeError} an option out of range
   * @throws {PagerError} `kernel`: a system call failed
   */
  constructor(host: PagerHost, options: PagerServiceOptions = {}) {
    this.core = new ServiceCore(host, options);
    this.stopListening = host.onPortPacket(this.core.port, () => this.takePackets());
  }

  /**
   * Makes a VMO whose pages `backing` supplies. Its handle belongs to the result; give others references with `share`, or duplicates.
   *
   * @throws {RangeError} a size that is no integer of at least 0, or a key in use
   * @throws {PagerError} `detached` after `close`; `kernel` when the kernel refuses
   */
  createVmo(backing: VmoBacking, options: CreateVmoOptions): PagerVmo {
    const { core } = this;
    const { size, name = '' } = options;
    if (this.closed) throw new PagerError('detached', 'the service is closed');
    if (!Number.isSafeInteger(size) || size < 0)
      throw new RangeError(`size: a count of bytes is expected, not ${size}`);
    const key = options.key ?? this.freeKey();
    if (this.vmos.has(key)) throw new RangeError(`key ${key} is in use`);
    const created = core.host.pagerCreateVmo(core.pager, 0, core.port, key, size);
    if (created.status !== ZX_OK) throw kernelError('zx_pager_create_vmo', created.status);
    const vmo = new PagerVmo(core, {
      handle: created.handle,
      key,
      size,
      name,
      backing,
      onUnused: options.onUnused ?? null,
      onGone: () => this.forget(key),
    });
    this.vmos.set(key, vmo);
    if (name !== '') core.host.objectSetName(created.handle, name);
    return vmo;
  }

  /** VMOs that are not gone yet. */
  get vmoCount(): number {
    return this.vmos.size;
  }

  get metrics(): PagerMetrics {
    const { metrics, frames } = this.core;
    return metrics.snapshot(frames.lentBytes, frames.peakLentBytes);
  }

  /** Ends the service at once. May be called again. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    const { host, pager, port, deadlines } = this.core;
    this.stopListening();
    deadlines?.close();
    // Its end releases whoever waits, before the VMOs go.
    host.handleClose(pager);
    const reason = new PagerError('detached', 'the service was closed');
    for (const vmo of [...this.vmos.values()]) vmo.abandon(reason);
    host.handleClose(port);
  }

  /** `close`, and settles when every backing has settled and is closed: nothing of the service is left then. */
  async closeAndSettle(): Promise<void> {
    const gone = [...this.vmos.values()].map((vmo) => vmo.whenGone());
    this.close();
    await Promise.all(gone);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.closeAndSettle();
  }

  private freeKey(): bigint {
    while (this.vmos.has(this.nextKey)) this.nextKey += 1n;
    return this.nextKey++;
  }

  private vmoOf(key: bigint): PagerVmo | null {
    if (this.lastVmo === null || key !== this.lastKey) {
      this.lastVmo = this.vmos.get(key) ?? null;
      this.lastKey = key;
    }
    return this.lastVmo;
  }

  private forget(key: bigint): void {
    this.vmos.delete(key);
    this.lastVmo = null;
  }

  private takePackets(): void {
    const { host, port } = this.core;
    while (!this.closed && host.portTryWaitInto(port, this.packet) === ZX_OK) this.dispatch(this.packet);
  }

  private dispatch(packet: PagerPacket): void {
    const vmo = this.vmoOf(packet.key);
    if (vmo === null) return;
    if (packet.type === ZX_PKT_TYPE_SIGNAL_ONE) {
      vmo.handleZeroChildren();
      return;
    }
    if (packet.type !== ZX_PKT_TYPE_PAGE_REQUEST) return;
    const { command, offset, length } = packet;
    if (command === ZX_PAGER_VMO_READ) {
      vmo.handleRequest(offset, length);
    } else if (command === ZX_PAGER_VMO_COMPLETE) {
      vmo.handleComplete();
    } else {
      // The VMOs of this service do not trap writes; a request that cannot be answered must not be left waiting.
      this.core.host.pagerOpRange(
        this.core.pager,
        ZX_PAGER_OP_FAIL,
        vmo.handle,
        offset,
        length,
        ZX_ERR_BAD_STATE,
      );
    }
  }
}

class ServiceCore implements PagerServiceCore {
  readonly pager: number;
  readonly port: number;
  readonly frames: LentFrames;
  readonly metrics = new MetricsRecorder();
  readonly deadlines: DeadlineQueue | null;
  readonly maxReadBytes: number;
  readonly readAheadBytes: number;
  readonly maxConcurrentReads: number;
  private readonly onError: ((failure: RequestFailure) => void) | null;
  private readonly waiting = new Set<PendingReads>();
  private offering = false;

  constructor(
    readonly host: PagerHost,
    options: PagerServiceOptions,
  ) {
    this.maxReadBytes = pagesOption('maxReadBytes', options.maxReadBytes ?? DEFAULT_READ_BYTES);
    const lentBytes = pagesOption(
      'maxLentBytes',
      options.maxLentBytes ?? Math.max(DEFAULT_LENT_BYTES, this.maxReadBytes),
    );
    if (lentBytes < this.maxReadBytes) throw new RangeError('maxLentBytes is less than maxReadBytes');
    this.maxConcurrentReads = countOption(
      'maxConcurrentReads',
      options.maxConcurrentReads ?? DEFAULT_CONCURRENT_READS,
    );
    this.readAheadBytes = countOption('readAheadPages', options.readAheadPages ?? 1) * PAGE_SIZE;
    this.onError = options.onError ?? null;
    const { timeout } = options;
    if (timeout !== undefined && !(timeout > 0))
      throw new RangeError(`timeout: nanoseconds above 0, not ${timeout}`);
    const pager = host.pagerCreate(0);
    if (pager.status !== ZX_OK) throw kernelError('zx_pager_create', pager.status);
    const port = host.portCreate(0);
    if (port.status !== ZX_OK) throw kernelError('zx_port_create', port.status);
    this.pager = pager.handle;
    this.port = port.handle;
    this.frames = new LentFrames(host, lentBytes);
    this.deadlines = timeout === undefined ? null : new DeadlineQueue(host, timeout);
  }

  report(failure: RequestFailure): void {
    this.onError?.(failure);
  }

  waitForRoom(reads: PendingReads): void {
    this.waiting.add(reads);
  }

  offerRoom(): void {
    if (this.offering) return;
    this.offering = true;
    try {
      // In the order in which they began to wait; one that still waits goes to the end, so that none is starved.
      for (const reads of [...this.waiting]) {
        this.waiting.delete(reads);
        if (reads.startPending()) this.waiting.add(reads);
      }
    } finally {
      this.offering = false;
    }
  }
}

function pagesOption(name: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0 && bytes % PAGE_SIZE === 0) return bytes;
  throw new RangeError(`${name}: a multiple of ${PAGE_SIZE} is expected, not ${bytes}`);
}

function countOption(name: string, count: number): number {
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new RangeError(`${name}: a count of at least 1 is expected, not ${count}`);
}
