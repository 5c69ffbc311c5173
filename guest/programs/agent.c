/*
 * agent
 *
 * Does on the real machine what a test tells it over a channel: accesses, calls, system calls, threads, handles.
 * The wire format is in faultline/agent.h.
 */
#include <faultline/agent.h>
#include <faultline/rt.h>

FAULTLINE_MAY_WAIT_FOR_PAGERS();

_Static_assert(sizeof(agent_request_t) == 80, "agent_request_t");
_Static_assert(sizeof(agent_reply_t) == 32, "agent_reply_t");
_Static_assert(sizeof(agent_info_t) == 48, "agent_info_t");

/* One message each way, and the handles that came with it or go with it. */
typedef struct session {
  zx_handle_t channel;
  uint32_t received; /* handles of the request that have not been taken yet */
  zx_handle_t handles[ZX_CHANNEL_MAX_MSG_HANDLES];
  uint32_t sent; /* handles of the answer, in the same array */
  struct {
    agent_request_t head;
    uint8_t payload[ZX_CHANNEL_MAX_MSG_BYTES - sizeof(agent_request_t)];
  } request;
  struct {
    agent_reply_t head;
    uint8_t payload[AGENT_COPY_BYTES];
  } reply;
} session_t;

typedef uint64_t (*function_t)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

extern uintptr_t zircon_vdso_symbol(const char *name);

static const uint64_t a_constant = 0x6661756c746c696e;
static uint64_t a_variable = 1;

static zx_status_t start_thread(zx_handle_t channel, zx_handle_t *thread);

static zx_status_t read_one(const uint64_t *args, uint64_t *value) {
  switch (args[1]) {
    case 1: *value = *(const volatile uint8_t *)args[0]; return ZX_OK;
    case 2: *value = *(const volatile uint16_t *)args[0]; return ZX_OK;
    case 4: *value = *(const volatile uint32_t *)args[0]; return ZX_OK;
    case 8: *value = *(const volatile uint64_t *)args[0]; return ZX_OK;
    default: return ZX_ERR_INVALID_ARGS;
  }
}

static zx_status_t write_one(const uint64_t *args) {
  switch (args[1]) {
    case 1: *(volatile uint8_t *)args[0] = (uint8_t)args[2]; return ZX_OK;
    case 2: *(volatile uint16_t *)args[0] = (uint16_t)args[2]; return ZX_OK;
    case 4: *(volatile uint32_t *)args[0] = (uint32_t)args[2]; return ZX_OK;
    case 8: *(volatile uint64_t *)args[0] = args[2]; return ZX_OK;
    default: return ZX_ERR_INVALID_ARGS;
  }
}

static uint64_t raw_ecall(const uint64_t *args) {
  register uint64_t t0 __asm__("t0") = args[0];
  register uint64_t a0 __asm__("a0") = args[1];
  register uint64_t a1 __asm__("a1") = args[2];
  register uint64_t a2 __asm__("a2") = args[3];
  register uint64_t a3 __asm__("a3") = args[4];
  register uint64_t a4 __asm__("a4") = args[5];
  register uint64_t a5 __asm__("a5") = args[6];
  register uint64_t a6 __asm__("a6") = args[7];
  __asm__ volatile("ecall" : "+r"(a0) : "r"(t0), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6) : "memory");
  return a0;
}

static zx_status_t system_call(session_t *session, uint64_t *value) {
  char name[64];
  const uint64_t *a = session->request.head.args;
  const uint32_t length = session->request.head.payload_bytes;
  if (length == 0 || length >= sizeof(name)) return ZX_ERR_INVALID_ARGS;
  memcpy(name, session->request.payload, length);
  name[length] = 0;
  const function_t function = (function_t)zircon_vdso_symbol(name);
  if (function == 0) return ZX_ERR_NOT_FOUND;
  *value = function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
  return ZX_OK;
}

static zx_status_t describe(session_t *session) {
  const agent_info_t info = {
      .process = zx_process_self(),
      .thread = zx_thread_self(),
      .root_vmar = zx_vmar_root_self(),
      .channel = session->channel,
      .code = (uint64_t)describe,
      .constants = (uint64_t)&a_constant,
      .variables = (uint64_t)&a_variable,
      .stack = (uint64_t)__builtin_frame_address(0),
  };
  memcpy(session->reply.payload, &info, sizeof(info));
  session->reply.head.payload_bytes = sizeof(info);
  return ZX_OK;
}

static zx_status_t copy_out(session_t *session) {
  const uint64_t *args = session->request.head.args;
  if (args[1] > AGENT_COPY_BYTES) return ZX_ERR_INVALID_ARGS;
  memcpy(session->reply.payload, (const void *)args[0], args[1]);
  session->reply.head.payload_bytes = (uint32_t)args[1];
  return ZX_OK;
}

static zx_status_t read_many(session_t *session) {
  const uint64_t *args = session->request.head.args;
  if (args[2] > AGENT_MANY) return ZX_ERR_INVALID_ARGS;
  uint64_t *values = (uint64_t *)session->reply.payload;
  for (uint64_t i = 0; i < args[2]; i++) values[i] = *(const volatile uint64_t *)(args[0] + i * args[1]);
  session->reply.head.payload_bytes = (uint32_t)(args[2] * sizeof(uint64_t));
  return ZX_OK;
}

static zx_status_t write_many(const uint64_t *args) {
  for (uint64_t i = 0; i < args[2]; i++) *(volatile uint64_t *)(args[0] + i * args[1]) = args[3] + i * args[4];
  return ZX_OK;
}

static zx_status_t take_handles(session_t *session) {
  const uint32_t bytes = session->received * (uint32_t)sizeof(zx_handle_t);
  memcpy(session->reply.payload, session->handles, bytes);
  session->reply.head.payload_bytes = bytes;
  session->received = 0;
  return ZX_OK;
}

static zx_status_t give_handles(session_t *session) {
  const uint32_t bytes = session->request.head.payload_bytes;
  const uint32_t count = bytes / (uint32_t)sizeof(zx_handle_t);
  const uint64_t duplicate = session->request.head.args[0];
  if (bytes % sizeof(zx_handle_t) != 0 || count > ZX_CHANNEL_MAX_MSG_HANDLES || duplicate > 1) return ZX_ERR_INVALID_ARGS;
  zx_handle_t wanted[ZX_CHANNEL_MAX_MSG_HANDLES];
  memcpy(wanted, session->request.payload, bytes);
  if (duplicate == 0) {
    memcpy(session->handles, wanted, bytes);
    session->sent = count;
    return ZX_OK;
  }
  for (uint32_t i = 0; i < count; i++) {
    const zx_status_t status = zx_handle_duplicate(wanted[i], ZX_RIGHT_SAME_RIGHTS, &session->handles[i]);
    if (status != ZX_OK) {
      zx_handle_close_many(session->handles, i);
      return status;
    }
  }
  session->sent = count;
  return ZX_OK;
}

static zx_status_t start_agent_thread(session_t *session, uint64_t *value) {
  if (session->received != 1) return ZX_ERR_INVALID_ARGS;
  zx_handle_t thread = ZX_HANDLE_INVALID;
  session->received = 0;
  const zx_status_t status = start_thread(session->handles[0], &thread);
  *value = thread;
  return status;
}

static zx_status_t carry_out(session_t *session) {
  const agent_request_t *request = &session->request.head;
  const uint64_t *args = request->args;
  uint64_t *value = &session->reply.head.value;
  switch (request->op) {
    case AGENT_INFO:
      return describe(session);
    case AGENT_READ:
      return read_one(args, value);
    case AGENT_WRITE:
      return write_one(args);
    case AGENT_EXECUTE:
      __asm__ volatile("fence.i" : : : "memory");
      *value = ((function_t)args[0])(args[1], args[2], args[3], args[4], args[5], args[6], args[7], 0);
      return ZX_OK;
    case AGENT_SYSTEM_CALL:
      return system_call(session, value);
    case AGENT_RAW_ECALL:
      *value = raw_ecall(args);
      return ZX_OK;
    case AGENT_ALLOCATE:
      return rt_map_anonymous(args[0], (void **)value);
    case AGENT_FREE:
      return rt_unmap((const void *)args[0], args[1]);
    case AGENT_COPY_IN:
      memcpy((void *)args[0], session->request.payload, request->payload_bytes);
      return ZX_OK;
    case AGENT_COPY_OUT:
      return copy_out(session);
    case AGENT_READ_MANY:
      return read_many(session);
    case AGENT_WRITE_MANY:
      return write_many(args);
    case AGENT_TAKE_HANDLES:
      return take_handles(session);
    case AGENT_GIVE_HANDLES:
      return give_handles(session);
    case AGENT_START_THREAD:
      return start_agent_thread(session, value);
    case AGENT_EXIT:
      zx_process_exit((int64_t)args[0]);
    default:
      return ZX_ERR_NOT_SUPPORTED;
  }
}

/* Waits for a request and reads it; false when the channel is closed. */
static bool receive(session_t *session, uint32_t *bytes) {
  for (;;) {
    const zx_status_t status = zx_channel_read(session->channel, 0, &session->request, session->handles,
                                               sizeof(session->request), ZX_CHANNEL_MAX_MSG_HANDLES, bytes,
                                               &session->received);
    if (status == ZX_OK) return true;
    if (status != ZX_ERR_SHOULD_WAIT) return false;
    zx_signals_t observed = 0;
    if (zx_object_wait_one(session->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE,
                           &observed) != ZX_OK) {
      return false;
    }
  }
}

static void serve(session_t *session) {
  uint32_t bytes = 0;
  while (receive(session, &bytes)) {
    const agent_request_t *request = &session->request.head;
    if (bytes < sizeof(uint32_t)) memset(&session->request, 0, sizeof(agent_request_t));
    session->reply.head = (agent_reply_t){.txid = request->txid};
    session->sent = 0;
    zx_status_t status = ZX_ERR_INVALID_ARGS;
    if (bytes >= sizeof(*request) && request->payload_bytes == bytes - sizeof(*request)) {
      session->reply.head.op = request->op;
      status = carry_out(session);
    }
    session->reply.head.status = status;
    /* What nobody took has to go, or it would stay for ever. */
    if (session->received != 0) zx_handle_close_many(session->handles, session->received);
    const uint32_t reply_bytes = (uint32_t)sizeof(agent_reply_t) + session->reply.head.payload_bytes;
    status = zx_channel_write(session->channel, 0, &session->reply, reply_bytes, session->handles, session->sent);
    if (status != ZX_OK && session->sent != 0) {
      session->reply.head.status = status;
      zx_channel_write(session->channel, 0, &session->reply, reply_bytes, 0, 0);
    }
  }
  zx_handle_close(session->channel);
}

static intptr_t thread_main(void *session) {
  serve(session);
  rt_unmap(session, sizeof(session_t));
  return 0;
}

static zx_status_t start_thread(zx_handle_t channel, zx_handle_t *thread) {
  void *session = 0;
  rt_thread_t *started = 0;
  zx_status_t status = rt_map_anonymous(sizeof(session_t), &session);
  if (status == ZX_OK) {
    ((session_t *)session)->channel = channel;
    status = rt_thread_create(&started, "agent", thread_main, session, 0);
    if (status == ZX_OK) {
      *thread = rt_thread_handle(started);
      return ZX_OK;
    }
    rt_unmap(session, sizeof(session_t));
  }
  zx_handle_close(channel);
  return status;
}

int main(void) {
  static session_t session;
  session.channel = zx_take_startup_handle(PA_HND(PA_USER1, 0));
  if (session.channel == ZX_HANDLE_INVALID) {
    fputs("agent: there is no channel to serve\n", stderr);
    return 2;
  }
  serve(&session);
  return 0;
}
