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

/** Compiles regions somewhere else. */
export interface RegionCompiler {
  /** @internal Rejects when it cannot: then the machine compiles them, and all others, itself. */
  compile(batch: RegionBatch): Promise<CompiledRegions>;
}

/** Messages: a batch goes with a number, and what was made of it, or why nothing was, comes back with the same. */
interface Question {
  readonly id: number;
  readonly batch: RegionBatch;
}
type Answer = { readonly id: number } & (
  { readonly compiled: CompiledRegions } | { readonly failure: string }
);

/**
 * A compiler for machines whose other side, `serveRegionCompiler`, is at the other end of a port.
 *
 * Answers arrive between turns of the event loop: a machine that is run without ever giving up the thread gets none.
 *
 * @param port for this alone. Whoever made it closes it, when no machine uses it any more.
 */
export function connectRegionCompiler(port: RegionPort): RegionCompiler {
  const waiting = new Map<
    number,
    { resolve: (compiled: CompiledRegions) => void; reject: (reason: Error) => void }
  >();
  let isClosed = false;
  let nextId = 0;
  port.addEventListener('message', (event) => {
    const answer = (event as MessageEvent).data as Answer;
    const found = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('compiled' in answer) found?.resolve(answer.compiled);
    else found?.reject(new Error(answer.failure));
  });
  const giveUp = (): void => {
    isClosed = true;
    for (const { reject } of waiting.values()) reject(new Error('the port is closed'));
    waiting.clear();
  };
  port.addEventListener('messageerror', giveUp);
  port.addEventListener('close', giveUp);
  port.start?.();
  return {
    compile: (batch) =>
      new Promise((resolve, reject) => {
        if (isClosed) throw new Error('the port is closed');
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        port.postMessage({ id, batch } satisfies Question);
      }),
  };
}

/** The other side of `connectRegionCompiler`: compiles what comes through a port, one batch after the other. */
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
