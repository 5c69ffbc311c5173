/*
 * ls [DIRECTORY]
 *
 * Prints the entries of a directory in the server's order: "d" or "f", size in bytes ("-" for a directory), name.
 */
#include <faultline/protocol.h>
#include <faultline/rt.h>

typedef struct listing {
  const char *directory;
  uint64_t entries;
} listing_t;

static bool print_entry(void *context, uint32_t kind, const char *name) {
  listing_t *listing = context;
  listing->entries++;
  if (kind == FAULTLINE_KIND_DIRECTORY) {
    printf("d %12s %s\n", "-", name);
    return true;
  }
  char path[4096];
  uint64_t size = 0;
  snprintf(path, sizeof(path), "%s/%s", listing->directory, name);
  const zx_status_t status = rt_stat(path, &size, 0);
  if (status == ZX_OK) {
    printf("f %12lu %s\n", size, name);
  } else {
    printf("? %12s %s (%s)\n", "-", name, zx_status_get_string(status));
  }
  return true;
}

int main(int argc, char **argv) {
  listing_t listing = {argc > 1 ? argv[1] : ".", 0};
  rt_check(rt_list(listing.directory, print_entry, &listing), listing.directory);
  printf("%lu entries\n", listing.entries);
  return 0;
}
