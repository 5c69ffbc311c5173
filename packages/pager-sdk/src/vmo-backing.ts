/** A half-open range of bytes of a VMO, `[offset, offset + length)`. */
export interface ByteRange {
  /** A multiple of 4096, exact. */
  readonly offset: number;
  /** Bytes: whole pages, except where the content ends within its last page. */
  readonly length: number;
}

/** What a backing is told beside the range. */
export interface ReadContext {
  /**
   * Aborts when nobody wants the answer any more: the request timed out, the VMO was detached, the service closed. `reason` is a
   * PagerError. A backing may ignore it.
   */
  readonly signal: AbortSignal;
}

/**
 * What a read came to, when it did not fill `into` itself or not all of it: a count of leading bytes of the range that are in
 * place, or the bytes themselves, whole or in chunks, which are copied once.
 */
export type ReadOutcome = void | number | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Where the content of a VMO comes from. One required method.
 *
 * Life: `read` is called for ranges that guests touch, several at a time up to `maxConcurrentReads`, in any order, possibly again for
 * a range read before; `close` once, after the last read has settled.
 */
export interface VmoBacking {
  /**
   * Reads the bytes of `range`, of `range.length` bytes in all.
   *
   * Either fill `into` (one view for each run of adjacent frames, in order, exactly `range.length` bytes together) and return nothing
   * or the count of leading bytes filled; or return the bytes. Fewer bytes than asked for: whole pages of them are supplied, the rest fails with
   * ZX_ERR_IO_DATA_INTEGRITY. Throw or reject to fail: a PagerError says with what status, everything else is ZX_ERR_IO.
   *
   * Returning without a promise costs no turn of the event loop, and the guest goes on at once. After returning a promise the
   * views may be written until it settles, whatever became of the request, and never after: settle only when nothing writes any more.
   */
  read(
    range: ByteRange,
    into: readonly Uint8Array[],
    context: ReadContext,
  ): ReadOutcome | Promise<ReadOutcome>;

  /** The VMO is gone and no read is under way. A failure is reported and has no other effect. */
  close?(): void | Promise<void>;
}

/**
 * The further methods of a backing whose VMO can be written. The service does not make writable VMOs yet and calls none of these;
 * they are fixed here so that backings can be written for both.
 */
export interface WritableVmoBacking extends VmoBacking {
  /** Stores the bytes of `from`, which make up `range`. They may change again as soon as the promise settles. */
  write(range: ByteRange, from: readonly Uint8Array[], context: ReadContext): void | Promise<void>;
  /** The content now has this many bytes. */
  resize?(bytes: number): void | Promise<void>;
  /** Settles when everything written is durable. */
  flush?(): void | Promise<void>;
}
