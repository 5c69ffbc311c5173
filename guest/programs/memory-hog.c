/*
 * memory-hog commit [MIB_A_STEP]   commits memory by system calls until it is refused; prints the status; exit code 0
 * memory-hog touch [MIB_A_STEP]    writes to mapped memory until something ends the process
 * memory-hog handles               creates events until that is refused; prints the status; exit code 0
 */
#include <faultline/rt.h>

static int commit_until_refused(size_t step) {
  for (uint64_t committed = 0;; committed += step) {
    zx_handle_t vmo = ZX_HANDLE_INVALID;
    zx_status_t status = zx_vmo_create(step, 0, &vmo);
    if (status == ZX_OK) status = zx_vmo_op_range(vmo, ZX_VMO_OP_COMMIT, 0, step, 0, 0);
    if (status != ZX_OK) {
      printf("refused after %lu MiB: %s\n", committed >> 20, zx_status_get_string(status));
      return 0;
    }
  }
}

static int touch_until_killed(size_t step) {
  for (uint64_t touched = 0;; touched += step) {
    void *pages;
    const zx_status_t status = rt_map_anonymous(step, &pages);
    if (status != ZX_OK) {
      printf("refused after %lu MiB: %s\n", touched >> 20, zx_status_get_string(status));
      return 0;
    }
    for (size_t at = 0; at < step; at += ZX_PAGE_SIZE) ((volatile uint8_t *)pages)[at] = 1;
  }
}

static int handles_until_refused(void) {
  for (uint64_t count = 0;; count++) {
    zx_handle_t event;
    const zx_status_t status = zx_event_create(0, &event);
    if (status != ZX_OK) {
      printf("refused after %lu events: %s\n", count, zx_status_get_string(status));
      return 0;
    }
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  uint64_t mib = 1;
  if (argc <= 2 || (rt_parse_u64(argv[2], &mib) && mib >= 1 && mib <= 1024)) {
    if (strcmp(mode, "commit") == 0) return commit_until_refused(mib << 20);
    if (strcmp(mode, "touch") == 0) return touch_until_killed(mib << 20);
    if (strcmp(mode, "handles") == 0) return handles_until_refused();
  }
  fputs("Usage: memory-hog commit|touch [MIB_A_STEP] | handles\n", stderr);
  return 2;
}
