import { statusName } from '../abi/status-name.js';
import { ZX_OK, type Status } from '../abi/status.js';
import { KernelError } from '../kernel-error.js';

/** @throws {KernelError} `cannot-start`, when the status of something that a program needs is not ZX_OK */
export function require(status: Status, what: string): void {
  if (status === ZX_OK) return;
  throw new KernelError('cannot-start', `${what}: ${statusName(status)} (${status})`, { status });
}
