/*
 * Routines that the compiler calls for what the instruction set lacks: counting bits without Zbb, 128-bit arithmetic.
 * Names and meaning are those of GCC's run-time library ("Integer library routines").
 */
#include <stdint.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

int __clzdi2(uint64_t value);
int __ctzdi2(uint64_t value);
int __clzsi2(uint32_t value);
int __ctzsi2(uint32_t value);
int __ffsdi2(uint64_t value);
int __popcountdi2(uint64_t value);
int __popcountsi2(uint32_t value);
int __paritydi2(uint64_t value);
uint64_t __bswapdi2(uint64_t value);
uint32_t __bswapsi2(uint32_t value);
i128 __multi3(i128 left, i128 right);
u128 __udivti3(u128 dividend, u128 divisor);
u128 __umodti3(u128 dividend, u128 divisor);
u128 __udivmodti4(u128 dividend, u128 divisor, u128 *remainder);
i128 __divti3(i128 dividend, i128 divisor);
i128 __modti3(i128 dividend, i128 divisor);
i128 __ashlti3(i128 value, int count);
i128 __ashrti3(i128 value, int count);
u128 __lshrti3(u128 value, int count);

/* Undefined for 0. */
int __clzdi2(uint64_t value) {
  int zeros = 0;
  for (int step = 32; step != 0; step /= 2) {
    if (value >> (64 - step) == 0) {
      zeros += step;
      value <<= step;
    }
  }
  return zeros;
}

/* Undefined for 0. */
int __ctzdi2(uint64_t value) {
  int zeros = 0;
  for (int step = 32; step != 0; step /= 2) {
    if (value << (64 - step) == 0) {
      zeros += step;
      value >>= step;
    }
  }
  return zeros;
}

int __clzsi2(uint32_t value) { return __clzdi2(value) - 32; }
int __ctzsi2(uint32_t value) { return __ctzdi2(value); }
int __ffsdi2(uint64_t value) { return value == 0 ? 0 : __ctzdi2(value) + 1; }

int __popcountdi2(uint64_t value) {
  value -= value >> 1 & 0x5555555555555555u;
  value = (value & 0x3333333333333333u) + (value >> 2 & 0x3333333333333333u);
  value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return (int)(value * 0x0101010101010101u >> 56);
}

int __popcountsi2(uint32_t value) { return __popcountdi2(value); }
int __paritydi2(uint64_t value) { return __popcountdi2(value) & 1; }

uint64_t __bswapdi2(uint64_t value) {
  value = (value & 0x00ff00ff00ff00ffu) << 8 | (value >> 8 & 0x00ff00ff00ff00ffu);
  value = (value & 0x0000ffff0000ffffu) << 16 | (value >> 16 & 0x0000ffff0000ffffu);
  return value << 32 | value >> 32;
}

uint32_t __bswapsi2(uint32_t value) { return (uint32_t)(__bswapdi2(value) >> 32); }

/* Halves are put together through memory, as a shift of 128 bits would call the routines below. */
typedef union halves {
  u128 whole;
  struct {
    uint64_t low, high;
  };
} halves_t;

i128 __multi3(i128 left, i128 right) {
  const halves_t a = {.whole = (u128)left}, b = {.whole = (u128)right};
  uint64_t high;
  __asm__("mulhu %0, %1, %2" : "=r"(high) : "r"(a.low), "r"(b.low));
  halves_t product;
  product.low = a.low * b.low;
  product.high = high + a.low * b.high + a.high * b.low;
  return (i128)product.whole;
}

i128 __ashlti3(i128 value, int count) {
  halves_t half = {.whole = (u128)value};
  if (count >= 64) {
    half.high = half.low << (count - 64);
    half.low = 0;
  } else if (count > 0) {
    half.high = half.high << count | half.low >> (64 - count);
    half.low <<= count;
  }
  return (i128)half.whole;
}

u128 __lshrti3(u128 value, int count) {
  halves_t half = {.whole = value};
  if (count >= 64) {
    half.low = half.high >> (count - 64);
    half.high = 0;
  } else if (count > 0) {
    half.low = half.low >> count | half.high << (64 - count);
    half.high >>= count;
  }
  return half.whole;
}

i128 __ashrti3(i128 value, int count) {
  halves_t half = {.whole = (u128)value};
  const int64_t high = (int64_t)half.high;
  if (count >= 64) {
    half.low = (uint64_t)(high >> (count - 64));
    half.high = (uint64_t)(high >> 63);
  } else if (count > 0) {
    half.low = half.low >> count | half.high << (64 - count);
    half.high = (uint64_t)(high >> count);
  }
  return (i128)half.whole;
}

static int less(halves_t left, halves_t right) {
  return left.high != right.high ? left.high < right.high : left.low < right.low;
}

/* Long division, a bit at a time. A divisor of 0 gives all ones, as the division instructions do. */
u128 __udivmodti4(u128 dividend, u128 divisor, u128 *remainder) {
  const halves_t by = {.whole = divisor};
  halves_t rest = {.whole = 0}, quotient = {.whole = dividend};
  for (int bit = 0; bit < 128; bit++) {
    const uint64_t carry = rest.high >> 63;
    rest.high = rest.high << 1 | rest.low >> 63;
    rest.low = rest.low << 1 | quotient.high >> 63;
    quotient.high = quotient.high << 1 | quotient.low >> 63;
    quotient.low <<= 1;
    if (carry != 0 || !less(rest, by)) {
      const uint64_t borrow = rest.low < by.low;
      rest.low -= by.low;
      rest.high -= by.high + borrow;
      quotient.low |= 1;
    }
  }
  if (remainder != 0) *remainder = rest.whole;
  return quotient.whole;
}

u128 __udivti3(u128 dividend, u128 divisor) { return __udivmodti4(dividend, divisor, 0); }

u128 __umodti3(u128 dividend, u128 divisor) {
  u128 remainder;
  __udivmodti4(dividend, divisor, &remainder);
  return remainder;
}

static u128 magnitude(i128 value) { return value < 0 ? -(u128)value : (u128)value; }

i128 __divti3(i128 dividend, i128 divisor) {
  const u128 quotient = __udivti3(magnitude(dividend), magnitude(divisor));
  return (i128)((dividend < 0) != (divisor < 0) ? -quotient : quotient);
}

i128 __modti3(i128 dividend, i128 divisor) {
  const u128 remainder = __umodti3(magnitude(dividend), magnitude(divisor));
  return (i128)(dividend < 0 ? -remainder : remainder);
}
