/* Strings and numbers. */
#include <faultline/rt.h>

size_t strlen(const char *text) {
  const char *end = text;
  while (*end != 0) end++;
  return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length] != 0) length++;
  return length;
}

int strcmp(const char *left, const char *right) {
  while (*left != 0 && *left == *right) left++, right++;
  return (uint8_t)*left - (uint8_t)*right;
}

int strncmp(const char *left, const char *right, size_t limit) {
  for (; limit != 0; limit--, left++, right++) {
    if (*left != *right || *left == 0) return (uint8_t)*left - (uint8_t)*right;
  }
  return 0;
}

char *strchr(const char *text, int character) {
  for (;; text++) {
    if (*text == (char)character) return (char *)text;
    if (*text == 0) return 0;
  }
}

char *strrchr(const char *text, int character) {
  char *found = 0;
  for (;; text++) {
    if (*text == (char)character) found = (char *)text;
    if (*text == 0) return found;
  }
}

char *strstr(const char *text, const char *wanted) {
  const size_t length = strlen(wanted);
  for (;; text++) {
    if (strncmp(text, wanted, length) == 0) return (char *)text;
    if (*text == 0) return 0;
  }
}

char *strcpy(char *to, const char *from) {
  memcpy(to, from, strlen(from) + 1);
  return to;
}

char *strncpy(char *to, const char *from, size_t bytes) {
  const size_t length = strnlen(from, bytes);
  memcpy(to, from, length);
  memset(to + length, 0, bytes - length);
  return to;
}

char *strdup(const char *text) {
  const size_t bytes = strlen(text) + 1;
  char *copy = malloc(bytes);
  return copy == 0 ? 0 : memcpy(copy, text, bytes);
}

static int digit_value(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'z') return character - 'a' + 10;
  if (character >= 'A' && character <= 'Z') return character - 'A' + 10;
  return 36;
}

/* The digits' value; *overflow when it does not fit. Without digits *end is `text`. */
static uint64_t parse(const char *text, const char **end, bool *negative, int base, bool *overflow) {
  const char *at = text;
  while (*at == ' ' || (*at >= '\t' && *at <= '\r')) at++;
  *negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  if ((base == 0 || base == 16) && at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && digit_value(at[2]) < 16) {
    at += 2;
    base = 16;
  } else if (base == 0) {
    base = at[0] == '0' ? 8 : 10;
  }
  uint64_t value = 0;
  *overflow = false;
  *end = text;
  for (; digit_value(*at) < base; *end = ++at) {
    uint64_t scaled;
    if (__builtin_mul_overflow(value, (uint64_t)base, &scaled) ||
        __builtin_add_overflow(scaled, (uint64_t)digit_value(*at), &value)) {
      *overflow = true;
    }
  }
  return value;
}

unsigned long strtoul(const char *text, char **end, int base) {
  const char *stop;
  bool negative, overflow;
  const uint64_t value = parse(text, &stop, &negative, base, &overflow);
  if (end != 0) *end = (char *)stop;
  if (overflow) return UINT64_MAX;
  return negative ? -value : value;
}

long strtol(const char *text, char **end, int base) {
  const char *stop;
  bool negative, overflow;
  const uint64_t value = parse(text, &stop, &negative, base, &overflow);
  if (end != 0) *end = (char *)stop;
  if (negative) return overflow || value > (uint64_t)INT64_MAX + 1 ? INT64_MIN : (int64_t)-value;
  return overflow || value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

bool rt_parse_u64(const char *text, uint64_t *out) {
  const char *stop;
  bool negative, overflow;
  if (digit_value(*text) >= 10) return false;
  const bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  *out = parse(text, &stop, &negative, hexadecimal ? 16 : 10, &overflow);
  return *stop == 0 && !overflow;
}
