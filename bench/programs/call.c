/* recursion, leaf calls, calls through a table of functions */
#include "bench.h"
const char bench_name[] = "call";
static NOINLINE u64 fib(u64 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static NOINLINE u64 leaf_add(u64 a, u64 b) { return a + b * 3; }
static NOINLINE u64 leaf_xor(u64 a, u64 b) { return (a ^ b) * 5 + 1; }
static NOINLINE u64 leaf_rotate(u64 a, u64 b) { return (a << 7 | a >> 57) + b; }
static NOINLINE u64 leaf_mix(u64 a, u64 b) { return leaf_add(a >> 3, b) ^ leaf_xor(b, a); }
static u64 (*const leaves[4])(u64, u64) = {leaf_add, leaf_xor, leaf_rotate, leaf_mix};
static NOINLINE u64 ackermann(u64 m, u64 n) {
    while (m != 0) { n = n == 0 ? 1 : ackermann(m, n - 1); m--; }
    return n + 1;
}
u64 bench_main(void) {
    u64 h = 1, s = 88172645463325252ul;
    for (int r = 0; r < SCALE; r++) {
        h = h * 31 + fib(27);
        h = h * 31 + ackermann(2, 600 + r % 3);
        for (u64 i = 0; i < 1500000; i++) { h = leaf_add(h, i); h = leaf_xor(h, i); h = leaf_mix(h, i); }
        for (u64 i = 0; i < 700000; i++) h = leaves[rng(&s) & 3](h, i);
    }
    return h;
}
