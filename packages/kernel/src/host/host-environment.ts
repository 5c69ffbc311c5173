/** What the kernel needs of the host's event loop. */
export interface HostEnvironment {
  /** Lets the host do everything it has to do, timers and input included. Not by a timer: browsers make those late. */
  yield(): Promise<void>;
  /**
   * A turn of the kernel begins.
   *
   * @returns called with what was done since the last call, in instructions; true when the turn has lasted 5 ms, or about that
   */
  startTurn(): (instructions: number) => boolean;
  /** Sleeps for a time in nanoseconds, at least; Infinity: until it is ended. */
  sleep(nanoseconds: number): HostSleep;
}

/** A sleep that is under way. */
export interface HostSleep {
  /** Settles when the time has passed, or `end` was called. */
  readonly over: Promise<void>;
  readonly end: () => void;
}

/** What an embedder may say about its host. */
export interface HostEnvironmentOptions {
  /** Replaces the way the kernel yields. */
  readonly hostYield?: () => Promise<void>;
  /** Time of the host in nanoseconds, from any start, to measure how long a turn lasts; default: that of a `WallClock`, or none: turns are estimated. */
  readonly hostTime?: () => number;
  /** Replaces the way the kernel sleeps when nothing can run: nanoseconds, or Infinity. */
  readonly hostSleep?: (nanoseconds: number) => HostSleep;
}

const TURN_NANOSECONDS = 5_000_000;
/** Without a clock: what an interpreter does in 5 ms on a slow host. */
const TURN_INSTRUCTIONS = 400_000;
/** Looking at the clock is cheap, but not free. */
const LOOK_EVERY = 20_000;
/** The longest time that `setTimeout` can take, ms. */
const LONGEST_TIMEOUT = 0x7fff_ffff;

/** The event loop of Node or of a browser. */
export function hostEnvironment(options: HostEnvironmentOptions = {}): HostEnvironment {
  const { hostTime } = options;
  return {
    yield: options.hostYield ?? defaultYield(),
    startTurn: hostTime === undefined ? countedTurn : () => timedTurn(hostTime),
    sleep: options.hostSleep ?? sleep,
  };
}

function countedTurn(): (instructions: number) => boolean {
  let left = TURN_INSTRUCTIONS;
  return (instructions) => {
    left -= instructions;
    return left <= 0;
  };
}

function timedTurn(hostTime: () => number): (instructions: number) => boolean {
  const end = hostTime() + TURN_NANOSECONDS;
  let left = LOOK_EVERY;
  let over = false;
  return (instructions) => {
    left -= instructions;
    if (over || left > 0) return over;
    left = LOOK_EVERY;
    over = hostTime() >= end;
    return over;
  };
}

/** Node's `setImmediate`, which a browser does not have; there, a message to oneself. */
function defaultYield(): () => Promise<void> {
  const { setImmediate } = globalThis as { readonly setImmediate?: (callback: () => void) => unknown };
  if (setImmediate !== undefined) return () => new Promise((resolve) => setImmediate(resolve));
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(0);
    });
}

function sleep(nanoseconds: number): HostSleep {
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    if (nanoseconds === Infinity) {
      end = resolve;
      return;
    }
    const timer = setTimeout(resolve, Math.min(LONGEST_TIMEOUT, Math.max(0, Math.ceil(nanoseconds / 1e6))));
    end = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { over, end };
}
