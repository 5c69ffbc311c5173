import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_BUFFER_TOO_SMALL,
  ZX_ERR_INTERNAL,
  ZX_ERR_IO,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_NO_SPACE,
  type Status,
} from '@faultline/kernel';

/** What each code means to whoever waits for the pages. */
const STATUS_OF_CODE = {
  /** The data could not be read. */
  io: ZX_ERR_IO,
  /** The data is not what it should be: short, torn, a checksum that does not match. */
  'data-integrity': ZX_ERR_IO_DATA_INTEGRITY,
  /** The backing is in no state to answer. */
  'bad-state': ZX_ERR_BAD_STATE,
  /** The backing's storage is full. */
  'no-space': ZX_ERR_NO_SPACE,
  /** A buffer of the backing is too small. */
  'buffer-too-small': ZX_ERR_BUFFER_TOO_SMALL,
  /** The backing did not answer in time. */
  'timed-out': ZX_ERR_IO,
  /** The VMO was detached, or the service closed, while the request was under way. */
  detached: ZX_ERR_BAD_STATE,
  /** A system call of the service failed; `status` is what it returned. */
  kernel: ZX_ERR_INTERNAL,
} as const satisfies Record<string, Status>;

/** What went wrong, as a `PagerError` names it. */
export type PagerErrorCode = keyof typeof STATUS_OF_CODE;

/** What a `PagerError` can carry beside its code. */
export interface PagerErrorOptions extends ErrorOptions {
  /** Leading bytes of the range that are right nevertheless: whole pages of them are supplied before the rest fails. Default 0. */
  readonly filledBytes?: number;
  /** Only with the code `kernel`. */
  readonly status?: Status;
}

/**
 * The errors of this package, and what a backing throws to say how a request fails. Anything else that a backing throws fails it
 * with ZX_ERR_IO.
 */
export class PagerError extends Error {
  override readonly name = 'PagerError';
  /** A negative `zx_status_t`. */
  readonly status: Status;
  /** Leading bytes of the range that are right nevertheless. */
  readonly filledBytes: number;

  constructor(
    readonly code: PagerErrorCode,
    message: string,
    options: PagerErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? STATUS_OF_CODE[code];
    this.filledBytes = options.filledBytes ?? 0;
  }
}

/** The five statuses that `zx_pager_op_range(ZX_PAGER_OP_FAIL)` takes. */
const FAIL_STATUSES: ReadonlySet<Status> = new Set([
  ZX_ERR_IO,
  ZX_ERR_IO_DATA_INTEGRITY,
  ZX_ERR_BAD_STATE,
  ZX_ERR_NO_SPACE,
  ZX_ERR_BUFFER_TOO_SMALL,
]);

/** The status to fail a request with: that of a PagerError where the kernel takes it, ZX_ERR_IO for everything else. */
export function failStatus(error: unknown): Status {
  return error instanceof PagerError && FAIL_STATUSES.has(error.status) ? error.status : ZX_ERR_IO;
}
