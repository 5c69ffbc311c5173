/*
 * pager-client KEY PAGES
 *
 * Started by pager-demo: checks the pages of a VMO that it gets as PA_HND(PA_USER1, 0). Exit code 0 when all are right.
 */
#include "pager-check.h"

FAULTLINE_MAY_WAIT_FOR_PAGERS();

int main(int argc, char **argv) {
  uint64_t key, pages;
  const zx_handle_t vmo = zx_take_startup_handle(PA_HND(PA_USER1, 0));
  if (argc != 3 || !rt_parse_u64(argv[1], &key) || !rt_parse_u64(argv[2], &pages) || pages < 3 ||
      vmo == ZX_HANDLE_INVALID) {
    fputs("pager-client is started by pager-demo\n", stderr);
    return 2;
  }
  const bool fine = use_pages(vmo, key, pages);
  puts(fine ? "client: all pages are right" : "client: there are wrong pages");
  return fine ? 0 : 1;
}
