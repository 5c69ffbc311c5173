import { ZX_OBJ_TYPE_DEBUGLOG } from '../abi/object-types.js';
import { ZX_DEFAULT_DEBUGLOG_RIGHTS, ZX_RIGHT_READ } from '../abi/rights.js';
import { ZX_LOG_READABLE, ZX_LOG_WRITABLE, ZX_USER_SIGNAL_ALL } from '../abi/signals.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import type { LogRecord } from './debug-log.js';

/**
 * Access to the kernel's debug log. A readable one reads from the oldest record on, at its own pace; records that it is too
 * slow for are gone, and their sequence numbers missing.
 *
 * @see Zircon `zx_debuglog_create`
 */
export class DebugLogDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_DEBUGLOG;
  override readonly defaultRights: number;
  private cursor = 0;
  private readonly stopListening: (() => void) | null;

  constructor(core: KernelCore, readable: boolean) {
    super(core);
    this.defaultRights = ZX_DEFAULT_DEBUGLOG_RIGHTS | (readable ? ZX_RIGHT_READ : 0);
    this.signals = ZX_LOG_WRITABLE;
    if (readable && core.debugLog.end > core.debugLog.start) this.signals |= ZX_LOG_READABLE;
    this.stopListening = readable ? core.debugLog.listen(() => this.updateSignals(0, ZX_LOG_READABLE)) : null;
  }

  override get userSignals(): number {
    return ZX_USER_SIGNAL_ALL;
  }

  /** Takes the next record; undefined when there is none. */
  read(): LogRecord | undefined {
    const record = this.core.debugLog.read(this.cursor);
    if (record !== undefined) this.cursor = record.sequence + 1;
    if (this.cursor >= this.core.debugLog.end) this.updateSignals(ZX_LOG_READABLE, 0);
    return record;
  }

  protected override onZeroHandles(): void {
    this.stopListening?.();
    this.destroyed();
  }
}
