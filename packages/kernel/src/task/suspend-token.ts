import { ZX_OBJ_TYPE_SUSPEND_TOKEN } from '../abi/object-types.js';
import { ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS } from '../abi/rights.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';

/** What can be kept from running. */
export interface Suspendable {
  unsuspend(): void;
}

/**
 * A reason why a thread, or a process, does not run: it goes on when the last handle of its last token is closed.
 *
 * @see Zircon `zx_task_suspend_token`
 */
export class SuspendTokenDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_SUSPEND_TOKEN;
  override readonly defaultRights = ZX_DEFAULT_SUSPEND_TOKEN_RIGHTS;

  /** @param task suspended, on behalf of this token */
  constructor(
    core: KernelCore,
    private readonly task: Suspendable,
  ) {
    super(core);
  }

  protected override onZeroHandles(): void {
    this.task.unsuspend();
    this.destroyed();
  }
}
