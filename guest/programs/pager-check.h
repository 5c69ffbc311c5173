/* What the pager of pager-demo serves, and how its users check it. */
#ifndef PROGRAMS_PAGER_CHECK_H_
#define PROGRAMS_PAGER_CHECK_H_

#include <faultline/rt.h>

#define WORDS_PER_PAGE (ZX_PAGE_SIZE / sizeof(uint64_t))

/* Each word tells which VMO, page and place it belongs to, so that a wrong page shows itself. */
static inline uint64_t pattern_word(uint64_t key, uint64_t page, uint64_t index) {
  if (index == 0) return key;
  if (index == 1) return page;
  return (key ^ page * 0x9e3779b97f4a7c15u) + index * 0xbf58476d1ce4e5b9u;
}

/* Whether the page holds what it should; says so on stdout when not. */
static inline bool check_page(const uint64_t *words, uint64_t key, uint64_t page) {
  for (uint64_t i = 0; i < WORDS_PER_PAGE; i++) {
    if (words[i] == pattern_word(key, page, i)) continue;
    printf("page %lu, word %lu: %016lx instead of %016lx\n", page, i, words[i], pattern_word(key, page, i));
    return false;
  }
  return true;
}

/*
 * Uses a VMO of `pages` pages (3 at least) that a pager serves: the first half through a mapping, from its end to its
 * start, the second half by one zx_vmo_read, except for the last page, which the pager refuses.
 */
static inline bool use_pages(zx_handle_t vmo, uint64_t key, uint64_t pages) {
  zx_vaddr_t address = 0;
  const uint64_t half = pages / 2;
  bool fine = true;
  rt_check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS, 0, vmo, 0, pages * ZX_PAGE_SIZE,
                       &address),
           "mapping the VMO");
  for (uint64_t page = half; page-- > 0;) {
    fine = check_page((const uint64_t *)(address + page * ZX_PAGE_SIZE), key, page) && fine;
  }
  printf("mapped: %lu pages checked\n", half);

  const uint64_t rest = pages - 1 - half;
  uint8_t *buffer = malloc(rest * ZX_PAGE_SIZE);
  if (buffer == 0) rt_fail(ZX_ERR_NO_MEMORY, "a buffer");
  zx_status_t status = zx_vmo_read(vmo, buffer, half * ZX_PAGE_SIZE, rest * ZX_PAGE_SIZE);
  printf("zx_vmo_read of %lu pages: %s\n", rest, zx_status_get_string(status));
  for (uint64_t page = half; page < pages - 1 && status == ZX_OK; page++) {
    fine = check_page((const uint64_t *)(buffer + (page - half) * ZX_PAGE_SIZE), key, page) && fine;
  }
  fine = fine && (status == ZX_OK || status == ZX_ERR_SHOULD_WAIT);

  status = zx_vmo_read(vmo, buffer, (pages - 1) * ZX_PAGE_SIZE, ZX_PAGE_SIZE);
  printf("zx_vmo_read of the refused page: %s\n", zx_status_get_string(status));
  fine = fine && (status == ZX_ERR_IO_DATA_INTEGRITY || status == ZX_ERR_SHOULD_WAIT);
  free(buffer);
  rt_check(rt_unmap((const void *)address, pages * ZX_PAGE_SIZE), "unmapping the VMO");
  return fine;
}

#endif
