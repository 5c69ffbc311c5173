/** A client of the command's port for debuggers, for tests. */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { encodePacket, PacketReader } from '../../src/debug/gdb/packets.js';

/** A client that says what a test wants, without acknowledging anything. */
export class RawClient {
  readonly #socket: Socket;
  readonly #reader = new PacketReader(0x10000);
  readonly #replies: string[] = [];
  #heard = '';
  #wake: () => void = () => undefined;
  #closed = false;

  static async of(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString('latin1');
      for (const arrival of this.#reader.read(bytes)) {
        if (arrival.kind === 'packet') this.#replies.push(Buffer.from(arrival.payload).toString('latin1'));
      }
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  async raw(bytes: Uint8Array): Promise<void> {
    await new Promise((resolve) => this.#socket.write(bytes, resolve));
  }

  async say(packet: string): Promise<void> {
    await this.raw(encodePacket(Buffer.from(packet, 'latin1')));
  }

  async reply(): Promise<string> {
    while (this.#replies.length === 0) {
      if (this.#closed) throw new Error(`the connection was closed after ${this.#heard}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#replies.shift() ?? '';
  }

  async ask(packet: string): Promise<string> {
    await this.say(packet);
    return this.reply();
  }

  /** Waits for the end of the connection; gives all that was heard. */
  async ended(): Promise<string> {
    while (!this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#heard;
  }
}
