/* Memory: eight bytes at a time where source and target agree on alignment. */
#include <faultline/rt.h>

typedef uint64_t __attribute__((__may_alias__)) word_t;
#define WORD sizeof(word_t)
#define MISALIGNED(pointer) ((uintptr_t)(pointer) % WORD)

void *memset(void *to, int value, size_t bytes) {
  uint8_t *at = to;
  uint8_t *end = at + bytes;
  const uint64_t pattern = (uint64_t)(uint8_t)value * 0x0101010101010101u;
  while (at != end && MISALIGNED(at)) *at++ = (uint8_t)value;
  for (; (size_t)(end - at) >= 4 * WORD; at += 4 * WORD) {
    word_t *words = (word_t *)at;
    words[0] = pattern, words[1] = pattern, words[2] = pattern, words[3] = pattern;
  }
  for (; (size_t)(end - at) >= WORD; at += WORD) *(word_t *)at = pattern;
  while (at != end) *at++ = (uint8_t)value;
  return to;
}

static void copy_forward(uint8_t *to, const uint8_t *from, size_t bytes) {
  if (MISALIGNED(to) == MISALIGNED(from)) {
    for (; bytes != 0 && MISALIGNED(to); bytes--) *to++ = *from++;
    for (; bytes >= 4 * WORD; bytes -= 4 * WORD, to += 4 * WORD, from += 4 * WORD) {
      const word_t *source = (const word_t *)from;
      const uint64_t a = source[0], b = source[1], c = source[2], d = source[3];
      word_t *target = (word_t *)to;
      target[0] = a, target[1] = b, target[2] = c, target[3] = d;
    }
    for (; bytes >= WORD; bytes -= WORD, to += WORD, from += WORD) *(word_t *)to = *(const word_t *)from;
  }
  for (; bytes != 0; bytes--) *to++ = *from++;
}

void *memcpy(void *to, const void *from, size_t bytes) {
  copy_forward(to, from, bytes);
  return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
  uint8_t *target = to;
  const uint8_t *source = from;
  if ((uintptr_t)target - (uintptr_t)source >= bytes) {
    copy_forward(target, source, bytes);
    return to;
  }
  target += bytes;
  source += bytes;
  if (MISALIGNED(target) == MISALIGNED(source)) {
    for (; bytes != 0 && MISALIGNED(target); bytes--) *--target = *--source;
    for (; bytes >= WORD; bytes -= WORD) {
      target -= WORD, source -= WORD;
      *(word_t *)target = *(const word_t *)source;
    }
  }
  for (; bytes != 0; bytes--) *--target = *--source;
  return to;
}

int memcmp(const void *left, const void *right, size_t bytes) {
  const uint8_t *a = left, *b = right;
  if (MISALIGNED(a) == MISALIGNED(b)) {
    for (; bytes != 0 && MISALIGNED(a) && *a == *b; bytes--) a++, b++;
    if (!MISALIGNED(a)) {
      for (; bytes >= WORD && *(const word_t *)a == *(const word_t *)b; bytes -= WORD) a += WORD, b += WORD;
    }
  }
  for (; bytes != 0; bytes--, a++, b++) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}

void *memchr(const void *from, int value, size_t bytes) {
  for (const uint8_t *at = from; bytes != 0; bytes--, at++) {
    if (*at == (uint8_t)value) return (void *)at;
  }
  return 0;
}
