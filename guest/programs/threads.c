/*
 * threads FILE [THREADS]
 *
 * Threads (default 4) read a file through one mapping. The pages of its first half are dealt out, so that they fault
 * on different pages; the pages of the second half are read by all of them in the same order, so that they fault on the
 * same ones. Every sum is compared with that of a single thread afterwards. Exit code 1 when one differs.
 */
#include <faultline/protocol.h>
#include <faultline/rt.h>

#define MAX_THREADS 64

static rt_file_t file;
static uint64_t thread_count = 4;
static uint64_t page_count;

/* All threads set out together. */
static zx_futex_t arrived;
static zx_futex_t go;

/* Counted with an atomic addition, with a compare-and-swap loop, and under a mutex; they have to agree. */
static uint64_t pages_by_addition;
static uint64_t pages_by_swap;
static uint64_t pages_by_mutex;
static rt_mutex_t lock = RT_MUTEX_INITIALIZER;
static rt_condition_t all_ready = RT_CONDITION_INITIALIZER;

typedef struct worker {
  rt_thread_t *thread;
  uint64_t index;
  uint64_t own_sum;    /* of its share of the first half */
  uint64_t shared_sum; /* of the whole second half */
} worker_t;

static uint64_t sum_page(uint64_t page) {
  const uint64_t start = page * ZX_PAGE_SIZE;
  const uint64_t bytes = file.size - start < ZX_PAGE_SIZE ? file.size - start : ZX_PAGE_SIZE;
  uint64_t sum = 0;
  for (uint64_t at = 0; at < bytes; at++) sum += (uint64_t)file.data[start + at] * (page + 1);
  return sum;
}

static void count_page(void) {
  __atomic_fetch_add(&pages_by_addition, 1, __ATOMIC_RELAXED);
  uint64_t seen = __atomic_load_n(&pages_by_swap, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&pages_by_swap, &seen, seen + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  rt_mutex_lock(&lock);
  pages_by_mutex++;
  rt_mutex_unlock(&lock);
}

static void wait_for_start(void) {
  rt_mutex_lock(&lock);
  arrived++;
  rt_condition_signal(&all_ready);
  rt_mutex_unlock(&lock);
  while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) == 0) zx_futex_wait(&go, 0, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
}

static intptr_t work(void *argument) {
  worker_t *worker = argument;
  wait_for_start();
  for (uint64_t page = worker->index; page < page_count / 2; page += thread_count) {
    worker->own_sum += sum_page(page);
    count_page();
  }
  for (uint64_t page = page_count / 2; page < page_count; page++) {
    worker->shared_sum += sum_page(page);
    count_page();
  }
  return (intptr_t)worker->index;
}

int main(int argc, char **argv) {
  if (argc < 2 || (argc > 2 && (!rt_parse_u64(argv[2], &thread_count) || thread_count == 0 || thread_count > MAX_THREADS))) {
    fputs("Usage: threads FILE [THREADS]\n", stderr);
    return 2;
  }
  rt_check(rt_map_file(argv[1], FAULTLINE_OPEN_READ, &file), argv[1]);
  page_count = (file.size + ZX_PAGE_MASK) / ZX_PAGE_SIZE;

  static worker_t workers[MAX_THREADS];
  for (uint64_t i = 0; i < thread_count; i++) {
    workers[i].index = i;
    rt_check(rt_thread_create(&workers[i].thread, "worker", work, &workers[i], 0), "a thread");
  }
  rt_mutex_lock(&lock);
  while ((uint64_t)arrived < thread_count) rt_condition_wait(&all_ready, &lock, ZX_TIME_INFINITE);
  rt_mutex_unlock(&lock);
  __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
  zx_futex_wake(&go, UINT32_MAX);

  uint64_t first_half = 0;
  bool fine = true;
  for (uint64_t i = 0; i < thread_count; i++) {
    intptr_t result = -1;
    rt_check(rt_thread_join(workers[i].thread, &result), "joining a thread");
    fine = fine && result == (intptr_t)i;
    first_half += workers[i].own_sum;
  }

  uint64_t expected_first = 0, expected_second = 0;
  for (uint64_t page = 0; page < page_count / 2; page++) expected_first += sum_page(page);
  for (uint64_t page = page_count / 2; page < page_count; page++) expected_second += sum_page(page);
  for (uint64_t i = 0; i < thread_count; i++) fine = fine && workers[i].shared_sum == expected_second;
  fine = fine && first_half == expected_first;

  const uint64_t expected_pages = page_count / 2 + (page_count - page_count / 2) * thread_count;
  fine = fine && pages_by_addition == expected_pages && pages_by_swap == expected_pages && pages_by_mutex == expected_pages;
  printf("%lu threads, %lu pages, %lu page reads, checksum %016lx\n", thread_count, page_count, pages_by_addition,
         expected_first + expected_second);
  puts(fine ? "all sums agree" : "the sums differ");
  return fine ? 0 : 1;
}
