/* Start of a program: self-relocation, the vDSO, the bootstrap message, constructors, main. */
#include "../zircon/bind.h"
#include "../zircon/elf64.h"
#include "internal.h"

int main(int argc, char **argv, char **envp);

/* Hidden, so that they are reached relative to pc. */
void rt_relocate(uintptr_t base, const elf_dynamic_t *dynamic) __LOCAL;
void rt_start(zx_handle_t bootstrap, uintptr_t vdso) __LOCAL __NO_RETURN;

int rt_argc;
char **rt_argv;
char **environ;

static char *no_strings[1];
static rt_thread_t first_thread;

static struct {
  uint32_t count;
  zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES];
  uint32_t infos[ZX_CHANNEL_MAX_MSG_HANDLES];
  zx_handle_t process, root_vmar, job;
} startup;

static char message[ZX_CHANNEL_MAX_MSG_BYTES] __ALIGNED(8);

/* The linker left addresses as offsets from the start of the image. */
void rt_relocate(uintptr_t base, const elf_dynamic_t *dynamic) {
  const elf_rela_t *rela = 0;
  uint64_t bytes = 0;
  for (; dynamic->tag != DT_NULL; dynamic++) {
    if (dynamic->tag == DT_RELA) rela = (const elf_rela_t *)(base + dynamic->value);
    if (dynamic->tag == DT_RELASZ) bytes = dynamic->value;
  }
  for (uint64_t i = 0; i < bytes / sizeof(elf_rela_t); i++) {
    if ((uint32_t)rela[i].info != R_RISCV_RELATIVE) __builtin_trap();
    *(volatile uintptr_t *)(base + rela[i].offset) = base + (uintptr_t)rela[i].addend;
  }
}

zx_handle_t zx_take_startup_handle(uint32_t info) {
  for (uint32_t i = 0; i < startup.count; i++) {
    if (startup.infos[i] == info && startup.handles[i] != ZX_HANDLE_INVALID) {
      return __atomic_exchange_n(&startup.handles[i], ZX_HANDLE_INVALID, __ATOMIC_RELAXED);
    }
  }
  return ZX_HANDLE_INVALID;
}

zx_handle_t zx_process_self(void) { return startup.process; }
zx_handle_t zx_vmar_root_self(void) { return startup.root_vmar; }
zx_handle_t zx_job_default(void) { return startup.job; }

zx_handle_t zx_thread_self(void) {
  const rt_thread_t *thread = rt_thread_pointer();
  return thread != 0 ? thread->handle : ZX_HANDLE_INVALID;
}

/* Reads the one message of the bootstrap channel; false when it is missing or malformed. */
static bool read_message(zx_handle_t bootstrap, uint32_t *bytes) {
  for (;;) {
    const zx_status_t status = zx_channel_read(bootstrap, 0, message, startup.handles, sizeof(message),
                                               ZX_CHANNEL_MAX_MSG_HANDLES, bytes, &startup.count);
    if (status != ZX_ERR_SHOULD_WAIT) return status == ZX_OK;
    zx_signals_t observed;
    if (zx_object_wait_one(bootstrap, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, &observed) !=
        ZX_OK) {
      return false;
    }
  }
}

static bool valid_message(const zx_proc_args_t *args, uint32_t bytes) {
  return bytes >= sizeof(*args) && args->protocol == ZX_PROCARGS_PROTOCOL && args->version == ZX_PROCARGS_VERSION &&
         args->handle_info_off % sizeof(uint32_t) == 0 && args->handle_info_off <= bytes &&
         (bytes - args->handle_info_off) / sizeof(uint32_t) >= startup.count;
}

/* Pointers to `count` packed strings from `offset` on; null when they leave the message. */
static char **string_pointers(char **to, uint32_t offset, uint32_t count, uint32_t bytes) {
  for (uint32_t i = 0; i < count; i++) {
    if (offset >= bytes) return 0;
    to[i] = message + offset;
    while (offset < bytes && message[offset] != 0) offset++;
    if (offset == bytes) return 0;
    offset++;
  }
  to[count] = 0;
  return to;
}

static void take_message(zx_handle_t bootstrap) {
  rt_argv = environ = no_strings;
  uint32_t bytes = 0;
  const zx_proc_args_t *args = (const zx_proc_args_t *)message;
  if (bootstrap == ZX_HANDLE_INVALID || !read_message(bootstrap, &bytes)) return;
  zx_handle_close(bootstrap);
  if (!valid_message(args, bytes)) zx_process_exit(ZX_ERR_INVALID_ARGS);

  const uint32_t *infos = (const uint32_t *)(message + args->handle_info_off);
  for (uint32_t i = 0; i < startup.count; i++) startup.infos[i] = infos[i];
  startup.process = zx_take_startup_handle(PA_HND(PA_PROC_SELF, 0));
  startup.root_vmar = zx_take_startup_handle(PA_HND(PA_VMAR_ROOT, 0));
  startup.job = zx_take_startup_handle(PA_HND(PA_JOB_DEFAULT, 0));
  first_thread.handle = zx_take_startup_handle(PA_HND(PA_THREAD_SELF, 0));

  /* A string takes a byte at least, so these sums stay small. */
  if (args->args_num > bytes || args->environ_num > bytes) zx_process_exit(ZX_ERR_INVALID_ARGS);
  char **pointers = malloc(((size_t)args->args_num + args->environ_num + 2) * sizeof(char *));
  if (pointers == 0) zx_process_exit(ZX_ERR_NO_MEMORY);
  rt_argv = string_pointers(pointers, args->args_off, args->args_num, bytes);
  environ = string_pointers(pointers + args->args_num + 1, args->environ_off, args->environ_num, bytes);
  if (rt_argv == 0 || environ == 0) zx_process_exit(ZX_ERR_INVALID_ARGS);
  rt_argc = (int)args->args_num;
}

void rt_start(zx_handle_t bootstrap, uintptr_t vdso) {
  extern void (*__init_array_start[])(void) __LOCAL;
  extern void (*__init_array_end[])(void) __LOCAL;

  rt_set_thread_pointer(&first_thread);
  if (!zircon_bind_vdso(vdso)) __builtin_trap();
  take_message(bootstrap);
  rt_streams_open();
  for (void (**constructor)(void) = __init_array_start; constructor != __init_array_end; constructor++) {
    (*constructor)();
  }
  exit(main(rt_argc, rt_argv, environ));
}
