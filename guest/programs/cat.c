/*
 * cat [FILE...]
 *
 * Copies files, or standard input when there are none ("-" stands for it too), to standard output.
 * Exit code 1 when a file could not be read or the output was closed; the others are still copied.
 */
#include <faultline/protocol.h>
#include <faultline/rt.h>

static bool copy_input(void) {
  static char bytes[8192];
  for (;;) {
    size_t count;
    const zx_status_t status = rt_read(bytes, sizeof(bytes), &count);
    if (status != ZX_OK) {
      fprintf(stderr, "cat: standard input: %s\n", zx_status_get_string(status));
      return false;
    }
    if (count == 0) return true;
    if (fwrite(bytes, 1, count, stdout) != count) return false;
  }
}

static bool copy_file(const char *path) {
  rt_file_t file;
  const zx_status_t status = rt_map_file(path, FAULTLINE_OPEN_READ, &file);
  if (status != ZX_OK) {
    fflush(stdout);
    fprintf(stderr, "cat: %s: %s\n", path, zx_status_get_string(status));
    return false;
  }
  const bool written = fwrite(file.data, 1, file.size, stdout) == file.size;
  rt_unmap_file(&file);
  return written;
}

int main(int argc, char **argv) {
  bool fine = true;
  if (argc == 1) fine = copy_input();
  for (int i = 1; i < argc; i++) {
    fine = (strcmp(argv[i], "-") == 0 ? copy_input() : copy_file(argv[i])) && fine;
  }
  return fflush(stdout) == 0 && fine ? 0 : 1;
}
