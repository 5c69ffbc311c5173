/*
 * The heap. Blocks up to 32 KiB come in size classes, each with a list of free blocks, cut from chunks of memory that
 * are mapped as the heap grows; larger ones are mappings of their own.
 */
#include "internal.h"

#define ALIGNMENT 16u
#define FINE_LIMIT 1024u           /* multiples of 16 up to here */
#define SMALL_LIMIT (32u * 1024u)  /* then four classes a doubling up to here */
#define FINE_CLASSES (FINE_LIMIT / ALIGNMENT)
#define CLASS_COUNT (FINE_CLASSES + 4u * 5u)
#define LARGE_CLASS 0xffffu
#define FIRST_CHUNK_BYTES ((size_t)256 * 1024)
#define LAST_CHUNK_BYTES ((size_t)16 * 1024 * 1024)

#define USED 0x75736564u
#define FREE 0x66726565u

/* In front of each block. */
typedef struct header {
  uint32_t state;
  uint32_t class_index;
  size_t bytes; /* that the caller may use */
} header_t;

typedef struct free_block {
  struct free_block *next;
} free_block_t;

static rt_mutex_t heap_lock = RT_MUTEX_INITIALIZER;
static free_block_t *free_blocks[CLASS_COUNT];
static uint8_t *chunk_at, *chunk_end;
static size_t next_chunk_bytes = FIRST_CHUNK_BYTES;

zx_status_t rt_map_anonymous(size_t bytes, void **out) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_vaddr_t address = 0;
  if (bytes > SIZE_MAX - ZX_PAGE_MASK) return ZX_ERR_OUT_OF_RANGE;
  bytes = (bytes + ZX_PAGE_MASK) & ~ZX_PAGE_MASK;
  zx_status_t status = zx_vmo_create(bytes, 0, &vmo);
  if (status != ZX_OK) return status;
  status = zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, vmo, 0, bytes, &address);
  zx_handle_close(vmo);
  if (status == ZX_OK) *out = (void *)address;
  return status;
}

zx_status_t rt_unmap(const void *address, size_t bytes) {
  return zx_vmar_unmap(zx_vmar_root_self(), (zx_vaddr_t)address, (bytes + ZX_PAGE_MASK) & ~ZX_PAGE_MASK);
}

static size_t class_bytes(uint32_t index) {
  if (index < FINE_CLASSES) return ((size_t)index + 1) * ALIGNMENT;
  const uint32_t step = index - FINE_CLASSES;
  return ((size_t)(FINE_LIMIT / 4) << (step / 4)) * (5 + step % 4);
}

/* The smallest class that holds `bytes`, which is 1 to SMALL_LIMIT. */
static uint32_t class_of(size_t bytes) {
  if (bytes <= FINE_LIMIT) return (uint32_t)((bytes - 1) / ALIGNMENT);
  uint32_t index = FINE_CLASSES;
  while (class_bytes(index) < bytes) index++;
  return index;
}

static void push_free(uint8_t *at, uint32_t class_index) {
  *(header_t *)at = (header_t){FREE, class_index, class_bytes(class_index)};
  free_block_t *block = (free_block_t *)(at + sizeof(header_t));
  block->next = free_blocks[class_index];
  free_blocks[class_index] = block;
}

/* A new chunk; what is left of the old one is shared out as free blocks. */
static bool grow(void) {
  size_t left;
  while ((left = (size_t)(chunk_end - chunk_at)) >= sizeof(header_t) + ALIGNMENT) {
    size_t bytes = left - sizeof(header_t);
    if (bytes > SMALL_LIMIT) bytes = SMALL_LIMIT;
    uint32_t class_index = class_of(bytes);
    if (class_bytes(class_index) > bytes) class_index--;
    push_free(chunk_at, class_index);
    chunk_at += sizeof(header_t) + class_bytes(class_index);
  }
  void *chunk;
  if (rt_map_anonymous(next_chunk_bytes, &chunk) != ZX_OK) return false;
  chunk_at = chunk;
  chunk_end = chunk_at + next_chunk_bytes;
  if (next_chunk_bytes < LAST_CHUNK_BYTES) next_chunk_bytes *= 2;
  return true;
}

static header_t *take_small(uint32_t class_index) {
  free_block_t *block = free_blocks[class_index];
  if (block != 0) {
    free_blocks[class_index] = block->next;
    return (header_t *)block - 1;
  }
  const size_t bytes = sizeof(header_t) + class_bytes(class_index);
  if ((size_t)(chunk_end - chunk_at) < bytes && !grow()) return 0;
  header_t *header = (header_t *)chunk_at;
  chunk_at += bytes;
  return header;
}

void *malloc(size_t bytes) {
  header_t *header;
  if (bytes == 0) bytes = 1;
  if (bytes <= SMALL_LIMIT) {
    const uint32_t class_index = class_of(bytes);
    rt_mutex_lock(&heap_lock);
    header = take_small(class_index);
    rt_mutex_unlock(&heap_lock);
    if (header == 0) return 0;
    *header = (header_t){USED, class_index, class_bytes(class_index)};
  } else {
    void *pages;
    if (bytes > SIZE_MAX - sizeof(header_t) || rt_map_anonymous(bytes + sizeof(header_t), &pages) != ZX_OK) return 0;
    header = pages;
    const size_t mapped = (bytes + sizeof(header_t) + ZX_PAGE_MASK) & ~ZX_PAGE_MASK;
    *header = (header_t){USED, LARGE_CLASS, mapped - sizeof(header_t)};
  }
  return header + 1;
}

/* The header of a block in use; aborts on anything else. */
static header_t *header_of(void *block) {
  header_t *header = (header_t *)block - 1;
  if ((uintptr_t)block % ALIGNMENT != 0 || header->state != USED ||
      (header->class_index >= CLASS_COUNT && header->class_index != LARGE_CLASS)) {
    fprintf(stderr, "free of %p, which is no block in use\n", block);
    abort();
  }
  return header;
}

void free(void *block) {
  if (block == 0) return;
  header_t *header = header_of(block);
  if (header->class_index == LARGE_CLASS) {
    rt_unmap(header, sizeof(header_t) + header->bytes);
    return;
  }
  rt_mutex_lock(&heap_lock);
  push_free((uint8_t *)header, header->class_index);
  rt_mutex_unlock(&heap_lock);
}

void *calloc(size_t count, size_t bytes) {
  size_t all;
  if (__builtin_mul_overflow(count, bytes, &all)) return 0;
  void *block = malloc(all);
  /* A mapping of its own is zero already, and must not be touched for it. */
  if (block != 0 && ((header_t *)block - 1)->class_index != LARGE_CLASS) memset(block, 0, all);
  return block;
}

void *realloc(void *block, size_t bytes) {
  if (block == 0) return malloc(bytes);
  const header_t *header = header_of(block);
  if (bytes <= header->bytes && bytes >= header->bytes / 4) return block;
  void *moved = malloc(bytes);
  if (moved == 0) return 0;
  memcpy(moved, block, bytes < header->bytes ? bytes : header->bytes);
  free(block);
  return moved;
}
