import type { Readable, Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';

/** Where received bytes go, as far as there is room: the serial port. */
export interface ByteReceiver {
  readonly room: number;
  receive(bytes: Uint8Array): number;
}

/** Ctrl-A: the byte after it is for the terminal itself. */
const ESCAPE = 1;
const QUIT = 'x'.charCodeAt(0);
/** Keys that wait for a program that does not read; those after them are lost. */
const MOST_KEYS = 65_536;

/**
 * Connects a serial port with a pair of streams, with back-pressure in both directions: input waits while the port has
 * no room, and `flush` settles when the output stream has taken what was sent.
 *
 * A terminal becomes raw, so that every key reaches the program; Ctrl-A x ends the run, Ctrl-A Ctrl-A sends one Ctrl-A. Keys are
 * always read, also when the program takes none, so that the escape works.
 */
export class Console {
  readonly #input: Readable;
  readonly #output: Writable;
  #sent: Uint8Array = new Uint8Array(4096);
  #sentBytes = 0;
  #waiting: Uint8Array | undefined;
  #broken: Error | undefined;
  readonly #isTerminal: boolean;
  #afterEscape = false;
  #escaped = false;
  #ended = false;
  #wake: () => void = () => undefined;
  /** Called when the person at the terminal wants to end the run. */
  onEscape: () => void = () => undefined;

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#isTerminal) this.#addKeys(this.#withoutEscapes(chunk));
    else {
      // The stream is paused until these bytes are gone, so that there is never more than one chunk.
      this.#waiting = chunk;
      this.#input.pause();
    }
    this.#wake();
    if (this.#escaped) this.onEscape();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake();
  };
  readonly #onError = (error: Error): void => {
    this.#broken ??= error;
  };
  readonly #onInputError = (): void => this.#onEnd();

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
    this.#isTerminal = isTerminal(input);
    if (this.#isTerminal) (input as ReadStream).setRawMode(true);
    input.on('data', this.#onData);
    // Input that fails is input that has ended; the program may go on without it.
    input.on('error', this.#onInputError);
    input.on('end', this.#onEnd);
    output.on('error', this.#onError);
  }

  /** Whether the person at the terminal wants to end the run. */
  get escaped(): boolean {
    return this.#escaped;
  }

  /** Settles when there is input for the port, or it has ended; undefined when none can come. */
  nextInput(port: ByteReceiver): Promise<void> | undefined {
    if (this.#escaped) return Promise.resolve();
    if (this.#waiting !== undefined) return port.room > 0 ? Promise.resolve() : undefined;
    if (this.#ended) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
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
    this.#input.off('error', this.#onInputError);
    this.#input.off('end', this.#onEnd);
    if (this.#isTerminal) (this.#input as ReadStream).setRawMode(false);
    this.#output.off('error', this.#onError);
    this.#input.pause();
  }

  #addKeys(keys: Uint8Array): void {
    if (keys.length === 0) return;
    const before = this.#waiting ?? new Uint8Array(0);
    const all = new Uint8Array(Math.min(before.length + keys.length, MOST_KEYS));
    all.set(before);
    all.set(keys.subarray(0, all.length - before.length), before.length);
    this.#waiting = all;
  }

  #withoutEscapes(chunk: Uint8Array): Uint8Array {
    const kept: number[] = [];
    for (const byte of chunk) {
      if (this.#afterEscape) {
        this.#afterEscape = false;
        if (byte === QUIT) this.#escaped = true;
        else kept.push(byte);
      } else if (byte === ESCAPE) {
        this.#afterEscape = true;
      } else {
        kept.push(byte);
      }
    }
    return Uint8Array.from(kept);
  }
}

function isTerminal(input: Readable): boolean {
  return 'isTTY' in input && input.isTTY === true && 'setRawMode' in input;
}
