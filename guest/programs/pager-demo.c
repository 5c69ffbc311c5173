/*
 * pager-demo [--client PROGRAM] [PAGES]    serves a VMO to another process (default pager-client.elf)
 * pager-demo --thread [PAGES]              serves a VMO to another thread of this process
 *
 * A program that is a pager itself: it creates a pager, a port and a pager-backed VMO (default 16 pages), and answers
 * each page request with pages that it makes up. The last page it refuses with ZX_ERR_IO_DATA_INTEGRITY. Requests are
 * printed as they come. When the user is done, the VMO is detached, and the end of its requests is awaited.
 * Exit code 0 when every page was right.
 */
#include "pager-check.h"

FAULTLINE_MAY_WAIT_FOR_PAGERS();

/* Keys of packets: the requests for the VMO, and the end of its user. */
#define VMO_KEY 0x70616765642d6d65u
#define END_KEY 1u

/* Pages that are made up before they are supplied. */
#define BATCH_PAGES 4u

static zx_handle_t pager, port, pager_vmo;
static zx_handle_t aux_vmo;
static uint64_t *aux_pages;
static uint64_t page_count = 16;
static uint64_t requests, pages_supplied;

static void create_objects(void) {
  zx_vaddr_t address = 0;
  rt_check(zx_pager_create(0, &pager), "zx_pager_create");
  rt_check(zx_port_create(0, &port), "zx_port_create");
  rt_check(zx_pager_create_vmo(pager, 0, port, VMO_KEY, page_count * ZX_PAGE_SIZE, &pager_vmo), "zx_pager_create_vmo");
  rt_check(zx_vmo_create(BATCH_PAGES * ZX_PAGE_SIZE, 0, &aux_vmo), "zx_vmo_create");
  rt_check(zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, 0, aux_vmo, 0,
                       BATCH_PAGES * ZX_PAGE_SIZE, &address),
           "zx_vmar_map");
  aux_pages = (uint64_t *)address;
}

/* Makes up pages and hands them over; the frames leave the auxiliary VMO, which reads as zeros again. */
static void supply(uint64_t first, uint64_t count) {
  for (uint64_t page = 0; page < count; page++) {
    for (uint64_t i = 0; i < WORDS_PER_PAGE; i++) {
      aux_pages[page * WORDS_PER_PAGE + i] = pattern_word(VMO_KEY, first + page, i);
    }
  }
  rt_check(zx_pager_supply_pages(pager, pager_vmo, first * ZX_PAGE_SIZE, count * ZX_PAGE_SIZE, aux_vmo, 0),
           "zx_pager_supply_pages");
  pages_supplied += count;
}

static void answer(const zx_packet_page_request_t *request) {
  const uint64_t first = request->offset / ZX_PAGE_SIZE;
  const uint64_t end = first + request->length / ZX_PAGE_SIZE;
  requests++;
  printf("request %lu: pages %lu to %lu\n", requests, first, end - 1);
  for (uint64_t page = first; page < end; page += BATCH_PAGES) {
    uint64_t count = end - page < BATCH_PAGES ? end - page : BATCH_PAGES;
    if (page + count == page_count) count--;
    if (count != 0) supply(page, count);
  }
  if (end == page_count) {
    rt_check(zx_pager_op_range(pager, ZX_PAGER_OP_FAIL, pager_vmo, (page_count - 1) * ZX_PAGE_SIZE, ZX_PAGE_SIZE,
                               (uint64_t)(int64_t)ZX_ERR_IO_DATA_INTEGRITY),
             "zx_pager_op_range");
  }
}

/* Serves until the VMO is detached and the last packet of its requests has come. */
static void serve(void) {
  for (;;) {
    zx_port_packet_t packet;
    rt_check(zx_port_wait(port, ZX_TIME_INFINITE, &packet), "zx_port_wait");
    if (packet.key == END_KEY) {
      rt_check(zx_pager_detach_vmo(pager, pager_vmo), "zx_pager_detach_vmo");
    } else if (packet.type == ZX_PKT_TYPE_PAGE_REQUEST && packet.page_request.command == ZX_PAGER_VMO_READ) {
      answer(&packet.page_request);
    } else if (packet.type == ZX_PKT_TYPE_PAGE_REQUEST && packet.page_request.command == ZX_PAGER_VMO_COMPLETE) {
      printf("complete after %lu requests, %lu pages supplied\n", requests, pages_supplied);
      return;
    } else {
      printf("unexpected packet of type %u\n", packet.type);
    }
  }
}

static int serve_process(const char *client) {
  char key[24], pages[24];
  snprintf(key, sizeof(key), "0x%lx", VMO_KEY);
  snprintf(pages, sizeof(pages), "%lu", page_count);
  const char *const arguments[] = {client, key, pages, 0};

  zx_handle_t handle = ZX_HANDLE_INVALID, process = ZX_HANDLE_INVALID;
  rt_check(zx_handle_duplicate(pager_vmo, ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY, &handle),
           "zx_handle_duplicate");
  rt_check(rt_spawn(client, arguments, 0, &handle, 1, &process), client);
  rt_check(zx_object_wait_async(process, port, END_KEY, ZX_PROCESS_TERMINATED, 0), "zx_object_wait_async");
  serve();
  int64_t code = 0;
  rt_check(rt_wait_process(process, &code), "the end of the client");
  printf("client ended with %ld\n", code);
  return code == 0 ? 0 : 1;
}

static intptr_t use_in_thread(void *unused) {
  (void)unused;
  const bool fine = use_pages(pager_vmo, VMO_KEY, page_count);
  const zx_port_packet_t end = {.key = END_KEY};
  rt_check(zx_port_queue(port, &end), "zx_port_queue");
  return fine;
}

static int serve_thread(void) {
  rt_thread_t *thread;
  intptr_t fine = 0;
  rt_check(rt_thread_create(&thread, "user", use_in_thread, 0, 0), "a thread");
  serve();
  rt_check(rt_thread_join(thread, &fine), "joining the thread");
  puts(fine ? "thread: all pages are right" : "thread: there are wrong pages");
  return fine ? 0 : 1;
}

int main(int argc, char **argv) {
  const char *client = "pager-client.elf";
  bool in_thread = false;
  int at = 1;
  if (at < argc && strcmp(argv[at], "--thread") == 0) {
    in_thread = true;
    at++;
  } else if (at + 1 < argc && strcmp(argv[at], "--client") == 0) {
    client = argv[at + 1];
    at += 2;
  }
  if (at < argc && (!rt_parse_u64(argv[at++], &page_count) || page_count < 3 || page_count > 65536)) at = argc + 1;
  if (at != argc) {
    fputs("Usage: pager-demo [--thread | --client PROGRAM] [PAGES]\n", stderr);
    return 2;
  }
  create_objects();
  return in_thread ? serve_thread() : serve_process(client);
}
