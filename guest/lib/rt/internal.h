/* What the parts of the runtime need of each other. */
#ifndef FAULTLINE_LIB_RT_INTERNAL_H_
#define FAULTLINE_LIB_RT_INTERNAL_H_

#include <faultline/rt.h>

/* Lives at the top of the thread's stack, or in static memory for the first thread; tp points to it. */
struct rt_thread {
  zx_handle_t handle;
  zx_handle_t region; /* the VMAR that holds guard page and stack; ZX_HANDLE_INVALID for the first thread */
  intptr_t (*function)(void *);
  void *argument;
  intptr_t result;
};

/* A standard stream's buffer. */
struct rt_stream {
  rt_mutex_t lock;
  bool line_buffered;
  bool unbuffered; /* flushed at the end of each call */
  bool ended;
  zx_handle_t channel; /* or the debug log */
  bool is_log;
  uint32_t start; /* of the unread bytes, stdin only */
  uint32_t count; /* bytes in `message.bytes` */
  struct {
    uint32_t header[4];
    char bytes[8192];
  } message;
};

/* Gives the standard streams their channels. */
void rt_streams_open(void);
/* Writes out what the streams hold. */
void rt_streams_flush(void);

/* Makes the caller the thread that `thread` describes. */
static inline void rt_set_thread_pointer(rt_thread_t *thread) {
  __asm__ volatile("mv tp, %0" : : "r"(thread));
}
static inline rt_thread_t *rt_thread_pointer(void) {
  rt_thread_t *thread;
  __asm__ volatile("mv %0, tp" : "=r"(thread));
  return thread;
}

/* printf with a receiver of the pieces; returns their length in all. */
int rt_format(void (*put)(void *context, const char *text, size_t length), void *context, const char *format,
              va_list arguments);

#endif
