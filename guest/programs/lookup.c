/*
 * lookup FILE WORD...          looks words up in a file of sorted lines, by binary search
 * lookup --scan FILE WORD...   finds the same words by reading everything
 *
 * Lines are sorted by their bytes and end with a line feed, which the last one may lack. For each word one line is
 * printed: "WORD: found at OFFSET" (bytes, of the start of its line) or "WORD: not found". A binary search touches a
 * few bytes around each probe, so of a mapped file only the pages of those are read.
 * Exit code 0, also when words are not found; 1 when the file cannot be read, 2 for wrong arguments.
 */
#include <faultline/protocol.h>
#include <faultline/rt.h>

static const uint8_t *text;
static uint64_t size;
static uint64_t probes;

/* Less than, equal to or greater than 0 as the line at `start` sorts before, is or sorts after `word`. */
static int compare_line(uint64_t start, const char *word) {
  for (uint64_t at = start; at < size && text[at] != '\n'; at++, word++) {
    /* A word that ends here sorts before the line, whatever the line's next byte is. */
    if (*word == 0) return 1;
    if (text[at] != (uint8_t)*word) return text[at] - (uint8_t)*word;
  }
  return *word == 0 ? 0 : -1;
}

static bool search(const char *word, uint64_t *offset) {
  /* Both are starts of lines; what is looked for starts in [low, high). */
  uint64_t low = 0, high = size;
  while (low < high) {
    uint64_t start = low + (high - low) / 2;
    /* In the middle of its page: a line that is looked at there seldom reaches into the next one. */
    if (high - low > 2 * ZX_PAGE_SIZE) start = (start & ~(uint64_t)(ZX_PAGE_SIZE - 1)) + ZX_PAGE_SIZE / 2;
    while (start > low && text[start - 1] != '\n') start--;
    const int order = compare_line(start, word);
    probes++;
    if (order == 0) {
      *offset = start;
      return true;
    }
    if (order > 0) {
      high = start;
      continue;
    }
    low = start;
    while (low < size && text[low] != '\n') low++;
    if (low < size) low++;
  }
  return false;
}

static void print_result(const char *word, bool found, uint64_t offset) {
  if (found) {
    printf("%s: found at %lu\n", word, offset);
  } else {
    printf("%s: not found\n", word);
  }
}

static void look_up(char **words, int count) {
  for (int i = 0; i < count; i++) {
    uint64_t offset = 0;
    const bool found = search(words[i], &offset);
    print_result(words[i], found, offset);
  }
  printf("%d words, %lu probes\n", count, probes);
}

/* Sum of the words of eight bytes, each turned by its place; the last one is filled up with zeros. */
static uint64_t checksum(void) {
  uint64_t sum = 0, at = 0;
  for (; at + 8 <= size; at += 8) sum = (sum << 1 | sum >> 63) + *(const uint64_t *)(text + at);
  if (at < size) {
    uint64_t last = 0;
    memcpy(&last, text + at, size - at);
    sum = (sum << 1 | sum >> 63) + last;
  }
  return sum;
}

typedef struct wanted {
  const char *word;
  size_t length;
  bool found;
  uint64_t offset;
} wanted_t;

static void check_line(uint64_t start, uint64_t end, wanted_t *wanted, int count) {
  for (int i = 0; i < count; i++) {
    if (end - start == wanted[i].length && !wanted[i].found &&
        memcmp(text + start, wanted[i].word, wanted[i].length) == 0) {
      wanted[i].found = true;
      wanted[i].offset = start;
    }
  }
}

static void scan(char **words, int count) {
  wanted_t *wanted = calloc((size_t)count, sizeof(wanted_t));
  if (wanted == 0) rt_fail(ZX_ERR_NO_MEMORY, "the list of words");
  for (int i = 0; i < count; i++) wanted[i] = (wanted_t){.word = words[i], .length = strlen(words[i])};

  uint64_t lines = 0, start = 0;
  const uint8_t *const end = text + size;
  for (const uint8_t *at = text; at != end; at++) {
    if (*at != '\n') continue;
    check_line(start, (uint64_t)(at - text), wanted, count);
    start = (uint64_t)(at - text) + 1;
    lines++;
  }
  if (start < size) {
    check_line(start, size, wanted, count);
    lines++;
  }
  for (int i = 0; i < count; i++) print_result(wanted[i].word, wanted[i].found, wanted[i].offset);
  printf("%lu bytes, %lu lines, checksum %016lx\n", size, lines, checksum());
  free(wanted);
}

int main(int argc, char **argv) {
  const bool scanning = argc > 1 && strcmp(argv[1], "--scan") == 0;
  const int first = scanning ? 2 : 1;
  if (argc < first + 2) {
    fputs("Usage: lookup [--scan] FILE WORD...\n", stderr);
    return 2;
  }
  rt_file_t file;
  rt_check(rt_map_file(argv[first], FAULTLINE_OPEN_READ, &file), argv[first]);
  text = file.data;
  size = file.size;
  if (scanning) {
    scan(argv + first + 1, argc - first - 1);
  } else {
    look_up(argv + first + 1, argc - first - 1);
  }
  return 0;
}
