import { ElfError } from './elf-error.js';

/** The number of values that a JavaScript number holds exactly; file positions and addresses must be below it. */
const EXACT_LIMIT = 2 ** 53;

/**
 * Reads little-endian fields out of a file, or out of its head.
 *
 * Every read names the field it is for, so that an error can say what was missing.
 */
export class ByteReader {
  readonly #view: DataView;
  readonly #fileBytes: number;

  /** `fileBytes` is the length of the whole file; `bytes` may be only its beginning. */
  constructor(
    readonly bytes: Uint8Array,
    fileBytes: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileBytes = fileBytes;
  }

  /**
   * Makes sure that `[offset, offset + length)` can be read.
   *
   * @throws {ElfError} `truncated` when the file ends before, `head-too-short` when only the bytes given do.
   */
  need(offset: number, length: number, field: string): void {
    const end = offset + length;
    if (end > this.#fileBytes) {
      throw new ElfError('truncated', field, `ends at byte ${end}, but the file has ${this.#fileBytes}`);
    }
    if (end > this.bytes.length) {
      throw new ElfError(
        'head-too-short',
        field,
        `ends at byte ${end}, but only ${this.bytes.length} were given`,
      );
    }
  }

  u8(offset: number, field: string): number {
    this.need(offset, 1, field);
    return this.#view.getUint8(offset);
  }

  u16(offset: number, field: string): number {
    this.need(offset, 2, field);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number, field: string): number {
    this.need(offset, 4, field);
    return this.#view.getUint32(offset, true);
  }

  /**
   * An unsigned 64-bit field as a number.
   *
   * @throws {ElfError} `bad-value` from 2^53 on: no file position, size or address that this machine has.
   */
  u64(offset: number, field: string): number {
    this.need(offset, 8, field);
    const value = this.#view.getUint32(offset + 4, true) * 2 ** 32 + this.#view.getUint32(offset, true);
    if (value >= EXACT_LIMIT) {
      const hex = this.#view.getBigUint64(offset, true).toString(16);
      throw new ElfError('bad-value', field, `0x${hex} is beyond every address and size supported here`);
    }
    return value;
  }

  /**
   * A signed 64-bit field as a number.
   *
   * @throws {ElfError} `bad-value` when it is 2^53 or more away from zero.
   */
  i64(offset: number, field: string): number {
    this.need(offset, 8, field);
    const value = this.#view.getInt32(offset + 4, true) * 2 ** 32 + this.#view.getUint32(offset, true);
    if (Math.abs(value) >= EXACT_LIMIT) {
      throw new ElfError('bad-value', field, `${this.#view.getBigInt64(offset, true)} is out of range`);
    }
    return value;
  }

  /**
   * A NUL-terminated string that must end before `limit`; bytes outside ASCII are kept one to one.
   *
   * @throws {ElfError} `bad-value` when there is no NUL.
   */
  text(offset: number, limit: number, field: string): string {
    this.need(offset, 1, field);
    const end = this.bytes.subarray(offset, Math.min(limit, this.bytes.length)).indexOf(0);
    if (end < 0) throw new ElfError('bad-value', field, 'the string has no end');
    let text = '';
    for (let i = 0; i < end; i++) text += String.fromCharCode(this.bytes[offset + i]);
    return text;
  }
}
