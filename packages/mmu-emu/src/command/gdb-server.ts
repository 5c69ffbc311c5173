import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { GdbSession } from '@faultline/mmu-emu';
import type { Debugger, ExitReason } from '@faultline/mmu-emu';

/** A port that cannot be listened on; the message is for the person who named it. */
export class GdbPortError extends Error {
  override readonly name = 'GdbPortError';
}

const HOST = '127.0.0.1';
/** What a client that is not served is answered, as an error with a text. */
const BUSY = '$E.another debugger is connected to this machine#';
const KEEPS_STATUS = 0xff;

/**
 * Listens for GDB on a port of this computer, and runs a machine as the client says.
 *
 * One client at a time: another is told so and sent away. The machine stands still until the first one has come and says
 * continue; when a client detaches or goes away, the machine runs on, and another may come and stop it.
 */
export class GdbServer {
  readonly #debug: Debugger;
  readonly #server: Server;
  readonly #reset: () => void;
  readonly #stderr: Writable;
  #session: GdbSession | undefined;
  #socket: Socket | undefined;
  #hasServed = false;
  #killed = false;
  #retired = 0;
  #wake: () => void = () => undefined;

  /**
   * @param port 0 for any that is free. @param reset for `monitor reset`, see `GdbSession`.
   * @param stderr is told of the port, and of clients that are sent away.
   * @throws {GdbPortError}
   */
  static async listen(
    debug: Debugger,
    port: number,
    reset: () => void,
    stderr: Writable,
  ): Promise<GdbServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(new GdbPortError(`cannot listen on port ${port} for a debugger: ${error.message}`));
      });
      server.listen(port, HOST, resolve);
    });
    return new GdbServer(debug, server, reset, stderr);
  }

  private constructor(debug: Debugger, server: Server, reset: () => void, stderr: Writable) {
    this.#debug = debug;
    this.#server = server;
    this.#reset = reset;
    this.#stderr = stderr;
    server.on('connection', (socket) => this.#connected(socket));
    const { port } = server.address() as AddressInfo;
    stderr.write(`mmu-emu: waiting for a debugger: target remote ${HOST}:${port}\n`);
  }

  /** Whether the machine has to stand still. */
  get holds(): boolean {
    if (this.#session === undefined) return !this.#hasServed;
    return this.#session.state === 'stopped';
  }

  /** Whether a client wants the command to end. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Whether a client may still do something that ends a wait of the program. */
  get attended(): boolean {
    return this.#session !== undefined;
  }

  /** Instructions that the last `run` retired. */
  get retired(): number {
    return this.#retired;
  }

  /** Lets the machine run; only when nothing holds it. */
  run(budget: number): ExitReason {
    const session = this.#session;
    if (session?.state === 'running') {
      const reason = session.run(budget);
      this.#retired = session.retired;
      return reason;
    }
    const { machine } = this.#debug;
    const reason = machine.run(budget);
    this.#retired = machine.retired;
    return reason;
  }

  /** Settles when a client has come, gone, or said something. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Ends a wait for a change. */
  wake(): void {
    this.#wake();
  }

  /** Stops listening. @param status of the command, which a client that is connected is told. */
  async close(status: number): Promise<void> {
    this.#session?.end(status & KEEPS_STATUS);
    this.#server.close();
    const socket = this.#socket;
    if (socket === undefined) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end();
      socket.resume();
      // Nothing is owed to a client that does not hang up.
      setTimeout(() => socket.destroy(), 1000).unref();
    });
  }

  #connected(socket: Socket): void {
    // A client that vanishes is one that is gone.
    socket.on('error', () => socket.destroy());
    if (this.#socket !== undefined) {
      this.#stderr.write('mmu-emu: another debugger was sent away: one is connected\n');
      const sum = [...BUSY.slice(1, -1)].reduce((total, character) => total + character.charCodeAt(0), 0);
      socket.end(`+${BUSY}${(sum & 0xff).toString(16).padStart(2, '0')}`);
      socket.resume();
      return;
    }
    socket.setNoDelay(true);
    const send = (bytes: Uint8Array): void => void (socket.writable && socket.write(bytes));
    const session = new GdbSession(this.#debug, send, this.#reset);
    this.#socket = socket;
    this.#session = session;
    this.#hasServed = true;
    socket.on('data', (bytes: Buffer) => {
      session.receive(bytes);
      if (session.state === 'killed') this.#killed = true;
      if (session.state === 'detached' || session.state === 'killed') this.#left(session, socket);
      this.#wake();
    });
    socket.on('close', () => {
      this.#left(session, socket);
      this.#wake();
    });
    this.#wake();
  }

  #left(session: GdbSession, socket: Socket): void {
    if (this.#session !== session) return;
    session.close();
    this.#session = undefined;
    this.#socket = undefined;
    socket.end();
  }
}
