/* Time: signed 64-bit nanoseconds. Arithmetic saturates at the two infinities. */
#ifndef ZIRCON_TIME_H_
#define ZIRCON_TIME_H_

#include <stdint.h>
#include <zircon/compiler.h>

__BEGIN_CDECLS

typedef int64_t zx_time_t;
typedef int64_t zx_duration_t;
typedef int64_t zx_ticks_t;

typedef zx_time_t zx_instant_mono_t;
typedef zx_time_t zx_instant_boot_t;
typedef zx_duration_t zx_duration_mono_t;
typedef zx_duration_t zx_duration_boot_t;
typedef zx_ticks_t zx_instant_mono_ticks_t;
typedef zx_ticks_t zx_instant_boot_ticks_t;
typedef zx_ticks_t zx_duration_mono_ticks_t;
typedef zx_ticks_t zx_duration_boot_ticks_t;

typedef uint32_t zx_clock_t;
#define ZX_CLOCK_MONOTONIC ((zx_clock_t)0)
#define ZX_CLOCK_BOOT ((zx_clock_t)1)

#define ZX_TIME_INFINITE INT64_MAX
#define ZX_TIME_INFINITE_PAST INT64_MIN

static inline __CONSTEXPR zx_time_t zx_time_add_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t sum = 0;
  if (__builtin_add_overflow(time, duration, &sum)) {
    return duration >= 0 ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  }
  return sum;
}

static inline __CONSTEXPR zx_time_t zx_time_sub_duration(zx_time_t time, zx_duration_t duration) {
  zx_time_t difference = 0;
  if (__builtin_sub_overflow(time, duration, &difference)) {
    return duration >= 0 ? ZX_TIME_INFINITE_PAST : ZX_TIME_INFINITE;
  }
  return difference;
}

static inline __CONSTEXPR zx_duration_t zx_time_sub_time(zx_time_t left, zx_time_t right) {
  return zx_time_sub_duration(left, right);
}

static inline __CONSTEXPR zx_duration_t zx_duration_add_duration(zx_duration_t left, zx_duration_t right) {
  return zx_time_add_duration(left, right);
}

static inline __CONSTEXPR zx_duration_t zx_duration_sub_duration(zx_duration_t left, zx_duration_t right) {
  return zx_time_sub_duration(left, right);
}

static inline __CONSTEXPR zx_duration_t zx_duration_mul_int64(zx_duration_t duration, int64_t factor) {
  zx_duration_t product = 0;
  if (__builtin_mul_overflow(duration, factor, &product)) {
    return (duration > 0) == (factor > 0) ? ZX_TIME_INFINITE : ZX_TIME_INFINITE_PAST;
  }
  return product;
}

static inline __CONSTEXPR int64_t zx_nsec_from_duration(zx_duration_t duration) { return duration; }
static inline __CONSTEXPR zx_duration_t zx_duration_from_nsec(int64_t count) { return count; }
static inline __CONSTEXPR zx_duration_t zx_duration_from_usec(int64_t count) {
  return zx_duration_mul_int64(1000, count);
}
static inline __CONSTEXPR zx_duration_t zx_duration_from_msec(int64_t count) {
  return zx_duration_mul_int64(1000000, count);
}
static inline __CONSTEXPR zx_duration_t zx_duration_from_sec(int64_t count) {
  return zx_duration_mul_int64(1000000000, count);
}
static inline __CONSTEXPR zx_duration_t zx_duration_from_min(int64_t count) {
  return zx_duration_mul_int64(60000000000, count);
}
static inline __CONSTEXPR zx_duration_t zx_duration_from_hour(int64_t count) {
  return zx_duration_mul_int64(3600000000000, count);
}

#define ZX_NSEC(n) zx_duration_from_nsec(n)
#define ZX_USEC(n) zx_duration_from_usec(n)
#define ZX_MSEC(n) zx_duration_from_msec(n)
#define ZX_SEC(n) zx_duration_from_sec(n)
#define ZX_MIN(n) zx_duration_from_min(n)
#define ZX_HOUR(n) zx_duration_from_hour(n)

__END_CDECLS

#endif
