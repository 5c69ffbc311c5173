import type { PortDispatcher } from '../ipc/port.js';
import type { HostTask, HostWork } from './host-work.js';

/** A callback for packets on a port, posted when one is queued and made at the next safe point. */
export class PortListener implements HostTask {
  private posted = false;

  private constructor(
    private readonly port: PortDispatcher,
    private readonly work: HostWork,
    private callback: (() => void) | null,
  ) {}

  /** @returns ends the listening */
  static attach(port: PortDispatcher, work: HostWork, callback: () => void): () => void {
    if (port.onReadable !== null) throw new Error(`port ${port.koid} has a listener already`);
    const listener = new PortListener(port, work, callback);
    const onReadable = (): void => listener.post();
    port.onReadable = onReadable;
    if (port.length > 0) listener.post();
    return () => {
      listener.callback = null;
      if (port.onReadable === onReadable) port.onReadable = null;
    };
  }

  perform(): void {
    this.posted = false;
    const before = this.port.length;
    if (before === 0) return;
    this.callback?.();
    // More may have come while the callback was busy; when it takes nothing, it does not want any.
    if (this.port.length > 0 && this.port.length < before) this.post();
  }

  private post(): void {
    if (this.posted) return;
    this.posted = true;
    this.work.post(this);
  }
}
