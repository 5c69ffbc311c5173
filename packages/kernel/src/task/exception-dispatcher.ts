import * as excp from '../abi/exceptions.js';
import { ZX_OBJ_TYPE_EXCEPTION } from '../abi/object-types.js';
import { ZX_EXCEPTION_STATE_TRY_NEXT, ZX_EXCEPTION_STRATEGY_FIRST_CHANCE } from '../abi/properties.js';
import { ZX_DEFAULT_EXCEPTION_RIGHTS, type Rights } from '../abi/rights.js';
import { ZX_OK } from '../abi/status.js';
import { Dispatcher } from '../object/dispatcher.js';
import { Handle } from '../object/handle-table.js';
import { describeException, type ExceptionReport } from './exception-report.js';
import type { Exceptionate } from './exceptionate.js';
import type { ThreadDispatcher } from './thread-dispatcher.js';
import type { Blocker, Waiter } from './waiter.js';

/**
 * An exception that a thread is in, for those who handle it.
 *
 * Its life:
 *  1. made when the thread takes it; nobody has a handle;
 *  2. `offer`: a handle goes to a handler, over its channel; the thread blocks on the exception;
 *  3. the handler's handle is closed, or the handler goes: the thread is woken, and looks at `state`; with ZX_EXCEPTION_STATE_TRY_NEXT it goes to
 *     the next handler (2);
 *  4. `end`: it is over, or the thread was killed. Handles that are still there lead to the thread, and change nothing.
 */
export class ExceptionDispatcher extends Dispatcher implements Blocker {
  override readonly type = ZX_OBJ_TYPE_EXCEPTION;
  override readonly defaultRights = ZX_DEFAULT_EXCEPTION_RIGHTS;
  readonly kind = 'exception';
  readonly deadline = Infinity;
  /** Exceptions and suspensions know nothing of each other: it is handled first. */
  readonly whenSuspended = 'keep-waiting';
  /** `ZX_EXCEPTION_STATE_*`: what the handler wants when it closes its handle. */
  state = ZX_EXCEPTION_STATE_TRY_NEXT;
  /** `ZX_EXCEPTION_STRATEGY_*`: whether the debugger wants it again after the process's own handlers. */
  strategy = ZX_EXCEPTION_STRATEGY_FIRST_CHANCE;
  /** Who has it now. */
  handler: Exceptionate | null = null;
  /** Rights of handles to its thread and process, for who had it last. */
  threadRights: Rights = 0;
  processRights: Rights = 0;

  private waiter: Waiter | null = null;
  private over = false;
  private isGone = false;

  constructor(
    readonly thread: ThreadDispatcher,
    readonly report: ExceptionReport,
  ) {
    super(thread.core);
    thread.keep();
  }

  /** Gives a handle to a handler. @returns false: it has none to give it to */
  offer(handler: Exceptionate): boolean {
    if (!handler.isBound) return false;
    this.state = ZX_EXCEPTION_STATE_TRY_NEXT;
    this.handler = handler;
    this.threadRights = handler.threadRights;
    this.processRights = handler.processRights;
    const view = new DataView(new ArrayBuffer(excp.EXCEPTION_INFO_BYTES));
    view.setBigUint64(excp.EXCEPTION_INFO_PID, BigInt(this.thread.process.koid), true);
    view.setBigUint64(excp.EXCEPTION_INFO_TID, BigInt(this.thread.koid), true);
    view.setUint32(excp.EXCEPTION_INFO_TYPE, this.report.type, true);
    return handler.send(new Uint8Array(view.buffer), new Handle(this, this.defaultRights));
  }

  /** Nobody is asked any more. */
  end(): void {
    this.over = true;
    this.handler = null;
    this.destroyIfUnused();
  }

  subscribe(waiter: Waiter): void {
    this.waiter = waiter;
    if (this.handleCount === 0) waiter.wake(ZX_OK);
  }

  unsubscribe(): void {
    this.waiter = null;
  }

  describe(): string {
    return `a handler of its exception: ${describeException(this.report)}`;
  }

  protected override onZeroHandles(): void {
    this.waiter?.wake(ZX_OK);
    this.destroyIfUnused();
  }

  private destroyIfUnused(): void {
    if (!this.over || this.handleCount > 0 || this.isGone) return;
    this.isGone = true;
    this.thread.letGo();
    this.destroyed();
  }
}
