/**
 * Time (`zx_time_t`, i64 nanoseconds).
 *
 * @see Zircon `<zircon/time.h>`, `<zircon/types.h>`
 */
export const ZX_TIME_INFINITE = 0x7fff_ffff_ffff_ffffn;
export const ZX_TIME_INFINITE_PAST = -0x8000_0000_0000_0000n;
export const ZX_CLOCK_MONOTONIC = 0;
export const ZX_CLOCK_BOOT = 1;
/** Options of `zx_timer_create`: where the slack lies about the deadline. */
export const ZX_TIMER_SLACK_CENTER = 0;
export const ZX_TIMER_SLACK_EARLY = 1;
export const ZX_TIMER_SLACK_LATE = 2;
/** Ticks are nanoseconds here: the timebase of the machine is 1 GHz. */
export const TICKS_PER_SECOND = 1_000_000_000;
