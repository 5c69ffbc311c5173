/**
 * The one stream of structured events: traces, replay, statistics and pictures read it. Free when nobody listens.
 *
 * Every event carries `time` (nanoseconds on the kernel's clock) and `retired` (instructions retired by the machine so far).
 * Koids, page indices and addresses are numbers; keys are bigint.
 */
export const EVENT_SCHEMA = 'faultline-events';
export const EVENT_SCHEMA_VERSION = 1;

interface EventBase {
  readonly time: number;
  readonly retired: number;
}

/** What an access wants. */
export type FaultAccess = 'read' | 'write' | 'execute';

/** How a page fault ended: resolved at once, by waiting for a pager, or fatally. */
export type FaultOutcome = 'resolved' | 'blocked' | 'fatal';

/** One event: told apart by `type`. */
export type KernelEvent = EventBase &
  (
    | {
        readonly type: 'fault';
        readonly process: number;
        readonly thread: number;
        readonly address: number;
        readonly access: FaultAccess;
        readonly outcome: FaultOutcome;
        /** Status of a fatal fault, else 0. */
        readonly status: number;
        /** VMO and page of the mapping; 0 and 0 when nothing is mapped there. */
        readonly vmo: number;
        readonly page: number;
      }
    | {
        readonly type: 'request';
        readonly command: 'read' | 'dirty' | 'complete';
        readonly vmo: number;
        readonly key: bigint;
        readonly page: number;
        readonly pages: number;
      }
    | {
        /** What a pager did for a range: supplied it, let it be written, began and ended its writeback. */
        readonly type: 'supply' | 'dirty' | 'writeback-begin' | 'writeback-end';
        readonly vmo: number;
        readonly page: number;
        readonly pages: number;
      }
    | {
        readonly type: 'fail';
        readonly vmo: number;
        readonly page: number;
        readonly pages: number;
        readonly status: number;
      }
    | { readonly type: 'evict'; readonly vmo: number; readonly page: number; readonly pages: number }
    | { readonly type: 'block'; readonly process: number; readonly thread: number; readonly on: string }
    | { readonly type: 'wake'; readonly process: number; readonly thread: number; readonly status: number }
    | {
        readonly type: 'system-call';
        readonly process: number;
        /** 0 for a host caller. */
        readonly thread: number;
        readonly name: string;
        readonly status: number;
      }
    | { readonly type: 'process-start'; readonly process: number; readonly name: string }
    | { readonly type: 'process-end'; readonly process: number; readonly code: number }
    | {
        readonly type: 'thread-start';
        readonly process: number;
        readonly thread: number;
        readonly name: string;
      }
    | { readonly type: 'thread-end'; readonly process: number; readonly thread: number }
    | {
        readonly type: 'exception';
        readonly process: number;
        readonly thread: number;
        readonly exception: number;
        readonly address: number;
        readonly status: number;
      }
  );
