/*
 * spawn PROGRAM [ARGUMENT...]
 *
 * Starts another program, waits for its end, prints its exit code, and ends with it.
 */
#include <faultline/rt.h>

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("Usage: spawn PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  zx_handle_t process = ZX_HANDLE_INVALID;
  rt_check(rt_spawn(argv[1], (const char *const *)argv + 1, 0, 0, 0, &process), argv[1]);
  int64_t code = 0;
  rt_check(rt_wait_process(process, &code), "the end of the program");
  printf("%s ended with %ld\n", argv[1], code);
  return (int)code;
}
