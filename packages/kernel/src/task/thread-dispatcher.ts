import { ZX_EXCEPTION_CHANNEL_TYPE_THREAD } from '../abi/exceptions.js';
import { ZX_OBJ_TYPE_THREAD } from '../abi/object-types.js';
import { ZX_DEFAULT_THREAD_RIGHTS } from '../abi/rights.js';
import { ZX_THREAD_RUNNING, ZX_THREAD_SUSPENDED, ZX_THREAD_TERMINATED } from '../abi/signals.js';
import { ZX_ERR_BAD_STATE, ZX_OK, type Status } from '../abi/status.js';
import { Dispatcher, type Koid } from '../object/dispatcher.js';
import { ObjectName } from '../object/object-name.js';
import { Exceptionate } from './exceptionate.js';
import type { ProcessDispatcher } from './process.js';
import { Thread, type StartRegisters } from './thread.js';

/**
 * A thread as handles see it. The thread itself (`thread`) outlives its handles while it runs; one that was never started ends
 * with its last handle.
 *
 * @see Zircon `zx_thread_create`, `zx_thread_start`, `zx_thread_exit`
 */
export class ThreadDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_THREAD;
  override readonly defaultRights = ZX_DEFAULT_THREAD_RIGHTS;
  override readonly objectName: ObjectName;
  readonly thread: Thread;
  /** Its exceptions, before the process hears of them. */
  readonly exceptions = new Exceptionate(ZX_EXCEPTION_CHANNEL_TYPE_THREAD);
  /** Others in the kernel that refer to it. */
  private keepers = 0;
  private isGone = false;

  constructor(
    readonly process: ProcessDispatcher,
    name: Uint8Array,
  ) {
    super(process.core);
    this.objectName = new ObjectName(name);
    this.thread = new Thread(this, process, process.core.tasks.scheduler);
  }

  override get relatedKoid(): Koid {
    return this.process.koid;
  }

  /**
   * Starts it. Its process is running, or is being started with it.
   *
   * @returns ZX_OK; ZX_ERR_BAD_STATE: it was started before, or has ended
   */
  start(registers: StartRegisters): Status {
    if (this.thread.state !== 'new') return ZX_ERR_BAD_STATE;
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'thread-start',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: this.process.koid,
        thread: this.koid,
        name: this.objectName.text,
      });
    }
    this.thread.start(registers);
    this.updateSignals(0, ZX_THREAD_RUNNING);
    return ZX_OK;
  }

  /** Something refers to it, and to its process, besides handles. */
  keep(): void {
    this.keepers += 1;
    this.process.keep();
  }

  /** That no longer does. */
  letGo(): void {
    this.keepers -= 1;
    this.destroyIfUnused();
    this.process.letGo();
  }

  /** The thread has ended. */
  terminated(): void {
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'thread-end',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: this.process.koid,
        thread: this.koid,
      });
    }
    this.updateSignals(ZX_THREAD_RUNNING | ZX_THREAD_SUSPENDED, ZX_THREAD_TERMINATED);
    this.exceptions.shutdown();
    this.destroyIfUnused();
  }

  protected override onZeroHandles(): void {
    if (this.thread.state === 'new') this.thread.kill();
    else this.destroyIfUnused();
  }

  private destroyIfUnused(): void {
    if (this.thread.state !== 'dead' || this.handleCount > 0 || this.keepers > 0 || this.isGone) return;
    this.isGone = true;
    this.destroyed();
  }
}
