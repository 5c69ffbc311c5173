/*
 * crash HOW [NUMBER]
 *
 * Ends in the way it is told to, after a line on standard output that says so.
 *
 *   read, write [ADDRESS]   at an address where nothing is mapped (default 0x1000, below all that can be mapped)
 *   write-read-only         to a page that is mapped for reading
 *   execute [ADDRESS]       jumps there; without an address, to a page that is not executable
 *   null                    calls address 0
 *   illegal                 an illegal instruction
 *   breakpoint              ebreak
 *   ecall [NUMBER]          a system call from outside the vDSO (default 0)
 *   overflow                recursion without end, into the guard page of the stack
 *   misaligned              a load-reserved at an odd address
 *   abort, assert           as the runtime does it
 *   exit CODE               ends with a code of 64 bits
 *   spin                    never ends
 *   wait                    waits for a packet on a port that nobody else has
 *   wait-channel            waits for a message whose sender waits for one as well
 */
#include <faultline/rt.h>

#define UNMAPPED 0x1000u

static void announce(const char *how) {
  printf("crash: %s\n", how);
  fflush(stdout);
}

/* A page of its own, so that it says what its flags say. */
static uint8_t *map_page(zx_vm_option_t flags) {
  zx_handle_t vmo = ZX_HANDLE_INVALID;
  zx_vaddr_t address = 0;
  rt_check(zx_vmo_create(ZX_PAGE_SIZE, 0, &vmo), "zx_vmo_create");
  /* c.jr ra: harmless where it is executable after all. */
  const uint16_t code = 0x8082;
  rt_check(zx_vmo_write(vmo, &code, 0, sizeof(code)), "zx_vmo_write");
  rt_check(zx_vmar_map(zx_vmar_root_self(), flags, 0, vmo, 0, ZX_PAGE_SIZE, &address), "zx_vmar_map");
  return (uint8_t *)address;
}

__attribute__((__noinline__)) static uint64_t overflow(uint64_t depth) {
  volatile uint8_t frame[512];
  frame[0] = 1;
  return depth == UINT64_MAX ? 0 : overflow(depth + 1) + frame[0];
}

static void wait_for_nothing(void) {
  zx_handle_t port = ZX_HANDLE_INVALID;
  zx_port_packet_t packet;
  rt_check(zx_port_create(0, &port), "zx_port_create");
  rt_check(zx_port_wait(port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
}

static intptr_t wait_for_message(void *channel) {
  zx_signals_t observed;
  rt_check(zx_object_wait_one((zx_handle_t)(uintptr_t)channel, ZX_CHANNEL_READABLE, ZX_TIME_INFINITE, &observed),
           "zx_object_wait_one");
  return 0;
}

static void wait_for_each_other(void) {
  zx_handle_t ends[2];
  rt_thread_t *thread;
  rt_check(zx_channel_create(0, &ends[0], &ends[1]), "zx_channel_create");
  rt_check(rt_thread_create(&thread, "other", wait_for_message, (void *)(uintptr_t)ends[1], 0), "thread");
  wait_for_message((void *)(uintptr_t)ends[0]);
}

static void jump_to(uint64_t address) { ((void (*)(void))address)(); }

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "";
  uint64_t number = 0;
  const bool has_number = argc > 2;
  if (has_number && !rt_parse_u64(argv[2], &number)) how = "";
  const uint64_t address = has_number ? number : UNMAPPED;

  if (strcmp(how, "read") == 0) {
    announce(how);
    printf("%u\n", *(volatile uint8_t *)address);
  } else if (strcmp(how, "write") == 0) {
    announce(how);
    *(volatile uint8_t *)address = 1;
  } else if (strcmp(how, "write-read-only") == 0) {
    volatile uint8_t *page = map_page(ZX_VM_PERM_READ);
    announce(how);
    *page = 1;
  } else if (strcmp(how, "execute") == 0) {
    uint8_t *page = map_page(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
    announce(how);
    jump_to(has_number ? number : (uint64_t)page);
  } else if (strcmp(how, "null") == 0) {
    announce(how);
    jump_to(0);
  } else if (strcmp(how, "illegal") == 0) {
    announce(how);
    __asm__ volatile("unimp");
  } else if (strcmp(how, "breakpoint") == 0) {
    announce(how);
    __asm__ volatile("ebreak");
  } else if (strcmp(how, "ecall") == 0) {
    announce(how);
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t a0 __asm__("a0") = 0;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(t0) : "memory");
    printf("ecall returned %ld\n", (int64_t)a0);
  } else if (strcmp(how, "overflow") == 0) {
    announce(how);
    printf("%lu\n", overflow(0));
  } else if (strcmp(how, "misaligned") == 0) {
    uint8_t *page = map_page(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE);
    announce(how);
    uint64_t value;
    __asm__ volatile("lr.d %0, (%1)" : "=r"(value) : "r"(page + 1) : "memory");
    printf("%lu\n", value);
  } else if (strcmp(how, "abort") == 0) {
    announce(how);
    abort();
  } else if (strcmp(how, "assert") == 0) {
    announce(how);
    assert(argc == 0);
  } else if (strcmp(how, "exit") == 0 && has_number) {
    announce(how);
    zx_process_exit((int64_t)number);
  } else if (strcmp(how, "spin") == 0) {
    announce(how);
    for (;;) __asm__ volatile("");
  } else if (strcmp(how, "wait") == 0) {
    announce(how);
    wait_for_nothing();
  } else if (strcmp(how, "wait-channel") == 0) {
    announce(how);
    wait_for_each_other();
  } else {
    fputs("Usage: crash read|write|write-read-only|execute|null|illegal|breakpoint|ecall|overflow|misaligned|"
          "abort|assert|exit|spin|wait|wait-channel [NUMBER]\n",
          stderr);
    return 2;
  }
  puts("still running");
  return 3;
}
