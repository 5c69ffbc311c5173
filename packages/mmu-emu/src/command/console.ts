import type { Readable, Writable } from 'node:stream';

/** Where received bytes go, as far as there is room: the serial port. */
export interface ByteReceiver {
  readonly room: number;
  receive(bytes: Uint8Array): number;
}

/**
 * Connects a serial port with a pair of streams, with back-pressure in both directions: input waits while the port has
 * no room, and `flush` settles when the output stream has taken what was sent.
 */
export class Console {
  readonly #input: Readable;
  readonly #output: Writable;
  #sent: Uint8Array = new Uint8Array(4096);
  #sentBytes = 0;
  #waiting: Uint8Array | undefined;
  #broken: Error | undefined;

  readonly #onData = (chunk: Uint8Array): void => {
    // The stream is paused until these bytes are gone, so that there is never more than one chunk.
    this.#waiting = chunk;
    this.#input.pause();
  };
  readonly #onError = (error: Error): void => {
    this.#broken ??= error;
  };
  readonly #ignoreError = (): void => undefined;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    input.on('data', this.#onData);
    // Input that fails is input that has ended; the program may go on without it.
    input.on('error', this.#ignoreError);
    output.on('error', this.#onError);
  }

  /** Takes a byte that the program sent. */
  readonly send = (byte: number): void => {
    if (this.#sentBytes === this.#sent.length) {
      const larger = new Uint8Array(this.#sent.length * 2);
      larger.set(this.#sent);
      this.#sent = larger;
    }
    this.#sent[this.#sentBytes++] = byte;
  };

  /** Hands waiting input to the port. */
  feed(port: ByteReceiver): void {
    if (this.#waiting === undefined) return;
    const taken = port.receive(this.#waiting);
    if (taken < this.#waiting.length) {
      this.#waiting = this.#waiting.subarray(taken);
    } else {
      this.#waiting = undefined;
      this.#input.resume();
    }
  }

  /**
   * Writes what was sent since the last time, and waits until the stream can take more.
   *
   * @returns false when nobody reads the output any more.
   */
  async flush(): Promise<boolean> {
    if (this.#sentBytes > 0 && this.#broken === undefined) {
      const bytes = this.#sent.slice(0, this.#sentBytes);
      this.#sentBytes = 0;
      await new Promise<void>((resolve) => {
        this.#output.write(bytes, (error) => {
          if (error) this.#broken ??= error;
          resolve();
        });
      });
    }
    return this.#broken === undefined;
  }

  /** Lets go of the streams; the input is paused, so that it does not keep the process alive. */
  close(): void {
    this.#input.off('data', this.#onData);
    this.#input.off('error', this.#ignoreError);
    this.#output.off('error', this.#onError);
    this.#input.pause();
  }
}
