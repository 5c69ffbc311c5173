/*
 * The small C runtime of guest programs: strings, formatted print, heap, threads, standard streams, files.
 *
 * Names that C gives are C's, with C's meaning, except that there is no floating point, no locale and no errno. The
 * rest begins with rt_ and returns zx_status_t. Everything may be called from several threads, except where it says
 * otherwise. A program defines main and links with the runtime; start-up is in start.S and start.c.
 */
#ifndef FAULTLINE_RT_H_
#define FAULTLINE_RT_H_

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <faultline/elf-note.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

__BEGIN_CDECLS

/* ---- Memory and strings ---- */

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);
void *memchr(const void *from, int value, size_t bytes);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);
char *strstr(const char *text, const char *wanted);
char *strcpy(char *to, const char *from);
char *strncpy(char *to, const char *from, size_t bytes);
char *strdup(const char *text);

/* ---- Numbers ---- */

/* Digits in base 2 to 36, or by prefix (0x, 0) when base is 0. Saturates; *end (may be null) is behind the digits. */
unsigned long strtoul(const char *text, char **end, int base);
long strtol(const char *text, char **end, int base);
/* The whole text is a number, decimal or 0x hexadecimal, that fits. */
bool rt_parse_u64(const char *text, uint64_t *out);

/* ---- Heap ---- */

/* 16-byte aligned; null when memory is refused. Large blocks get mappings of their own, which free gives back. */
void *malloc(size_t bytes) __attribute__((__malloc__));
void *calloc(size_t count, size_t bytes) __attribute__((__malloc__));
void *realloc(void *block, size_t bytes);
/* A pointer that malloc did not give, or a second free of one, aborts. */
void free(void *block);

/* Zeroed pages at an address of the kernel's choice; `bytes` is rounded up to pages. They are committed on touch. */
zx_status_t rt_map_anonymous(size_t bytes, void **out);
zx_status_t rt_unmap(const void *address, size_t bytes);

/* ---- Start and end ---- */

/* Arguments and environment as main gets them. */
extern int rt_argc;
extern char **rt_argv;
extern char **environ;

/* The value of NAME in the environment, or null. */
char *getenv(const char *name);
/* Runs what atexit registered, newest first, flushes the streams and ends the process. */
void exit(int code) __NO_RETURN;
void _Exit(int code) __NO_RETURN;
/* Flushes stderr and ends by an illegal instruction, so that the end is reported as a crash. */
void abort(void) __NO_RETURN;
/* 0, or -1 when 32 functions are registered already. */
int atexit(void (*function)(void));

void rt_assert_failed(const char *expression, const char *file, int line) __NO_RETURN;
#ifndef assert
#define assert(expression) ((expression) ? (void)0 : rt_assert_failed(#expression, __FILE__, __LINE__))
#endif

/* Prints "PROGRAM: WHAT: ZX_ERR_..." on stderr and ends with exit code 1. */
void rt_fail(zx_status_t status, const char *what) __NO_RETURN;
/* rt_fail unless status is ZX_OK. */
void rt_check(zx_status_t status, const char *what);

/* ---- Standard streams ---- */

typedef struct rt_stream FILE;
extern FILE rt_stdin, rt_stdout, rt_stderr;
#define stdin (&rt_stdin)
#define stdout (&rt_stdout)
#define stderr (&rt_stderr)
#define EOF (-1)

/*
 * stdout collects up to 8 KiB and is flushed at exit; stderr is flushed at the end of each call. A stream for which the
 * process got no channel goes to the kernel's debug log. Calls return a negative number when the other end is gone.
 */
int printf(const char *format, ...) __PRINTFLIKE(1, 2);
int fprintf(FILE *stream, const char *format, ...) __PRINTFLIKE(2, 3);
int vfprintf(FILE *stream, const char *format, va_list arguments);
int snprintf(char *to, size_t bytes, const char *format, ...) __PRINTFLIKE(3, 4);
int vsnprintf(char *to, size_t bytes, const char *format, va_list arguments);
int puts(const char *text);
int putchar(int character);
int fputs(const char *text, FILE *stream);
size_t fwrite(const void *from, size_t size, size_t count, FILE *stream);
int fflush(FILE *stream);
/* Whether the stream is flushed at each end of line. */
void rt_line_buffered(FILE *stream, bool on);

/* Up to `bytes` of stdin, at least one unless the stream ended: ZX_OK with *actual 0. Flushes stdout first. */
zx_status_t rt_read(void *to, size_t bytes, size_t *actual);
/* A line of stdin with its end of line, cut at bytes - 1; null at the end of the stream. */
char *fgets(char *to, int bytes, FILE *stream);

/* ---- Threads ---- */

typedef struct rt_thread rt_thread_t;

/* Bytes of a thread's stack when 0 is asked for. */
#define RT_DEFAULT_STACK_BYTES ((size_t)64 * 1024)

/*
 * Starts function(argument) on a stack of its own with an unmapped guard page below.
 * The thread is given back by rt_thread_join only.
 */
zx_status_t rt_thread_create(rt_thread_t **out, const char *name, intptr_t (*function)(void *), void *argument,
                             size_t stack_bytes);
/* Waits for the end and gives everything back; *result (may be null) is what the function returned. */
zx_status_t rt_thread_join(rt_thread_t *thread, intptr_t *result);
/* Borrowed. */
zx_handle_t rt_thread_handle(const rt_thread_t *thread);

typedef struct rt_mutex {
  zx_futex_t state; /* 0 free, 1 held, 2 held and waited for */
} rt_mutex_t;
#define RT_MUTEX_INITIALIZER {0}
void rt_mutex_lock(rt_mutex_t *mutex);
bool rt_mutex_try_lock(rt_mutex_t *mutex);
void rt_mutex_unlock(rt_mutex_t *mutex);

typedef struct rt_condition {
  zx_futex_t sequence;
} rt_condition_t;
#define RT_CONDITION_INITIALIZER {0}
/* Gives the mutex back while it waits. May wake without a signal. ZX_ERR_TIMED_OUT after the deadline. */
zx_status_t rt_condition_wait(rt_condition_t *condition, rt_mutex_t *mutex, zx_time_t deadline);
void rt_condition_signal(rt_condition_t *condition);
void rt_condition_broadcast(rt_condition_t *condition);

/* ---- Files and programs ---- */

typedef struct rt_file {
  zx_handle_t vmo;
  uint64_t size; /* in bytes */
  uint8_t *data; /* null when the file is empty */
} rt_file_t;

/* Opens a file as a VMO; `flags` are FAULTLINE_OPEN_* of protocol.h. The handle is the caller's. */
zx_status_t rt_open(const char *path, uint32_t flags, zx_handle_t *vmo, uint64_t *size);
/* Opens and maps a whole file, readable, and writable when the flags say WRITE. No page is read by that. */
zx_status_t rt_map_file(const char *path, uint32_t flags, rt_file_t *out);
void rt_unmap_file(rt_file_t *file);
/* *kind is FAULTLINE_KIND_*. Either pointer may be null. */
zx_status_t rt_stat(const char *path, uint64_t *size, uint32_t *kind);
/* Calls `visit` for each entry, in the server's order, until it returns false. The name is NUL-terminated. */
zx_status_t rt_list(const char *path, bool (*visit)(void *context, uint32_t kind, const char *name), void *context);
/*
 * Starts another program. `argv` and `envp` end with null; envp null passes the own environment on. The handles (8 at
 * most) are consumed, whatever comes of it, and reach the child as PA_HND(PA_USER1, i).
 */
zx_status_t rt_spawn(const char *path, const char *const *argv, const char *const *envp, const zx_handle_t *handles,
                     uint32_t handle_count, zx_handle_t *process);
/* Waits for the end of a process; the handle stays the caller's. */
zx_status_t rt_wait_process(zx_handle_t process, int64_t *exit_code);

__END_CDECLS

#endif
