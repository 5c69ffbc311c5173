import { ZX_CHANNEL_PEER_CLOSED } from '../abi/signals.js';
import { ZX_RIGHT_READ, ZX_RIGHT_TRANSFER, ZX_RIGHT_WAIT, type Rights } from '../abi/rights.js';
import { ZX_ERR_ALREADY_BOUND, ZX_ERR_BAD_STATE, ZX_OK, type Status } from '../abi/status.js';
import { ChannelDispatcher, Message } from '../ipc/channel.js';
import type { KernelCore } from '../kernel-core.js';
import type { SignalObserver } from '../object/dispatcher.js';
import { Handle } from '../object/handle-table.js';

/** Who hears of exceptions can read them, wait for them, and pass the channel on. */
const USER_RIGHTS = ZX_RIGHT_TRANSFER | ZX_RIGHT_WAIT | ZX_RIGHT_READ;

/**
 * Where the exceptions of a task go: the kernel's end of an exception channel, while there is one.
 *
 *  1. unbound: exceptions pass by;
 *  2. `bind`: the other end is with a handler, who gets a message for each exception;
 *  3. the handler closes its end: unbound again;
 *  4. `shutdown`, with the task: the handler's end sees ZX_CHANNEL_PEER_CLOSED, and nobody can bind again.
 *
 * @see Zircon "Exception handling", `zx_task_create_exception_channel`
 */
export class Exceptionate implements SignalObserver {
  /** Rights of the handles that `zx_exception_get_thread` and `zx_exception_get_process` give; 0: none are given. */
  threadRights: Rights = 0;
  processRights: Rights = 0;
  private end: Handle | null = null;
  private isShut = false;

  /** @param type `ZX_EXCEPTION_CHANNEL_TYPE_*` */
  constructor(readonly type: number) {}

  get isBound(): boolean {
    return this.end !== null;
  }

  /**
   * Makes the channel.
   *
   * @returns the handler's end; ZX_ERR_ALREADY_BOUND: there is one; ZX_ERR_BAD_STATE: the task has ended
   */
  bind(core: KernelCore, threadRights: Rights, processRights: Rights): Handle | Status {
    if (this.isShut) return ZX_ERR_BAD_STATE;
    if (this.end !== null) return ZX_ERR_ALREADY_BOUND;
    const [own, others] = ChannelDispatcher.create(core);
    this.end = new Handle(own, 0);
    this.threadRights = threadRights;
    this.processRights = processRights;
    own.addObserver(this);
    return new Handle(others, USER_RIGHTS);
  }

  /** Sends a message with one handle, which is consumed. @returns false: nobody will get it */
  send(bytes: Uint8Array, handle: Handle): boolean {
    const message = new Message(bytes, [handle]);
    const channel = this.end?.dispatcher as ChannelDispatcher | undefined;
    if (channel !== undefined && channel.write(message) === ZX_OK) return true;
    message.discard();
    return false;
  }

  /** The task has ended. */
  shutdown(): void {
    this.isShut = true;
    this.unbind();
  }

  onSignals(signals: number): boolean {
    if ((signals & ZX_CHANNEL_PEER_CLOSED) === 0) return false;
    this.unbind();
    return true;
  }

  onHandleClosed(): boolean {
    return false;
  }

  private unbind(): void {
    const { end } = this;
    this.end = null;
    end?.dispatcher.removeObserver(this);
    end?.release();
  }
}
