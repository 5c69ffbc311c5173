/* What compiled C++ calls: the heap, ends of static objects, guards of local ones. There are no exceptions. */
#include <atomic>
#include <cstdlib>
#include <new>

namespace std {
const nothrow_t nothrow{};
}

/* Nothing can be thrown when memory is refused. */
static void *allocate(size_t bytes) {
  void *block = malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) rt_fail(ZX_ERR_NO_MEMORY, "operator new");
  return block;
}

void *operator new(size_t bytes) { return allocate(bytes); }
void *operator new[](size_t bytes) { return allocate(bytes); }
void *operator new(size_t bytes, const std::nothrow_t &) noexcept { return malloc(bytes == 0 ? 1 : bytes); }
void *operator new[](size_t bytes, const std::nothrow_t &) noexcept { return malloc(bytes == 0 ? 1 : bytes); }
void operator delete(void *block) noexcept { free(block); }
void operator delete[](void *block) noexcept { free(block); }
void operator delete(void *block, size_t) noexcept { free(block); }
void operator delete[](void *block, size_t) noexcept { free(block); }

namespace {

struct end_t {
  void (*function)(void *);
  void *object;
};

end_t ends[64];
std::atomic<uint32_t> end_count{0};

/* In the reverse order of the constructions. */
void run_ends() {
  for (uint32_t count = end_count.exchange(0); count > 0; count--) ends[count - 1].function(ends[count - 1].object);
}

/* Second half of a guard; the first byte of the guard says that the object is there. */
enum : zx_futex_t { kIdle = 0, kBusy = 1, kAwaited = 2 };

}  // namespace

extern "C" {

__LOCAL void *__dso_handle = nullptr;

int __cxa_atexit(void (*function)(void *), void *object, void *);
int __cxa_atexit(void (*function)(void *), void *object, void *) {
  const uint32_t index = end_count.fetch_add(1);
  if (index >= sizeof(ends) / sizeof(ends[0])) abort();
  ends[index] = {function, object};
  return index == 0 ? atexit(run_ends) : 0;
}

void __cxa_pure_virtual();
void __cxa_pure_virtual() { abort(); }

int __cxa_guard_acquire(uint64_t *guard);
int __cxa_guard_acquire(uint64_t *guard) {
  auto *done = reinterpret_cast<uint8_t *>(guard);
  auto *state = reinterpret_cast<zx_futex_t *>(guard) + 1;
  for (;;) {
    if (__atomic_load_n(done, __ATOMIC_ACQUIRE) != 0) return 0;
    zx_futex_t seen = kIdle;
    if (__atomic_compare_exchange_n(state, &seen, kBusy, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
      if (__atomic_load_n(done, __ATOMIC_ACQUIRE) == 0) return 1;
      __atomic_store_n(state, kIdle, __ATOMIC_RELEASE);
      return 0;
    }
    if (seen == kBusy && !__atomic_compare_exchange_n(state, &seen, kAwaited, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      continue;
    zx_futex_wait(state, kAwaited, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
  }
}

void __cxa_guard_release(uint64_t *guard);
void __cxa_guard_release(uint64_t *guard) {
  auto *state = reinterpret_cast<zx_futex_t *>(guard) + 1;
  __atomic_store_n(reinterpret_cast<uint8_t *>(guard), 1, __ATOMIC_RELEASE);
  if (__atomic_exchange_n(state, kIdle, __ATOMIC_RELEASE) == kAwaited) zx_futex_wake(state, UINT32_MAX);
}

}  // extern "C"
