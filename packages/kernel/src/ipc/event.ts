import { ZX_OBJ_TYPE_EVENT, ZX_OBJ_TYPE_EVENTPAIR } from '../abi/object-types.js';
import { ZX_DEFAULT_EVENT_RIGHTS, ZX_DEFAULT_EVENTPAIR_RIGHTS } from '../abi/rights.js';
import {
  ZX_EVENTPAIR_PEER_CLOSED,
  ZX_EVENTPAIR_SIGNALED,
  ZX_EVENT_SIGNALED,
  ZX_USER_SIGNAL_ALL,
} from '../abi/signals.js';
import type { KernelCore } from '../kernel-core.js';
import { Dispatcher } from '../object/dispatcher.js';
import { PeeredDispatcher } from '../object/peered-dispatcher.js';

/** Nothing but signals that its users set. @see Zircon `zx_event_create` */
export class EventDispatcher extends Dispatcher {
  override readonly type = ZX_OBJ_TYPE_EVENT;
  override readonly defaultRights = ZX_DEFAULT_EVENT_RIGHTS;

  constructor(core: KernelCore) {
    super(core);
  }

  override get userSignals(): number {
    return (ZX_USER_SIGNAL_ALL | ZX_EVENT_SIGNALED) >>> 0;
  }

  protected override onZeroHandles(): void {
    this.destroyed();
  }
}

/** One of two events whose users can also set each other's signals. @see Zircon `zx_eventpair_create` */
export class EventPairDispatcher extends PeeredDispatcher {
  override readonly type = ZX_OBJ_TYPE_EVENTPAIR;
  override readonly defaultRights = ZX_DEFAULT_EVENTPAIR_RIGHTS;

  /** Makes both ends. */
  static create(core: KernelCore): [EventPairDispatcher, EventPairDispatcher] {
    const pair: [EventPairDispatcher, EventPairDispatcher] = [
      new EventPairDispatcher(core),
      new EventPairDispatcher(core),
    ];
    PeeredDispatcher.join(...pair);
    return pair;
  }

  /** One end alone; `create` makes two that belong together. */
  constructor(core: KernelCore) {
    super(core);
  }

  override get userSignals(): number {
    return (ZX_USER_SIGNAL_ALL | ZX_EVENTPAIR_SIGNALED) >>> 0;
  }

  protected override onPeerClosed(): void {
    this.updateSignals(0, ZX_EVENTPAIR_PEER_CLOSED);
  }
}
