/**
 * Exit statuses of the command that are not the guest's own. A guest's exit code comes through modulo 256, so these can be met there
 * as well; the last line on standard error tells them apart.
 */

/** Every thread waits for something that cannot happen. */
export const EXIT_DEADLOCK = 123;
/** The time given with --timeout is over. */
export const EXIT_TIMEOUT = 124;
/** The program could not be loaded or started. */
export const EXIT_NOT_LOADED = 125;
/** Interrupted from the keyboard (128 + SIGINT). */
export const EXIT_INTERRUPTED = 130;
/** The program crashed (128 + SIGABRT). */
export const EXIT_CRASHED = 134;
/** The program was killed (128 + SIGKILL). */
export const EXIT_KILLED = 137;
/** The command line cannot be followed, or a file named on it cannot be written. */
export const EXIT_USAGE = 2;
