/* as stream.c, but arrays 16 MiB + 37 pages apart (no aliasing in direct-mapped TLBs) */
#include "bench.h"
const char bench_name[] = "streamo";
#define W ((16ul << 20) / 8)
static NOINLINE void copy(u64 *restrict d, const u64 *restrict s, u64 n) {
    for (u64 i = 0; i < n; i += 8) { d[i] = s[i]; d[i+1] = s[i+1]; d[i+2] = s[i+2]; d[i+3] = s[i+3]; d[i+4] = s[i+4]; d[i+5] = s[i+5]; d[i+6] = s[i+6]; d[i+7] = s[i+7]; }
}
static NOINLINE void triad(u64 *restrict a, const u64 *restrict b, const u64 *restrict c, u64 k, u64 n) { for (u64 i = 0; i < n; i++) a[i] = b[i] + k * c[i]; }
static NOINLINE u64 sum(const u64 *a, u64 n) { u64 s = 0; for (u64 i = 0; i < n; i++) s = s * 5 + a[i]; return s; }
u64 bench_main(void) {
    u64 *a = (u64 *)arena, *b = a + W + 37 * 512, *c = b + W + 37 * 512, h = 0;
    for (u64 i = 0; i < W; i++) { b[i] = i * 7; c[i] = i ^ 0x5555; }
    for (int r = 0; r < 4 * SCALE; r++) { copy(a, b, W); triad(b, a, c, 3 + r, W); copy(c, b, W); h = h * 31 + sum(a, W / 4); }
    return h;
}
