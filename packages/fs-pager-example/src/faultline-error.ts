import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_PATH,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INTERNAL,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_IO,
  ZX_ERR_NO_RESOURCES,
  ZX_ERR_NOT_DIR,
  ZX_ERR_NOT_FILE,
  ZX_ERR_NOT_FOUND,
  type Status,
} from '@faultline/kernel';

/** What went wrong, and the status that a guest is told. */
const STATUS_OF_CODE = {
  /** There is nothing by that name. */
  'not-found': ZX_ERR_NOT_FOUND,
  /** The path leaves the root, or the host does not permit it. */
  'access-denied': ZX_ERR_ACCESS_DENIED,
  /** A file stands where a directory is needed. */
  'not-a-directory': ZX_ERR_NOT_DIR,
  /** A directory, a device or a pipe stands where a file is needed. */
  'not-a-file': ZX_ERR_NOT_FILE,
  /** Not a path at all: empty, with a NUL byte, too long, too many symbolic links. */
  'bad-path': ZX_ERR_BAD_PATH,
  /** A message that does not follow the protocol. */
  'bad-message': ZX_ERR_INVALID_ARGS,
  /** A bound of this guest, or of the host process, is reached. */
  'limit-reached': ZX_ERR_NO_RESOURCES,
  /** The host could not do it. */
  io: ZX_ERR_IO,
  /** What was used is closed. */
  closed: ZX_ERR_BAD_STATE,
  /** A program could not be started. */
  'not-loaded': ZX_ERR_INTERNAL,
  /** A system call of the service itself failed. */
  kernel: ZX_ERR_INTERNAL,
  /** The demonstration's word list could not be made. */
  'word-list': ZX_ERR_IO,
} as const satisfies Record<string, Status>;

/** What went wrong, for programs. */
export type FaultlineErrorCode = keyof typeof STATUS_OF_CODE;

/** The errors of this package. */
export class FaultlineError extends Error {
  override readonly name = 'FaultlineError';
  /** What a guest is told: a negative `zx_status_t`. */
  readonly status: Status;

  constructor(
    readonly code: FaultlineErrorCode,
    message: string,
    options: ErrorOptions & { readonly status?: Status } = {},
  ) {
    super(message, options);
    this.status = options.status ?? STATUS_OF_CODE[code];
  }
}

const CODE_OF_ERRNO: Readonly<Record<string, FaultlineErrorCode>> = {
  ENOENT: 'not-found',
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'not-a-file',
  ENXIO: 'not-a-file',
  ELOOP: 'bad-path',
  ENAMETOOLONG: 'bad-path',
  EINVAL: 'bad-path',
  EMFILE: 'limit-reached',
  ENFILE: 'limit-reached',
};

/** An error of the host's file system calls in this package's terms; `what` names the file as the guest does. */
export function fromHostError(error: unknown, what: string): FaultlineError {
  if (error instanceof FaultlineError) return error;
  const errno = hostErrorCode(error);
  const code = CODE_OF_ERRNO[errno] ?? 'io';
  return new FaultlineError(code, `${what}: ${errno === '' ? String(error) : describe(errno, code)}`, {
    cause: error,
  });
}

/** `ENOENT` and its like; empty for errors that carry none. */
export function hostErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function describe(errno: string, code: FaultlineErrorCode): string {
  switch (code) {
    case 'not-found':
      return 'no such file or directory';
    case 'access-denied':
      return 'permission denied';
    case 'not-a-directory':
      return 'a part of the path is not a directory';
    case 'not-a-file':
      return 'not a regular file';
    default:
      return `the host says ${errno}`;
  }
}
