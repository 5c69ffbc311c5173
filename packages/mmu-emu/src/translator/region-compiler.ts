/**
 * Compiling regions in another thread: a machine runs on meanwhile, without them.
 *
 * The machine's side sends the pages of code and which blocks are wanted, the other side answers with a compiled module.
 * Both sides are in one package, so that they are of one version.
 */

import { compileRegions } from './compile-regions.js';
import type { CompiledRegions } from './compile-regions.js';
import { regionOf } from './region.js';
import type { RegionOutline } from './region.js';

/** A `MessagePort`, a `Worker` or the scope of one, as far as it is needed here. Of Node's workers only ports are such. */
export interface RegionPort {
  postMessage(message: unknown): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
  /** Of ports: messages are held back until it is called. */
  start?(): void;
}

/** What is compiled at once: regions by the bytes of their pages. */
export interface RegionBatch {
  /** Whether the machine's memory is shared. */
  readonly shared: boolean;
  readonly regions: readonly {
    readonly number: number;
    readonly outline: RegionOutline;
    readonly page: Uint8Array;
  }[];
}

/** Messages: a batch goes with a number, and what was made of it, or why nothing was, comes back with the same. */
interface Question {
  readonly id: number;
  readonly batch: RegionBatch;
}
type Answer = { readonly id: number } & (
  { readonly compiled: CompiledRegions } | { readonly failure: string }
);

interface Waiting {
  readonly resolve: (compiled: CompiledRegions) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Compiles regions of machines at the other end of a port, where `serveRegionCompiler` is.
 *
 * Answers arrive between turns of the event loop: a machine that is run without ever giving up the thread gets none.
 */
export class RegionCompiler {
  readonly #port: RegionPort;
  readonly #waiting = new Map<number, Waiting>();
  #isClosed = false;
  #nextId = 0;

  /** @param port for this alone. Whoever made it closes it, when no machine uses it any more. */
  constructor(port: RegionPort) {
    this.#port = port;
    port.addEventListener('message', (event) => {
      this.#answered((event as MessageEvent).data as Answer);
    });
    for (const type of ['messageerror', 'close']) {
      port.addEventListener(type, () => {
        this.#close();
      });
    }
    port.start?.();
  }

  /** @internal Rejects when it cannot: then the machine compiles them, and all others, itself. */
  compile(batch: RegionBatch): Promise<CompiledRegions> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw new Error('the port is closed');
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#port.postMessage({ id, batch } satisfies Question);
    });
  }

  #answered(answer: Answer): void {
    const found = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('compiled' in answer) found?.resolve(answer.compiled);
    else found?.reject(new Error(answer.failure));
  }

  #close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(new Error('the port is closed'));
    this.#waiting.clear();
  }
}

/** The other side of a `RegionCompiler`: compiles what comes through a port, one batch after the other. */
export function serveRegionCompiler(port: RegionPort): void {
  port.addEventListener('message', (event) => {
    const { id, batch } = (event as MessageEvent).data as Question;
    port.postMessage({ id, ...compiledOrNot(batch) } satisfies Answer);
  });
  port.start?.();
}

function compiledOrNot({
  regions,
  shared,
}: RegionBatch): { compiled: CompiledRegions } | { failure: string } {
  try {
    const numbered = regions.map(({ number, outline, page }) => ({
      number,
      region: regionOf(new DataView(page.buffer, page.byteOffset, page.byteLength), outline),
    }));
    return { compiled: compileRegions(numbered, shared) };
  } catch (reason) {
    return { failure: String(reason) };
  }
}
