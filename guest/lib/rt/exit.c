/* The end of a program, and how errors are told. */
#include "internal.h"

static void (*exit_functions[32])(void);
static uint32_t exit_function_count;
static rt_mutex_t exit_lock = RT_MUTEX_INITIALIZER;

int atexit(void (*function)(void)) {
  rt_mutex_lock(&exit_lock);
  const bool room = exit_function_count < sizeof(exit_functions) / sizeof(exit_functions[0]);
  if (room) exit_functions[exit_function_count++] = function;
  rt_mutex_unlock(&exit_lock);
  return room ? 0 : -1;
}

static void (*next_exit_function(void))(void) {
  rt_mutex_lock(&exit_lock);
  void (*function)(void) = exit_function_count != 0 ? exit_functions[--exit_function_count] : 0;
  rt_mutex_unlock(&exit_lock);
  return function;
}

void _Exit(int code) { zx_process_exit(code); }

void exit(int code) {
  for (void (*function)(void); (function = next_exit_function()) != 0;) function();
  rt_streams_flush();
  _Exit(code);
}

void abort(void) {
  fflush(stderr);
  __asm__ volatile("unimp");
  __builtin_unreachable();
}

char *getenv(const char *name) {
  const size_t length = strlen(name);
  for (char **entry = environ; *entry != 0; entry++) {
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
  }
  return 0;
}

void rt_assert_failed(const char *expression, const char *file, int line) {
  fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  abort();
}

void rt_fail(zx_status_t status, const char *what) {
  const char *program = rt_argc > 0 ? rt_argv[0] : "program";
  fflush(stdout);
  fprintf(stderr, "%s: %s: %s (%d)\n", program, what, zx_status_get_string(status), status);
  exit(1);
}

void rt_check(zx_status_t status, const char *what) {
  if (status != ZX_OK) rt_fail(status, what);
}
