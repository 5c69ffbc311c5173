import type { Blocker } from './waiter.js';

/**
 * Lets everybody else run once: a long operation yields it now and then, so that its caller cannot hold the system up.
 * The wait ends, with ZX_ERR_TIMED_OUT, when the timers are looked at next; the status means nothing.
 */
export const PAUSE: Blocker = {
  kind: 'sleeping',
  whenSuspended: 'keep-waiting',
  deadline: -Infinity,
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  describe: () => 'its next turn',
};
