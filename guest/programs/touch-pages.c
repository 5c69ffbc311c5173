/*
 * touch-pages FILE [STEP]
 *
 * Reads the first eight bytes of every page (or of each STEP-th one) of a file through a mapping, in rising order, and
 * prints how many pages that were and the sum of what it read. Meant for measuring page faults.
 */
#include <faultline/protocol.h>
#include <faultline/rt.h>

int main(int argc, char **argv) {
  uint64_t step = 1;
  if (argc < 2 || argc > 3 || (argc == 3 && (!rt_parse_u64(argv[2], &step) || step == 0))) {
    fputs("Usage: touch-pages FILE [STEP]\n", stderr);
    return 2;
  }
  rt_file_t file;
  rt_check(rt_map_file(argv[1], FAULTLINE_OPEN_READ, &file), argv[1]);
  uint64_t pages = 0, sum = 0;
  for (uint64_t at = 0; at < file.size; at += step * ZX_PAGE_SIZE, pages++) {
    sum += *(const volatile uint64_t *)(file.data + at);
  }
  printf("%lu pages, sum %016lx\n", pages, sum);
  return 0;
}
