/* Threads, mutexes and conditions, on futexes. */
#include "internal.h"

/* Where a thread starts: a0 is its description. The stack and tp are the only state it has. */
static void thread_main(rt_thread_t *thread) __NO_RETURN;
static void thread_main(rt_thread_t *thread) {
  rt_set_thread_pointer(thread);
  thread->result = thread->function(thread->argument);
  zx_thread_exit();
}

/* A region with an unmapped page at its bottom and a stack above; *top is the stack's end. */
static zx_status_t create_stack(size_t bytes, zx_handle_t *region, uintptr_t *top) {
  zx_vaddr_t base = 0, mapped = 0;
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_status_t status =
      zx_vmar_allocate(zx_vmar_root_self(), ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0,
                       ZX_PAGE_SIZE + bytes, region, &base);
  if (status != ZX_OK) return status;
  status = zx_vmo_create(bytes, 0, &vmo);
  if (status == ZX_OK) {
    status = zx_vmar_map(*region, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, ZX_PAGE_SIZE, vmo, 0, bytes,
                         &mapped);
    zx_handle_close(vmo);
  }
  if (status != ZX_OK) {
    zx_vmar_destroy(*region);
    zx_handle_close(*region);
    return status;
  }
  *top = mapped + bytes;
  return ZX_OK;
}

zx_status_t rt_thread_create(rt_thread_t **out, const char *name, intptr_t (*function)(void *), void *argument,
                             size_t stack_bytes) {
  if (stack_bytes == 0) stack_bytes = RT_DEFAULT_STACK_BYTES;
  if (stack_bytes > (size_t)1 << 32) return ZX_ERR_OUT_OF_RANGE;
  stack_bytes = (stack_bytes + ZX_PAGE_MASK) & ~ZX_PAGE_MASK;

  zx_handle_t region = ZX_HANDLE_INVALID, handle = ZX_HANDLE_INVALID;
  uintptr_t top = 0;
  zx_status_t status = create_stack(stack_bytes, &region, &top);
  if (status != ZX_OK) return status;
  status = zx_thread_create(zx_process_self(), name, strlen(name), 0, &handle);
  if (status == ZX_OK) {
    rt_thread_t *thread = (rt_thread_t *)((top - sizeof(rt_thread_t)) & ~(uintptr_t)15);
    *thread = (rt_thread_t){.handle = handle, .region = region, .function = function, .argument = argument};
    /* Before the start: the new thread may be the one that looks at it first. */
    *out = thread;
    status = zx_thread_start(handle, (zx_vaddr_t)thread_main, (zx_vaddr_t)thread, (uintptr_t)thread, 0);
    if (status == ZX_OK) return ZX_OK;
    zx_handle_close(handle);
  }
  zx_vmar_destroy(region);
  zx_handle_close(region);
  return status;
}

zx_status_t rt_thread_join(rt_thread_t *thread, intptr_t *result) {
  const zx_handle_t handle = thread->handle, region = thread->region;
  zx_signals_t observed = 0;
  const zx_status_t status = zx_object_wait_one(handle, ZX_THREAD_TERMINATED, ZX_TIME_INFINITE, &observed);
  if (status != ZX_OK) return status;
  if (result != 0) *result = thread->result;
  zx_handle_close(handle);
  zx_vmar_destroy(region);
  zx_handle_close(region);
  return ZX_OK;
}

zx_handle_t rt_thread_handle(const rt_thread_t *thread) { return thread->handle; }

bool rt_mutex_try_lock(rt_mutex_t *mutex) {
  zx_futex_t free_state = 0;
  return __atomic_compare_exchange_n(&mutex->state, &free_state, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void rt_mutex_lock(rt_mutex_t *mutex) {
  if (rt_mutex_try_lock(mutex)) return;
  /* From here on the state is 2, so that whoever unlocks wakes one. */
  while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0) {
    zx_futex_wait(&mutex->state, 2, ZX_HANDLE_INVALID, ZX_TIME_INFINITE);
  }
}

void rt_mutex_unlock(rt_mutex_t *mutex) {
  if (__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2) zx_futex_wake(&mutex->state, 1);
}

zx_status_t rt_condition_wait(rt_condition_t *condition, rt_mutex_t *mutex, zx_time_t deadline) {
  const zx_futex_t sequence = __atomic_load_n(&condition->sequence, __ATOMIC_RELAXED);
  rt_mutex_unlock(mutex);
  const zx_status_t status = zx_futex_wait(&condition->sequence, sequence, ZX_HANDLE_INVALID, deadline);
  rt_mutex_lock(mutex);
  return status == ZX_ERR_TIMED_OUT ? status : ZX_OK;
}

void rt_condition_signal(rt_condition_t *condition) {
  __atomic_fetch_add(&condition->sequence, 1, __ATOMIC_RELAXED);
  zx_futex_wake(&condition->sequence, 1);
}

void rt_condition_broadcast(rt_condition_t *condition) {
  __atomic_fetch_add(&condition->sequence, 1, __ATOMIC_RELAXED);
  zx_futex_wake(&condition->sequence, UINT32_MAX);
}
