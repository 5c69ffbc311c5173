import type { HostProcess } from '../host/host-process.js';

/** Handles that are closed together, unless they were given away. */
export class HandleBag {
  private readonly handles = new Set<number>();

  constructor(private readonly host: HostProcess) {}

  add(handle: number): number {
    this.handles.add(handle);
    return handle;
  }

  /** It belongs to somebody else now. */
  forget(handle: number): void {
    this.handles.delete(handle);
  }

  closeAll(): void {
    for (const handle of this.handles) this.host.handleClose(handle);
    this.handles.clear();
  }
}
