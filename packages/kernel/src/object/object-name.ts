import { ZX_MAX_NAME_LEN } from '../abi/abi-limits.js';

const DECODER = new TextDecoder();

/** The name of an object: at most 31 bytes without NUL, any bytes; text is UTF-8 by convention. */
export class ObjectName {
  private readonly stored = new Uint8Array(ZX_MAX_NAME_LEN);

  /** @param name cut after 31 bytes or at the first NUL */
  constructor(name: Uint8Array | string = '') {
    this.set(typeof name === 'string' ? new TextEncoder().encode(name) : name);
  }

  /** Replaces the name; cut after 31 bytes or at the first NUL. */
  set(name: Uint8Array): void {
    const end = name.indexOf(0);
    const length = Math.min(end < 0 ? name.length : end, ZX_MAX_NAME_LEN - 1);
    this.stored.fill(0);
    this.stored.set(name.subarray(0, length));
  }

  /** The 32 bytes of ZX_PROP_NAME, filled up with NUL. Not to be written to. */
  get bytes(): Uint8Array {
    return this.stored;
  }

  /** For people: bytes that are no UTF-8 are replaced. */
  get text(): string {
    return this.stored[0] === 0 ? '' : DECODER.decode(this.stored.subarray(0, this.stored.indexOf(0)));
  }
}
