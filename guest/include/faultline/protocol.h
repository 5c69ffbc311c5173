/*
 * What a guest says on the channels that it gets at its start: standard streams and files.
 *
 * Every message starts with a header of 16 bytes, little-endian. The transaction id comes first, as zx_channel_call
 * wants it. A reply repeats txid and op; its status is 0 or a ZX_ERR_*.
 */
#ifndef FAULTLINE_PROTOCOL_H_
#define FAULTLINE_PROTOCOL_H_

#include <stdint.h>

typedef struct faultline_header {
  uint32_t txid;
  uint32_t op;
  int32_t status; /* 0 in a request */
  uint32_t arg;
} faultline_header_t;

/* Bytes that one READ or WRITE of a standard stream carries at most. */
#define FAULTLINE_STREAM_BYTES 8192u
/* Handles that a SPAWN passes on at most. */
#define FAULTLINE_SPAWN_HANDLES 8u

/*
 * Standard streams: PA_HND(PA_FD, 0), PA_HND(PA_FD, 1), PA_HND(PA_FD, 2).
 *
 * WRITE: the bytes after the header. Reply: arg = bytes accepted; it comes when the host's stream has taken them.
 * READ: arg = bytes wanted. Reply: arg = bytes that follow the header; 0 at the end of the stream.
 */
#define FAULTLINE_STREAM_WRITE 1u
#define FAULTLINE_STREAM_READ 2u

/*
 * Files: PA_HND(PA_USER0, 0). Paths are UTF-8, not NUL-terminated where they are the last part of a message.
 *
 * OPEN: arg = FAULTLINE_OPEN_* flags, then the path. Reply: u64 size in bytes at 16, one VMO handle.
 * SPAWN: arg = argc, u32 envc at 16, then path, arguments, environment, each with its NUL; handles reach the child as
 *   PA_HND(PA_USER1, i). Reply: one process handle.
 * STAT: path. Reply: u64 size at 16, u32 kind at 24.
 * LIST: arg = index of the first entry wanted, path. Reply: arg = entries that follow; 0 behind the last one. An entry
 *   is u8 kind, u16 length of the name, the name, without padding.
 */
#define FAULTLINE_FILE_OPEN 16u
#define FAULTLINE_FILE_SPAWN 17u
#define FAULTLINE_FILE_STAT 18u
#define FAULTLINE_FILE_LIST 19u

#define FAULTLINE_OPEN_READ 1u
#define FAULTLINE_OPEN_WRITE 2u
#define FAULTLINE_OPEN_EXECUTE 4u

#define FAULTLINE_KIND_FILE 1u
#define FAULTLINE_KIND_DIRECTORY 2u

#endif
