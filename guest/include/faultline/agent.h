/*
 * The wire format of the agent, a guest that does single accesses and system calls on demand (programs/agent.c).
 *
 * The agent serves the channel that it gets as PA_HND(PA_USER1, 0). A request is agent_request_t, then its payload; the
 * answer is agent_reply_t, then its payload; all little-endian, both in one message of at most 64 KiB. The answer has
 * the request's txid and op. It comes when the thing has been done: an access that waits for a page is answered when the
 * page is there, and one that faults for good is never answered, since its thread takes the exception.
 *
 * `status` tells whether the agent could do what was asked: ZX_ERR_INVALID_ARGS for a malformed request,
 * ZX_ERR_NOT_FOUND for a system call that the vDSO lacks, otherwise what the system call behind it said. The outcome of
 * AGENT_SYSTEM_CALL itself is in `value`. Errors end nothing; the agent goes on with the next request.
 *
 * When the other end of its channel is closed, a thread of the agent ends; with the first thread the process ends, code 0.
 */
#ifndef FAULTLINE_AGENT_H_
#define FAULTLINE_AGENT_H_

#include <stdint.h>

typedef struct agent_request {
  uint32_t txid;
  uint32_t op;
  int32_t status;         /* 0 */
  uint32_t payload_bytes; /* that follow this structure */
  uint64_t args[8];
} agent_request_t; /* 80 bytes */

typedef struct agent_reply {
  uint32_t txid;
  uint32_t op;
  int32_t status;
  uint32_t payload_bytes;
  uint64_t value;
  uint64_t extra;
} agent_reply_t; /* 32 bytes */

/* Addresses of the agent itself. Payload: agent_info_t. */
#define AGENT_INFO 1u
/* One load of args[1] = 1, 2, 4 or 8 bytes at args[0], zero-extended: value. */
#define AGENT_READ 2u
/* One store of args[1] bytes of args[2] at args[0]. */
#define AGENT_WRITE 3u
/* Calls args[0] as a function with a0 to a6 from args[1..7], after fence.i: value = a0. */
#define AGENT_EXECUTE 4u
/* Calls the system call whose name is the payload ("zx_vmo_read") with a0 to a7 from args: value = a0. */
#define AGENT_SYSTEM_CALL 5u
/* An ecall of the agent's own, which is none of the vDSO's, with t0 = args[0] and a0 to a6 from args[1..7]: value = a0. */
#define AGENT_RAW_ECALL 6u
/* args[0] bytes of zeros at a page boundary: value = address. */
#define AGENT_ALLOCATE 7u
/* Gives args[1] bytes at args[0] back. */
#define AGENT_FREE 8u
/* Copies the payload to args[0]. */
#define AGENT_COPY_IN 9u
/* Payload: args[1] bytes (at most 32 KiB) from args[0]. */
#define AGENT_COPY_OUT 10u
/* Eight-byte loads at args[0], args[0] + args[1], ..., args[2] of them (at most 4096), in this order. Payload: the values. */
#define AGENT_READ_MANY 11u
/* Eight-byte stores of args[3], args[3] + args[4], ... at args[0], args[0] + args[1], ..., args[2] of them. */
#define AGENT_WRITE_MANY 12u
/* The handles of the message are the agent's now. Payload: a u32 for each, its value in the agent's process. */
#define AGENT_TAKE_HANDLES 13u
/* Payload: a u32 for each handle wanted (at most 64). They come with the answer; with args[0] = 1 duplicates of them. */
#define AGENT_GIVE_HANDLES 14u
/* Starts another thread of the agent on the channel that is the message's one handle. value: its thread handle. */
#define AGENT_START_THREAD 15u
/* Ends the process with code args[0]; there is no answer. */
#define AGENT_EXIT 16u

typedef struct agent_info {
  uint32_t process;   /* handles in the agent's process, not to be closed */
  uint32_t thread;    /* of the thread that answers */
  uint32_t root_vmar;
  uint32_t channel;   /* that it serves */
  uint64_t code;      /* an address in a read-only executable page */
  uint64_t constants; /* in a read-only page */
  uint64_t variables; /* in a writable page */
  uint64_t stack;     /* in the thread's stack */
} agent_info_t; /* 48 bytes */

/* Bytes of the payload of COPY_OUT at most, and loads of READ_MANY at most. */
#define AGENT_COPY_BYTES 32768u
#define AGENT_MANY 4096u

#endif
