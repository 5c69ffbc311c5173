/* LZ77: text is made up, compressed with hash chains, unpacked and compared */
#include "bench.h"
const char bench_name[] = "lz";
enum { SIZE = 1 << 18, WINDOW = 1 << 15, HASHES = 1 << 14, CHAIN = 16, LEAST = 4, MOST = 258 };
static int head[HASHES], before[WINDOW];
static const char words[] = "the of and page fault pager memory object address kernel thread wait port queue map";
static NOINLINE u64 compose(u8 *p, u64 size, u64 seed) {
    u64 s = seed, n = 0;
    while (n < size) {
        u64 start = rng(&s) % (sizeof words - 1);
        while (start > 0 && words[start - 1] != ' ') start--;
        do p[n++] = (u8)words[start]; while (n < size && words[start] && words[start++] != ' ');
        if (n < size && (rng(&s) & 15) == 0) p[n++] = (u8)('a' + rng(&s) % 26);
    }
    return n;
}
static inline u32 read32(const u8 *p) { return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24; }
static inline u32 hash(const u8 *p) { return read32(p) * 2654435761u >> 18; }
static NOINLINE u64 pack(u8 *out, const u8 *in, int size) {
    u8 *o = out;
    for (int i = 0; i < HASHES; i++) head[i] = -WINDOW;
    for (int at = 0; at < size;) {
        int best = 0, distance = 0, most = size - at < MOST ? size - at : MOST;
        if (most >= LEAST) {
            int tries = CHAIN;
            for (int other = head[hash(in + at)]; at - other < WINDOW && tries-- > 0; other = before[other & (WINDOW - 1)]) {
                int length = 0;
                while (length < most && in[other + length] == in[at + length]) length++;
                if (length > best) { best = length; distance = at - other; }
            }
        }
        int step = best >= LEAST ? best : 1;
        if (step > 1) { *o++ = 1; *o++ = (u8)(best - 3); *o++ = (u8)distance; *o++ = (u8)(distance >> 8); }
        else { *o++ = 0; *o++ = in[at]; }
        for (int k = 0; k < step; k++, at++)
            if (size - at >= LEAST) { u32 h = hash(in + at); before[at & (WINDOW - 1)] = head[h]; head[h] = at; }
    }
    return (u64)(o - out);
}
static NOINLINE u64 unpack(u8 *out, const u8 *in, u64 size) {
    u8 *o = out;
    for (const u8 *end = in + size; in < end;) {
        if (*in == 0) { *o++ = in[1]; in += 2; continue; }
        int length = in[1] + 3; const u8 *from = o - (in[2] | in[3] << 8);
        while (length-- > 0) *o++ = *from++;
        in += 4;
    }
    return (u64)(o - out);
}
u64 bench_main(void) {
    u8 *text = arena, *packed = arena + (4 << 20), *again = arena + (8 << 20);
    u64 h = 0;
    for (int r = 0; r < 3 * SCALE; r++) {
        compose(text, SIZE, 88172645463325252ul + (u64)r);
        u64 size = pack(packed, text, SIZE);
        if (unpack(again, packed, size) != SIZE) return 0xbad;
        for (int i = 0; i < SIZE; i++) if (text[i] != again[i]) return 0xbad;
        h = h * 31 + size;
    }
    return h;
}
