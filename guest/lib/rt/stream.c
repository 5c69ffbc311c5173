/* Standard streams: channels that speak the stream protocol, or the debug log where there is none. */
#include <faultline/protocol.h>
#include <zircon/syscalls/log.h>

#include "internal.h"

FILE rt_stdin, rt_stdout, rt_stderr;

_Static_assert(sizeof(((FILE *)0)->message.header) == sizeof(faultline_header_t), "header");
_Static_assert(sizeof(((FILE *)0)->message.bytes) == FAULTLINE_STREAM_BYTES, "buffer");

void rt_streams_open(void) {
  FILE *const streams[] = {stdin, stdout, stderr};
  for (uint32_t number = 0; number < 3; number++) {
    FILE *stream = streams[number];
    stream->channel = zx_take_startup_handle(PA_HND(PA_FD, number));
    if (stream->channel == ZX_HANDLE_INVALID && number != 0) {
      stream->is_log = zx_debuglog_create(ZX_HANDLE_INVALID, 0, &stream->channel) == ZX_OK;
      stream->line_buffered = true;
    }
    if (stream->channel == ZX_HANDLE_INVALID) stream->ended = true;
  }
  stderr->unbuffered = true;
}

/* One request and its reply, both in the stream's message; the stream is locked. */
static zx_status_t exchange(FILE *stream, uint32_t op, uint32_t arg, uint32_t bytes, uint32_t *reply_bytes) {
  faultline_header_t *header = (faultline_header_t *)stream->message.header;
  *header = (faultline_header_t){.op = op, .arg = arg};
  uint32_t handles = 0;
  const zx_channel_call_args_t call = {
      .wr_bytes = &stream->message,
      .wr_num_bytes = (uint32_t)sizeof(*header) + bytes,
      .rd_bytes = &stream->message,
      .rd_num_bytes = sizeof(stream->message),
  };
  const zx_status_t status = zx_channel_call(stream->channel, 0, ZX_TIME_INFINITE, &call, reply_bytes, &handles);
  if (status != ZX_OK) return status;
  if (*reply_bytes < sizeof(*header) || header->op != op) return ZX_ERR_IO_INVALID;
  return header->status;
}

/* Lines go to the log as records of their own. */
static void log_bytes(FILE *stream) {
  const char *at = stream->message.bytes;
  for (uint32_t left = stream->count; left != 0;) {
    const char *newline = memchr(at, '\n', left);
    uint32_t length = newline != 0 ? (uint32_t)(newline - at) : left;
    if (length > ZX_LOG_RECORD_DATA_MAX) length = ZX_LOG_RECORD_DATA_MAX;
    zx_debuglog_write(stream->channel, 0, at, length);
    if (at + length == newline) length++;
    at += length;
    left -= length;
  }
  stream->count = 0;
}

/* Sends what is buffered; the stream is locked. The reply overwrites the buffer, which is empty by then or lost. */
static int flush_locked(FILE *stream) {
  if (stream->ended) {
    stream->count = 0;
    return EOF;
  }
  if (stream->count == 0) return 0;
  if (stream->is_log) {
    log_bytes(stream);
    return 0;
  }
  uint32_t reply_bytes = 0;
  const zx_status_t status = exchange(stream, FAULTLINE_STREAM_WRITE, 0, stream->count, &reply_bytes);
  const uint32_t accepted = ((faultline_header_t *)stream->message.header)->arg;
  const bool whole = status == ZX_OK && accepted == stream->count;
  stream->count = 0;
  if (whole) return 0;
  stream->ended = true;
  return EOF;
}

static void put_in_stream(void *context, const char *text, size_t length) {
  FILE *stream = context;
  while (length != 0) {
    const size_t room = sizeof(stream->message.bytes) - stream->count;
    const size_t taken = length < room ? length : room;
    memcpy(stream->message.bytes + stream->count, text, taken);
    stream->count += (uint32_t)taken;
    text += taken;
    length -= taken;
    const bool ends_line = stream->line_buffered && text[-1] == '\n';
    if (stream->count == sizeof(stream->message.bytes) || ends_line) flush_locked(stream);
  }
}

static int finish(FILE *stream, int length) {
  const bool failed = (stream->unbuffered && flush_locked(stream) != 0) || stream->ended;
  rt_mutex_unlock(&stream->lock);
  return failed ? EOF : length;
}

int vfprintf(FILE *stream, const char *format, va_list arguments) {
  rt_mutex_lock(&stream->lock);
  return finish(stream, rt_format(put_in_stream, stream, format, arguments));
}

int fprintf(FILE *stream, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vfprintf(stream, format, arguments);
  va_end(arguments);
  return length;
}

int printf(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = vfprintf(stdout, format, arguments);
  va_end(arguments);
  return length;
}

size_t fwrite(const void *from, size_t size, size_t count, FILE *stream) {
  rt_mutex_lock(&stream->lock);
  put_in_stream(stream, from, size * count);
  return finish(stream, 0) == 0 ? count : 0;
}

int fputs(const char *text, FILE *stream) {
  rt_mutex_lock(&stream->lock);
  put_in_stream(stream, text, strlen(text));
  return finish(stream, 0);
}

int puts(const char *text) {
  rt_mutex_lock(&stdout->lock);
  put_in_stream(stdout, text, strlen(text));
  put_in_stream(stdout, "\n", 1);
  return finish(stdout, 0);
}

int putchar(int character) {
  const char byte = (char)character;
  return fwrite(&byte, 1, 1, stdout) == 1 ? (uint8_t)byte : EOF;
}

int fflush(FILE *stream) {
  rt_mutex_lock(&stream->lock);
  const int result = flush_locked(stream);
  rt_mutex_unlock(&stream->lock);
  return result;
}

void rt_line_buffered(FILE *stream, bool on) {
  rt_mutex_lock(&stream->lock);
  stream->line_buffered = on || stream->is_log;
  rt_mutex_unlock(&stream->lock);
}

void rt_streams_flush(void) {
  fflush(stdout);
  fflush(stderr);
}

/* Fetches more input when none is left; the stream is locked. */
static zx_status_t fill(FILE *stream) {
  if (stream->start != stream->count || stream->ended) return ZX_OK;
  stream->start = stream->count = 0;
  uint32_t reply_bytes = 0;
  const zx_status_t status = exchange(stream, FAULTLINE_STREAM_READ, FAULTLINE_STREAM_BYTES, 0, &reply_bytes);
  const faultline_header_t *header = (const faultline_header_t *)stream->message.header;
  if (status != ZX_OK) return status;
  if (header->arg > reply_bytes - sizeof(*header)) return ZX_ERR_IO_INVALID;
  stream->count = header->arg;
  if (stream->count == 0) stream->ended = true;
  return ZX_OK;
}

zx_status_t rt_read(void *to, size_t bytes, size_t *actual) {
  FILE *stream = stdin;
  *actual = 0;
  fflush(stdout);
  rt_mutex_lock(&stream->lock);
  const zx_status_t status = fill(stream);
  const size_t available = stream->count - stream->start;
  if (status == ZX_OK) {
    *actual = bytes < available ? bytes : available;
    memcpy(to, stream->message.bytes + stream->start, *actual);
    stream->start += (uint32_t)*actual;
  }
  rt_mutex_unlock(&stream->lock);
  return status;
}

char *fgets(char *to, int bytes, FILE *stream) {
  int length = 0;
  if (stream != stdin || bytes <= 0) return 0;
  fflush(stdout);
  rt_mutex_lock(&stream->lock);
  while (length < bytes - 1 && fill(stream) == ZX_OK && stream->start != stream->count) {
    const char character = stream->message.bytes[stream->start++];
    to[length++] = character;
    if (character == '\n') break;
  }
  rt_mutex_unlock(&stream->lock);
  to[length] = 0;
  return length == 0 ? 0 : to;
}
