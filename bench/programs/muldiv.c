/* 64- and 32-bit multiplication, division and remainder; greatest common divisors; modular powers */
#include "bench.h"
const char bench_name[] = "muldiv";
static NOINLINE u64 gcd(u64 a, u64 b) { while (b != 0) { u64 t = a % b; a = b; b = t; } return a; }
static NOINLINE u64 power(u64 base, u64 exponent, u64 modulus) {
    u64 result = 1;
    base %= modulus;
    for (; exponent != 0; exponent >>= 1) { if (exponent & 1) result = result * base % modulus; base = base * base % modulus; }
    return result;
}
static NOINLINE u64 high(u64 a, u64 b) { return (u64)((unsigned __int128)a * b >> 64); }
static NOINLINE i64 digits(i64 n) { i64 sum = 0; while (n != 0) { sum = sum * 3 + n % 10; n /= 10; } return sum; }
u64 bench_main(void) {
    u64 h = 1, s = 88172645463325252ul;
    for (int r = 0; r < SCALE; r++) {
        for (int i = 0; i < 60000; i++) h = h * 31 + gcd(rng(&s), rng(&s) | 1);
        for (int i = 0; i < 20000; i++) h = h * 31 + power(rng(&s), rng(&s) & 0xffff, 0x7fffffed);
        for (int i = 0; i < 800000; i++) h = high(h, rng(&s)) ^ (h * 0x9E3779B97F4A7C15ul);
        for (int i = 0; i < 60000; i++) h += (u64)digits((i64)rng(&s));
        for (u32 i = 1; i < 400000; i++) h += (u32)h / i + (u32)(h >> 32) % i;
    }
    return h;
}
