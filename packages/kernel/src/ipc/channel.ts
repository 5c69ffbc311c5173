import { ZX_OBJ_TYPE_CHANNEL } from '../abi/object-types.js';
import { CHANNEL_CALL_TXID_MIN } from '../abi/channel.js';
import { ZX_DEFAULT_CHANNEL_RIGHTS } from '../abi/rights.js';
import {
  ZX_CHANNEL_PEER_CLOSED,
  ZX_CHANNEL_READABLE,
  ZX_CHANNEL_WRITABLE,
  ZX_USER_SIGNAL_ALL,
} from '../abi/signals.js';
import {
  ZX_ERR_CANCELED,
  ZX_ERR_NO_MEMORY,
  ZX_ERR_PEER_CLOSED,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import type { KernelCore } from '../kernel-core.js';
import type { Handle } from '../object/handle-table.js';
import { PeeredDispatcher } from '../object/peered-dispatcher.js';
import type { Blocker, Operation, Waiter } from '../task/waiter.js';

/** A message on its way: it owns its bytes and its handles. */
export class Message {
  constructor(
    readonly bytes: Uint8Array,
    readonly handles: readonly Handle[],
  ) {}

  /** The first four bytes; 0 when there are fewer. */
  get txid(): number {
    return this.bytes.length < 4
      ? 0
      : new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(0, true);
  }

  set txid(value: number) {
    new DataView(this.bytes.buffer, this.bytes.byteOffset).setUint32(0, value, true);
  }

  /** Releases the handles: nobody will get the message. */
  discard(): void {
    for (const handle of this.handles) handle.release();
  }
}

/** What a message and each of its handles take besides its bytes, about. */
const MESSAGE_WEIGHT = 256;
const HANDLE_WEIGHT = 64;

/**
 * One end of a channel: messages go from each end to the other, in order, with bytes and handles.
 *
 * The life of a message:
 *  1. a writer makes it, and takes its handles out of its own table: from here on they are consumed, also when the write fails;
 *  2. `write` puts it into the other end's queue, or hands it to the call there that waits for its txid;
 *  3. a reader takes it (`read`) and owns it; what it cannot deliver, it discards;
 *  4. or the end it lies at is closed, and it is discarded.
 *
 * Each direction holds `limits.channelMessages` messages and `limits.channelBytes` bytes at most; then writing is ZX_ERR_SHOULD_WAIT. All
 * together hold `limits.messageBytes` at most; then it is ZX_ERR_NO_MEMORY.
 * (Zircon raises a policy exception at its bound; a status can be handled.) Two ends that hold each other's handles in their
 * queues, and in nothing else, are never closed, as on Zircon; `limits.objects` bounds what can be lost so.
 *
 * @see Zircon `zx_channel_create`, `zx_channel_write`, `zx_channel_read`, `zx_channel_call`
 */
export class ChannelDispatcher extends PeeredDispatcher {
  override readonly type = ZX_OBJ_TYPE_CHANNEL;
  override readonly defaultRights = ZX_DEFAULT_CHANNEL_RIGHTS;
  private queue: Message[] = [];
  /** Messages before this index are taken. */
  private first = 0;
  private queuedBytes = 0;
  private closed = false;
  private readonly calls = new Map<number, ChannelCall>();
  private nextTxid = CHANNEL_CALL_TXID_MIN;

  /** Makes both ends. */
  static create(core: KernelCore): [ChannelDispatcher, ChannelDispatcher] {
    const ends: [ChannelDispatcher, ChannelDispatcher] = [
      new ChannelDispatcher(core),
      new ChannelDispatcher(core),
    ];
    PeeredDispatcher.join(...ends);
    return ends;
  }

  /** One end alone; `create` makes two that belong together. */
  constructor(core: KernelCore) {
    super(core);
    this.signals = ZX_CHANNEL_WRITABLE;
  }

  override get userSignals(): number {
    return ZX_USER_SIGNAL_ALL;
  }

  /** Messages that can be read here. */
  get length(): number {
    return this.queue.length - this.first;
  }

  /**
   * Sends a message to the other end.
   *
   * @returns ZX_OK, and the message is the channel's; ZX_ERR_PEER_CLOSED, ZX_ERR_SHOULD_WAIT or ZX_ERR_NO_MEMORY, and it is still the caller's
   */
  write(message: Message): Status {
    const peer = this.peer as ChannelDispatcher | null;
    return peer === null ? ZX_ERR_PEER_CLOSED : peer.receive(message);
  }

  /** The oldest message, which stays; ZX_ERR_SHOULD_WAIT or ZX_ERR_PEER_CLOSED when there is none. */
  peek(): Message | Status {
    return this.queue[this.first] ?? (this.peer === null ? ZX_ERR_PEER_CLOSED : ZX_ERR_SHOULD_WAIT);
  }

  /** Takes the oldest message, which `peek` has seen. */
  take(): Message {
    const message = this.queue[this.first];
    if (message === undefined) throw new Error('there is no message to take');
    this.first += 1;
    this.queuedBytes -= message.bytes.length;
    this.core.totals.messageBytes -= weightOf(message);
    if (this.first === this.queue.length) {
      this.queue = [];
      this.first = 0;
      this.updateSignals(ZX_CHANNEL_READABLE, 0);
    } else if (this.first >= 32 && 2 * this.first >= this.queue.length) {
      this.queue = this.queue.slice(this.first);
      this.first = 0;
    }
    return message;
  }

  /**
   * Sends a message with a fresh txid and waits for the one that answers with the same.
   *
   * @param message at least 4 bytes; its first four are overwritten
   * @param deadline nanoseconds; already passed: sends, and does not wait
   * @param answered gets the answer, and owns it
   * @returns ZX_OK; ZX_ERR_TIMED_OUT; ZX_ERR_PEER_CLOSED; ZX_ERR_SHOULD_WAIT: too much is queued there; ZX_ERR_NO_MEMORY: too much is queued everywhere; ZX_ERR_CANCELED:
   * this end's last handle was closed. On errors of sending the message is discarded.
   */
  *call(message: Message, deadline: number, answered: (answer: Message) => void): Operation {
    const txid = this.freshTxid();
    message.txid = txid;
    const call = new ChannelCall(this.koid, deadline);
    this.calls.set(txid, call);
    try {
      const sent = this.write(message);
      if (sent !== ZX_OK) {
        message.discard();
        return sent;
      }
      // The answer can be there already only if writing ran the other side; it never does, but the order is safe.
      const status = call.answer === null ? yield call : ZX_OK;
      if (call.answer === null) return status;
      const { answer } = call;
      call.answer = null;
      answered(answer);
      return ZX_OK;
    } finally {
      this.calls.delete(txid);
      // The caller was killed between the answer and its turn.
      call.answer?.discard();
    }
  }

  protected override onPeerClosed(): void {
    this.updateSignals(ZX_CHANNEL_WRITABLE, ZX_CHANNEL_PEER_CLOSED);
    for (const call of [...this.calls.values()]) call.finish(ZX_ERR_PEER_CLOSED);
  }

  protected override onZeroHandles(): void {
    this.closed = true;
    for (const call of [...this.calls.values()]) call.finish(ZX_ERR_CANCELED);
    const messages = this.queue;
    const { first } = this;
    this.queue = [];
    this.first = 0;
    this.queuedBytes = 0;
    super.onZeroHandles();
    for (let index = first; index < messages.length; index += 1) {
      this.core.totals.messageBytes -= weightOf(messages[index]);
      messages[index].discard();
    }
  }

  private receive(message: Message): Status {
    if (this.closed) return ZX_ERR_PEER_CLOSED;
    const call = this.calls.size === 0 ? undefined : this.calls.get(message.txid);
    if (call !== undefined && call.isOpen) {
      call.answer = message;
      call.finish(ZX_OK);
      return ZX_OK;
    }
    const { limits, totals } = this.core;
    const { channelMessages, channelBytes } = limits;
    if (this.length >= channelMessages || this.queuedBytes + message.bytes.length > channelBytes) {
      return ZX_ERR_SHOULD_WAIT;
    }
    const weight = weightOf(message);
    if (totals.messageBytes + weight > limits.messageBytes) return ZX_ERR_NO_MEMORY;
    totals.messageBytes += weight;
    this.queue.push(message);
    this.queuedBytes += message.bytes.length;
    this.updateSignals(0, ZX_CHANNEL_READABLE);
    return ZX_OK;
  }

  private freshTxid(): number {
    for (;;) {
      const txid = this.nextTxid;
      this.nextTxid = txid === 0xffff_ffff ? CHANNEL_CALL_TXID_MIN : txid + 1;
      if (!this.calls.has(txid)) return txid;
    }
  }
}

/** What a message counts among those of all channels. */
function weightOf(message: Message): number {
  return message.bytes.length + MESSAGE_WEIGHT + message.handles.length * HANDLE_WEIGHT;
}

/** A call that waits for its answer. */
class ChannelCall implements Blocker {
  readonly kind = 'channel';
  /** The request is sent: it must not be sent again. */
  readonly whenSuspended = 'stand-by';
  answer: Message | null = null;
  private waiter: Waiter | null = null;
  private ended = false;

  constructor(
    private readonly channel: number,
    readonly deadline: number,
  ) {}

  /** It takes an answer: it waits, and nothing has ended it. */
  get isOpen(): boolean {
    return this.answer === null && !this.ended;
  }

  finish(status: Status): void {
    if (this.waiter === null) return;
    this.waiter.wake(status);
  }

  subscribe(waiter: Waiter): void {
    this.waiter = waiter;
  }

  unsubscribe(): void {
    this.waiter = null;
    this.ended = true;
  }

  describe(): string {
    return `an answer on channel ${this.channel}`;
  }
}
