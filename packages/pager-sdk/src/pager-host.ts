/**
 * The system calls that a pager service makes, as a host process offers them. `HostProcess` of the kernel package is one; anything else with
 * the same calls will do.
 */
import type { Status } from '@faultline/kernel';

/** What a call that makes an object gives back. */
export interface HandleResult {
  readonly status: Status;
  /** Meaningful with ZX_OK only. */
  readonly handle: number;
}

/** What a call gives back that has nothing but its status to tell. */
export interface StatusResult {
  readonly status: Status;
}

/** A port packet as far as a pager service looks at it; it is the service's, and used for one packet after the other. */
export interface PagerPacket {
  key: bigint;
  type: number;
  /** With type ZX_PKT_TYPE_PAGE_REQUEST, else 0: a command, and bytes, multiples of 4096, exact. */
  command: number;
  offset: number;
  length: number;
}

/** Frames to be filled and supplied, or released. */
export interface FrameLoan {
  /** One view for each run of adjacent frames, in order, with unknown contents. */
  readonly views: readonly Uint8Array[];
  /** Bytes of all of them, whole pages. */
  readonly length: number;
  /** Gives them back unused. */
  release(): void;
}

/** The system calls, in the words of the kernel; each returns a status and throws nothing. */
export interface PagerHost {
  pagerCreate(options: number): HandleResult;
  pagerCreateVmo(pager: number, options: number, port: number, key: bigint, size: number): HandleResult;
  /** Lends frames: a length of whole pages. */
  framesLend(length: number): { readonly status: Status; readonly loan: FrameLoan | null };
  /** Supplies [offset, offset + length) of the VMO from the first `length` bytes of a loan, which is over then. */
  pagerSupplyFrames(
    pager: number,
    vmo: number,
    offset: number,
    loan: FrameLoan,
    length: number,
  ): StatusResult;
  pagerOpRange(
    pager: number,
    op: number,
    vmo: number,
    offset: number,
    length: number,
    data: number,
  ): StatusResult;
  pagerDetachVmo(pager: number, vmo: number): StatusResult;
  portCreate(options: number): HandleResult;
  /** Takes a packet if there is one: ZX_OK, and `into` says what it is. */
  portTryWaitInto(port: number, into: PagerPacket): Status;
  onPortPacket(port: number, callback: () => void): () => void;
  vmoCreateChild(vmo: number, options: number, offset: number, size: number): HandleResult;
  eventCreate(options: number): HandleResult;
  objectWaitAsync(handle: number, port: number, key: bigint, signals: number, options: number): StatusResult;
  objectWaitOne(
    handle: number,
    signals: number,
    options: { readonly deadline?: number; readonly signal?: AbortSignal },
  ): Promise<StatusResult>;
  handleClose(handle: number): StatusResult;
  objectSetName(handle: number, name: string): StatusResult;
  handleReplace(handle: number, rights: number): HandleResult;
  /** Nanoseconds on the kernel's clock. */
  clockGetMonotonic(): number;
  /** Work is under way that may wake the system. Returns the release. */
  hold(): () => void;
}
