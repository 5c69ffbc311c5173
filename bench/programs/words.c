/* a map from words to counts: hashing, comparing and copying short strings, growing, deleting, sorting by merging */
#include "bench.h"
const char bench_name[] = "words";
typedef struct { char *key; u32 hash; u32 count; } Entry;
typedef struct { Entry *entries; u32 size, used; } Map;
static u8 *next_free;
static void *take(u64 bytes) { u8 *p = next_free; next_free += (bytes + 15) & ~15ul; return p; }
static NOINLINE u64 length_of(const char *s) { const char *p = s; while (*p) p++; return (u64)(p - s); }
static NOINLINE int compare(const char *a, const char *b) { while (*a && *a == *b) { a++; b++; } return (u8)*a - (u8)*b; }
static NOINLINE u32 hash_of(const char *s) { u32 h = 5381; while (*s) h = h * 33 ^ (u8)*s++; return h; }
static NOINLINE Entry *find(Map *m, const char *key, u32 hash) {
    for (u32 i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
        Entry *e = &m->entries[i];
        if (!e->key || (e->hash == hash && compare(e->key, key) == 0)) return e;
    }
}
static NOINLINE void grow(Map *m, u32 size) {
    Map bigger = {take(size * sizeof(Entry)), size, m->used};
    for (u32 i = 0; i < size; i++) bigger.entries[i].key = 0;
    for (u32 i = 0; i < m->size; i++) if (m->entries[i].key) *find(&bigger, m->entries[i].key, m->entries[i].hash) = m->entries[i];
    *m = bigger;
}
static NOINLINE void count(Map *m, const char *key) {
    if (4 * m->used >= 3 * m->size) grow(m, 2 * m->size);
    u32 hash = hash_of(key);
    Entry *e = find(m, key, hash);
    if (e->key) { e->count++; return; }
    u64 bytes = length_of(key) + 1;
    char *copy = take(bytes);
    for (u64 i = 0; i < bytes; i++) copy[i] = key[i];
    *e = (Entry){copy, hash, 1};
    m->used++;
}
static NOINLINE void drop(Map *m, const char *key) {
    Entry *e = find(m, key, hash_of(key));
    if (!e->key) return;
    m->used--;
    u32 hole = (u32)(e - m->entries), mask = m->size - 1;
    for (u32 i = (hole + 1) & mask; m->entries[i].key; i = (i + 1) & mask) {
        u32 home = m->entries[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) { m->entries[hole] = m->entries[i]; hole = i; }
    }
    m->entries[hole].key = 0;
}
static void sort(Entry **a, Entry **spare, u32 n) {
    if (n < 2) return;
    u32 half = n / 2, i = 0, j = half, k = 0;
    sort(a, spare, half); sort(a + half, spare, n - half);
    while (i < half && j < n) spare[k++] = compare(a[j]->key, a[i]->key) < 0 ? a[j++] : a[i++];
    while (i < half) spare[k++] = a[i++];
    while (j < n) spare[k++] = a[j++];
    for (u32 m = 0; m < n; m++) a[m] = spare[m];
}
static NOINLINE void spell(char *out, u64 number) { do { *out++ = "aeioubcdfghklmnprstvz"[number % 21]; number /= 21; } while (number); *out = 0; }
u64 bench_main(void) {
    u64 h = 0, s = 88172645463325252ul;
    for (int r = 0; r < SCALE; r++) {
        char word[24];
        next_free = arena;
        Map m = {0, 0, 0};
        grow(&m, 64);
        for (int i = 0; i < 120000; i++) { u64 x = rng(&s); spell(word, x % ((x >> 40 & 3) ? 4000 : 9000000)); count(&m, word); }
        for (int i = 0; i < 4000; i += 3) { spell(word, (u64)i); drop(&m, word); }
        Entry **list = take(m.used * sizeof *list), **spare = take(m.used * sizeof *list);
        u32 n = 0;
        for (u32 i = 0; i < m.size; i++) if (m.entries[i].key) list[n++] = &m.entries[i];
        if (n != m.used) return 0xbad;
        sort(list, spare, n);
        for (u32 i = 0; i < n; i++) { if (i > 0 && compare(list[i - 1]->key, list[i]->key) >= 0) return 0xbad; h = h * 31 + list[i]->hash + list[i]->count; }
    }
    return h;
}
