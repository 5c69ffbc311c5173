import {
  ZX_ERR_BAD_STATE,
  ZX_ERR_INTERNAL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_OUT_OF_RANGE,
  type Status,
} from './abi/status.js';

/** What went wrong, for programs. */
export type KernelErrorCode =
  /** An option of `Kernel.create` is out of range. */
  | 'bad-option'
  /** The kernel runs already. */
  | 'already-running'
  /** The kernel was closed. */
  | 'closed'
  /** The executable is no ELF file that can be started; `field` names what is wrong in it. */
  | 'bad-executable'
  /** The executable's handle does not allow it to be started, or what it needs is not to be had; `status` says why. */
  | 'cannot-start'
  /** Arguments and environment do not fit into the first message of a process. */
  | 'arguments-too-long';

const STATUSES: Readonly<Record<KernelErrorCode, Status>> = {
  'bad-option': ZX_ERR_INVALID_ARGS,
  'already-running': ZX_ERR_BAD_STATE,
  closed: ZX_ERR_BAD_STATE,
  'bad-executable': ZX_ERR_INVALID_ARGS,
  'cannot-start': ZX_ERR_INTERNAL,
  'arguments-too-long': ZX_ERR_OUT_OF_RANGE,
};

/** Something the kernel could not do for its embedder. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly code: KernelErrorCode;
  /** The status that a system call would give for it. */
  readonly status: Status;
  /** The field of the ELF file, or the option, that is at fault; empty when there is none. */
  readonly field: string;

  constructor(
    code: KernelErrorCode,
    message: string,
    details: { readonly status?: Status; readonly field?: string; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? STATUSES[code];
    this.field = details.field ?? '';
  }
}
