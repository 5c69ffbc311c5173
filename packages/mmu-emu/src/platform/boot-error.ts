/** What cannot be booted, and why. */
export type BootErrorCode = 'not-a-kernel' | 'does-not-fit';

/**
 * A machine cannot be made ready to boot.
 *
 * - `not-a-kernel`: the file is no RISC-V kernel image.
 * - `does-not-fit`: firmware, kernel, first file system and device tree do not fit into RAM beside each other.
 */
export class BootError extends Error {
  override readonly name = 'BootError';
  readonly code: BootErrorCode;

  constructor(code: BootErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
