import type { ReadContext } from './vmo-backing.js';

/** A read's context, which makes an AbortController only when somebody looks at the signal: most backings never do. */
export class LazyAbort implements ReadContext {
  private controller: AbortController | null = null;
  private aborted = false;
  private reason: unknown = undefined;

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.aborted) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.controller?.abort(reason);
  }
}
