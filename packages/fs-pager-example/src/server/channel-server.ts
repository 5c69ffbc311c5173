import {
  ZX_CHANNEL_PEER_CLOSED,
  ZX_CHANNEL_READABLE,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
  type HostProcess,
} from '@faultline/kernel';
import { FaultlineError } from '../faultline-error.js';

/** What goes back to a guest. */
export interface Reply {
  readonly bytes: Uint8Array;
  /** They leave this process with the reply. */
  readonly handles?: readonly number[];
}

/** The other side of a guest's channel. */
export interface ChannelSession {
  /** An answer may never come, like a line of input: guests that sleep need not wait for it even where time is virtual. */
  readonly waitsForInput?: boolean;
  /**
   * Answers one message. The next one of the same channel is taken when this has settled. It neither throws nor rejects.
   *
   * @param handles belong to the session now
   * @returns null: no reply
   */
  handle(message: Uint8Array, handles: readonly number[]): Reply | null | Promise<Reply | null>;
  /** The channel is gone. */
  closed(): void;
}

interface Connection {
  readonly key: bigint;
  readonly channel: number;
  readonly session: ChannelSession;
  busy: boolean;
  open: boolean;
}

/** Messages of one channel taken in a row at most, so that no guest keeps the others out. */
const TURN = 16;

/**
 * Serves channels: takes messages in order, one at a time for each channel, and sends the replies. Everything happens in callbacks of the kernel's loop; a
 * promise is awaited only where a session returns one, and holds the kernel's end of waiting meanwhile.
 */
export class ChannelServer {
  private readonly port: number;
  private readonly connections = new Map<bigint, Connection>();
  private readonly stopListening: () => void;
  private nextKey = 1n;
  private closedDown = false;

  /** @throws {FaultlineError} `kernel` */
  constructor(private readonly host: HostProcess) {
    const { status, handle } = host.portCreate(0);
    if (status !== ZX_OK) throw new FaultlineError('kernel', `zx_port_create: ${status}`, { status });
    this.port = handle;
    this.stopListening = host.onPortPacket(this.port, () => this.takePackets());
  }

  /** Channels being served. */
  get size(): number {
    return this.connections.size;
  }

  /** Serves a channel until its peer closes it. @param channel a handle that belongs to the server from now on */
  serve(channel: number, session: ChannelSession): void {
    const connection = { key: this.nextKey++, channel, session, busy: false, open: true };
    this.connections.set(connection.key, connection);
    this.watch(connection);
  }

  /** Closes every channel. */
  close(): void {
    if (this.closedDown) return;
    this.closedDown = true;
    this.stopListening();
    for (const connection of [...this.connections.values()]) this.drop(connection);
    this.host.handleClose(this.port);
  }

  private takePackets(): void {
    for (;;) {
      const { packet } = this.host.portTryWait(this.port);
      if (packet === null) return;
      const connection = this.connections.get(packet.key);
      if (connection !== undefined) this.takeMessages(connection);
    }
  }

  private takeMessages(connection: Connection): void {
    for (let taken = 0; taken < TURN; taken++) {
      if (connection.busy || !connection.open) return;
      const { status, bytes, handles } = this.host.channelRead(connection.channel, 0);
      if (status === ZX_ERR_SHOULD_WAIT) break;
      if (status !== ZX_OK) {
        this.drop(connection);
        return;
      }
      const reply = connection.session.handle(bytes, handles);
      if (reply instanceof Promise) {
        this.replyLater(connection, reply);
        return;
      }
      this.send(connection, reply);
    }
    if (connection.open) this.watch(connection);
  }

  private replyLater(connection: Connection, reply: Promise<Reply | null>): void {
    connection.busy = true;
    const release = this.host.hold({ time: connection.session.waitsForInput === true ? 'runs' : 'stops' });
    void reply.then((settled) => {
      connection.busy = false;
      this.send(connection, settled);
      // Taken from the port, like every message: this promise may have settled inside anything.
      if (connection.open) this.watch(connection);
      release();
    });
  }

  private send(connection: Connection, reply: Reply | null): void {
    if (reply === null) return;
    const { bytes, handles = [] } = reply;
    if (!connection.open) {
      for (const handle of handles) this.host.handleClose(handle);
      return;
    }
    // It fails when the guest has gone, or takes no replies though thousands lie there: either way nobody is left to talk to.
    if (this.host.channelWrite(connection.channel, 0, bytes, handles).status !== ZX_OK) this.drop(connection);
  }

  private watch(connection: Connection): void {
    const signals = ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED;
    const { status } = this.host.objectWaitAsync(connection.channel, this.port, connection.key, signals, 0);
    if (status !== ZX_OK) this.drop(connection);
  }

  private drop(connection: Connection): void {
    if (!connection.open) return;
    connection.open = false;
    this.connections.delete(connection.key);
    this.host.handleClose(connection.channel);
    connection.session.closed();
  }
}
