import { SnapshotError } from './snapshot-error.js';

/**
 * Gives the state of one part of a machine back. Bytes may come from anywhere: a value that is out of the range asked for,
 * or not there, throws a `SnapshotError` of the code `corrupted`.
 */
export class StateReader {
  readonly #part: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** @param part whose state it is, for messages. */
  constructor(part: string, bytes: Uint8Array) {
    this.#part = part;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** An integer from 0 to `most`. */
  u32(most = 0xffff_ffff): number {
    const value = this.#view.getUint32(this.#take(4), true);
    return value <= most ? value : this.fail(`${value} is more than ${most}`);
  }

  /** An integer from 0 to 2^64 - 1. */
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** An integer from `least` to `most`. */
  integer(least: number, most: number): number {
    const value = this.number();
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      this.fail(`${value} is no integer from ${least} to ${most}`);
    }
    return value;
  }

  /** Any number but NaN. */
  number(): number {
    const value = this.#view.getFloat64(this.#take(8), true);
    return Number.isNaN(value) ? this.fail('a number is missing') : value;
  }

  boolean(): boolean {
    return this.u32(1) === 1;
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** A view of bytes, at most `most` of them; copy what you keep. */
  bytes(most = 0xffff_ffff): Uint8Array {
    const count = this.u32(most);
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Fills an array with words. */
  words(into: Uint32Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.u32();
  }

  /** All has been read. */
  end(): void {
    if (this.#at !== this.#bytes.length) this.fail('there is more than was expected');
  }

  /** @throws {SnapshotError} `corrupted`, with what is wrong. */
  fail(problem: string): never {
    throw new SnapshotError('corrupted', `the snapshot's state of ${this.#part} is corrupted: ${problem}`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) this.fail('it ends too early');
    this.#at = at + count;
    return at;
  }
}
