/* Formatted print: flags -+ #0, width, precision (also *), hh h l ll z j t, and d i u x X o c s p %. */
#include "internal.h"

typedef struct sink {
  void (*put)(void *context, const char *text, size_t length);
  void *context;
  size_t length;
} sink_t;

typedef struct conversion {
  bool left, plus, space, alternate, zero;
  int width;
  int precision; /* negative: none */
} conversion_t;

static void emit(sink_t *sink, const char *text, size_t length) {
  if (length != 0) sink->put(sink->context, text, length);
  sink->length += length;
}

static void pad(sink_t *sink, char character, int count) {
  char block[16];
  memset(block, character, sizeof(block));
  for (; count > 0; count -= (int)sizeof(block)) {
    emit(sink, block, count < (int)sizeof(block) ? (size_t)count : sizeof(block));
  }
}

static void emit_field(sink_t *sink, const conversion_t *how, const char *text, size_t length) {
  const int room = how->width > (int)length ? how->width - (int)length : 0;
  if (!how->left) pad(sink, ' ', room);
  emit(sink, text, length);
  if (how->left) pad(sink, ' ', room);
}

static void emit_number(sink_t *sink, const conversion_t *how, uint64_t value, unsigned base, const char *digits,
                        const char *prefix) {
  char text[24];
  char *at = text + sizeof(text);
  for (uint64_t rest = value; rest != 0; rest /= base) *--at = digits[rest % base];
  const int length = (int)(text + sizeof(text) - at);
  const int prefix_length = (int)strlen(prefix);

  int zeros = how->precision > length ? how->precision - length : 0;
  if (how->precision < 0 && length == 0) zeros = 1;
  const int used = prefix_length + zeros + length;
  int room = how->width > used ? how->width - used : 0;
  if (how->zero && !how->left && how->precision < 0) {
    zeros += room;
    room = 0;
  }
  if (!how->left) pad(sink, ' ', room);
  emit(sink, prefix, (size_t)prefix_length);
  pad(sink, '0', zeros);
  emit(sink, at, (size_t)length);
  if (how->left) pad(sink, ' ', room);
}

/* Bytes of an integer argument after a length modifier; moves the format on. */
static size_t argument_bytes(const char **format) {
  switch (*(*format)++) {
    case 'h':
      if (**format != 'h') return sizeof(short);
      (*format)++;
      return sizeof(char);
    case 'l':
      if (**format == 'l') (*format)++;
      return sizeof(long);
    case 'z':
    case 'j':
    case 't':
      return sizeof(size_t);
    default:
      (*format)--;
      return sizeof(int);
  }
}

static int64_t narrow_signed(int64_t value, size_t bytes) {
  const unsigned shift = (unsigned)(8 - bytes) * 8;
  return (int64_t)((uint64_t)value << shift) >> shift;
}

static uint64_t narrow_unsigned(uint64_t value, size_t bytes) {
  const unsigned shift = (unsigned)(8 - bytes) * 8;
  return value << shift >> shift;
}

static const char lower_digits[] = "0123456789abcdef";
static const char upper_digits[] = "0123456789ABCDEF";

int rt_format(void (*put)(void *context, const char *text, size_t length), void *context, const char *format,
              va_list arguments) {
  sink_t sink = {put, context, 0};
  for (;;) {
    const char *plain = format;
    while (*format != 0 && *format != '%') format++;
    emit(&sink, plain, (size_t)(format - plain));
    if (*format == 0) return (int)sink.length;
    format++;

    conversion_t how = {.precision = -1};
    for (bool flags = true; flags;) {
      switch (*format) {
        case '-': how.left = true; break;
        case '+': how.plus = true; break;
        case ' ': how.space = true; break;
        case '#': how.alternate = true; break;
        case '0': how.zero = true; break;
        default: flags = false; continue;
      }
      format++;
    }
    if (*format == '*') {
      format++;
      how.width = va_arg(arguments, int);
      if (how.width < 0) how.left = true, how.width = -how.width;
    } else {
      while (*format >= '0' && *format <= '9') how.width = how.width * 10 + (*format++ - '0');
    }
    if (*format == '.') {
      format++;
      how.precision = 0;
      if (*format == '*') {
        format++;
        how.precision = va_arg(arguments, int);
      } else {
        while (*format >= '0' && *format <= '9') how.precision = how.precision * 10 + (*format++ - '0');
      }
    }
    const size_t bytes = argument_bytes(&format);
    const char kind = *format;
    if (kind == 0) return (int)sink.length;
    format++;

    switch (kind) {
      case 'd':
      case 'i': {
        const int64_t wide = bytes == 8 ? va_arg(arguments, int64_t) : va_arg(arguments, int);
        const int64_t value = narrow_signed(wide, bytes);
        const char *sign = value < 0 ? "-" : how.plus ? "+" : how.space ? " " : "";
        emit_number(&sink, &how, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, lower_digits, sign);
        break;
      }
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        const uint64_t wide = bytes == 8 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
        const uint64_t value = narrow_unsigned(wide, bytes);
        const char *prefix = "";
        if (how.alternate && value != 0) prefix = kind == 'x' ? "0x" : kind == 'X' ? "0X" : kind == 'o' ? "0" : "";
        emit_number(&sink, &how, value, kind == 'u' ? 10 : kind == 'o' ? 8 : 16,
                    kind == 'X' ? upper_digits : lower_digits, prefix);
        break;
      }
      case 'p':
        emit_number(&sink, &how, (uintptr_t)va_arg(arguments, void *), 16, lower_digits, "0x");
        break;
      case 'c': {
        const char character = (char)va_arg(arguments, int);
        emit_field(&sink, &how, &character, 1);
        break;
      }
      case 's': {
        const char *text = va_arg(arguments, const char *);
        if (text == 0) text = "(null)";
        emit_field(&sink, &how, text, how.precision < 0 ? strlen(text) : strnlen(text, (size_t)how.precision));
        break;
      }
      case '%':
        emit(&sink, "%", 1);
        break;
      default: /* unknown: shown as it is */
        emit(&sink, "%", 1);
        emit(&sink, &kind, 1);
    }
  }
}

typedef struct buffer {
  char *at, *end;
} buffer_t;

static void put_in_buffer(void *context, const char *text, size_t length) {
  buffer_t *buffer = context;
  const size_t room = (size_t)(buffer->end - buffer->at);
  const size_t taken = length < room ? length : room;
  memcpy(buffer->at, text, taken);
  buffer->at += taken;
}

int vsnprintf(char *to, size_t bytes, const char *format, va_list arguments) {
  char none;
  buffer_t buffer = bytes == 0 ? (buffer_t){&none, &none} : (buffer_t){to, to + bytes - 1};
  const int length = rt_format(put_in_buffer, &buffer, format, arguments);
  if (bytes != 0) *buffer.at = 0;
  return length;
}

int snprintf(char *to, size_t bytes, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(to, bytes, format, arguments);
  va_end(arguments);
  return length;
}
