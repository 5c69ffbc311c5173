/*
 * wc FILE...
 *
 * Prints lines, words and bytes of each file. Exit code 1 when one could not be read.
 */
#include <faultline/protocol.h>
#include <faultline/rt.h>

int main(int argc, char **argv) {
  int result = 0;
  for (int i = 1; i < argc; i++) {
    rt_file_t file;
    const zx_status_t status = rt_map_file(argv[i], FAULTLINE_OPEN_READ, &file);
    if (status != ZX_OK) {
      fflush(stdout);
      fprintf(stderr, "wc: %s: %s\n", argv[i], zx_status_get_string(status));
      result = 1;
      continue;
    }
    uint64_t lines = 0, words = 0;
    bool in_word = false;
    for (uint64_t at = 0; at < file.size; at++) {
      const uint8_t byte = file.data[at];
      const bool space = byte == ' ' || (byte >= '\t' && byte <= '\r');
      lines += byte == '\n';
      words += !space && !in_word;
      in_word = !space;
    }
    printf("%lu %lu %lu %s\n", lines, words, file.size, argv[i]);
    rt_unmap_file(&file);
  }
  return result;
}
