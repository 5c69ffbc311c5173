const INITIAL_BYTES = 256;

/** Takes the state of one part of a machine, value by value; a `StateReader` gives the same values in the same order. */
export class StateWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** An integer from 0 to 2^32 - 1. */
  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  /** An integer from 0 to 2^64 - 1. */
  u64(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** Any number. */
  number(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
  }

  boolean(value: boolean): void {
    this.u32(value ? 1 : 0);
  }

  text(value: string): void {
    this.bytes(new TextEncoder().encode(value));
  }

  /** Bytes, copied, with their number. */
  bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Words, copied, without their number. */
  words(words: Iterable<number>): void {
    for (const word of words) this.u32(word);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room, which may take a new array. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
