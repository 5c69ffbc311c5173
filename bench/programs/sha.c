/* SHA-256 (FIPS 180-4) of a buffer, block by block; the constants are computed: cube roots of the first 64 primes */
#include "bench.h"
const char bench_name[] = "sha";
static u32 constants[64];
static u64 root(u64 prime, int cube) {
    /* floor(2^32 * root) by bisection; the low 32 bits are the fraction. */
    u64 low = 0, high = 1ul << 35;
    while (high - low > 1) {
        u64 middle = low + (high - low) / 2;
        unsigned __int128 square = (unsigned __int128)middle * middle;
        int above = cube ? square * middle > ((unsigned __int128)prime << 96) : square > ((unsigned __int128)prime << 64);
        if (above) high = middle; else low = middle;
    }
    return low;
}
static inline u32 rotate(u32 x, int n) { return x >> n | x << (32 - n); }
static NOINLINE void compress(u32 *state, const u8 *p) {
    u32 w[64];
    for (int i = 0; i < 16; i++) w[i] = (u32)p[4 * i] << 24 | (u32)p[4 * i + 1] << 16 | (u32)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        u32 t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
        u32 t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}
u64 bench_main(void) {
    u32 state[8];
    int found = 0;
    for (u64 n = 2; found < 64; n++) {
        int prime = 1;
        for (u64 d = 2; d * d <= n; d++) if (n % d == 0) { prime = 0; break; }
        if (!prime) continue;
        constants[found] = (u32)root(n, 1);
        if (found < 8) state[found] = (u32)root(n, 0);
        found++;
    }
    /* The test vector of the standard: "abc". */
    u8 *p = arena;
    for (int i = 0; i < 64; i++) p[i] = 0;
    p[0] = 'a'; p[1] = 'b'; p[2] = 'c'; p[3] = 0x80; p[63] = 24;
    u32 first[8];
    for (int i = 0; i < 8; i++) first[i] = state[i];
    compress(first, p);
    if (first[0] != 0xba7816bfu || first[7] != 0xf20015adu) return 0xbad;
    u64 s = 88172645463325252ul;
    for (int i = 0; i < 65536; i++) p[i] = (u8)rng(&s);
    for (int r = 0; r < 24 * SCALE; r++) for (int i = 0; i < 65536; i += 64) compress(state, p + i);
    return (u64)state[0] << 32 | state[7];
}
