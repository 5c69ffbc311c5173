/** What a service has done since it was made. Counts only grow, except those that say how much is under way now. */
export interface PagerMetrics {
  /** READ requests taken from the port. */
  readonly requests: number;
  /** Pages they asked for. */
  readonly pagesRequested: number;
  /** Reads made of backings. */
  readonly reads: number;
  /** Pages supplied to the kernel, those read ahead included. */
  readonly pagesSupplied: number;
  /** Bytes that backings have read, as far as they came to a page that was supplied. */
  readonly bytesSupplied: number;
  /** Requests, or parts of them, that were failed. */
  readonly failures: number;
  /** Those of them that failed because the backing did not answer in time. */
  readonly timeouts: number;
  /** Reads under way whose answer is still wanted. */
  readonly inFlight: number;
  /** Reads under way whose answer nobody wants any more, but which may still write to the frames they were lent. */
  readonly abandoned: number;
  /** Reads that wait for one of those to settle. */
  readonly queued: number;
  /** Bytes of frames lent to backings now, and at most so far. */
  readonly lentBytes: number;
  readonly peakLentBytes: number;
  /**
   * Asynchronous reads by how long they took, from request to supply: entry i counts those of [2^i, 2^(i+1)) microseconds, entry 0 also
   * the faster ones, the last entry also the slower ones.
   */
  readonly latency: readonly number[];
}

const LATENCY_BUCKETS = 32;

/** Counts what a service does, for `PagerMetrics`. */
export class MetricsRecorder {
  requests = 0;
  pagesRequested = 0;
  reads = 0;
  pagesSupplied = 0;
  bytesSupplied = 0;
  failures = 0;
  timeouts = 0;
  inFlight = 0;
  abandoned = 0;
  queued = 0;
  private readonly latency = new Array<number>(LATENCY_BUCKETS).fill(0);

  /** @param nanoseconds from request to supply */
  tookTime(nanoseconds: number): void {
    const microseconds = Math.max(1, nanoseconds / 1_000);
    const bucket = Math.min(LATENCY_BUCKETS - 1, Math.floor(Math.log2(microseconds)));
    this.latency[bucket] = this.latency[bucket] + 1;
  }

  snapshot(lentBytes: number, peakLentBytes: number): PagerMetrics {
    const { requests, pagesRequested, reads, pagesSupplied, bytesSupplied, failures, timeouts } = this;
    return {
      requests,
      pagesRequested,
      reads,
      pagesSupplied,
      bytesSupplied,
      failures,
      timeouts,
      inFlight: this.inFlight,
      abandoned: this.abandoned,
      queued: this.queued,
      lentBytes,
      peakLentBytes,
      latency: [...this.latency],
    };
  }
}
