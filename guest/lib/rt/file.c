/* Files and programs: the file protocol, from the guest's side. */
#include <faultline/protocol.h>

#include "internal.h"

/* A request or a reply: a header, then what the operation says. */
typedef union packet {
  faultline_header_t header;
  struct {
    uint32_t header[4];
    uint64_t size;
    uint32_t kind;
  } reply;
  uint8_t bytes[ZX_CHANNEL_MAX_MSG_BYTES];
} packet_t;

/* The one message of this process; requests are made one at a time. */
static packet_t packet;
static rt_mutex_t packet_lock = RT_MUTEX_INITIALIZER;
static zx_handle_t file_channel;

/* Appends to the request; false when it gets too long. */
static bool append(uint32_t *length, const void *from, size_t bytes) {
  if (bytes > sizeof(packet) - *length) return false;
  memcpy(packet.bytes + *length, from, bytes);
  *length += (uint32_t)bytes;
  return true;
}

/*
 * Sends the request of `length` bytes in `packet` and receives the reply there, and its handle, if one is wanted.
 * The handles of the request are consumed. A reply shorter than `wanted` bytes is ZX_ERR_IO_INVALID.
 */
static zx_status_t exchange(uint32_t op, uint32_t arg, uint32_t length, const zx_handle_t *handles, uint32_t handle_count,
                            uint32_t wanted, zx_handle_t *received, uint32_t *reply_bytes) {
  packet.header = (faultline_header_t){.op = op, .arg = arg};
  if (file_channel == ZX_HANDLE_INVALID) file_channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
  if (file_channel == ZX_HANDLE_INVALID) {
    zx_handle_close_many(handles, handle_count);
    return ZX_ERR_NOT_CONNECTED;
  }
  zx_handle_t handle = ZX_HANDLE_INVALID;
  uint32_t bytes = 0, count = 0;
  const zx_channel_call_args_t call = {
      .wr_bytes = &packet,
      .wr_num_bytes = length,
      .wr_handles = handles,
      .wr_num_handles = handle_count,
      .rd_bytes = &packet,
      .rd_num_bytes = sizeof(packet),
      .rd_handles = &handle,
      .rd_num_handles = 1,
  };
  zx_status_t status = zx_channel_call(file_channel, 0, ZX_TIME_INFINITE, &call, &bytes, &count);
  if (status != ZX_OK) return status;
  if (bytes < sizeof(packet.header) || packet.header.op != op) {
    status = ZX_ERR_IO_INVALID;
  } else {
    status = packet.header.status;
  }
  if (status == ZX_OK && (bytes < wanted || (received != 0 && count != 1))) status = ZX_ERR_IO_INVALID;
  if (count == 1 && (status != ZX_OK || received == 0)) zx_handle_close(handle);
  if (status != ZX_OK) return status;
  if (received != 0) *received = handle;
  if (reply_bytes != 0) *reply_bytes = bytes;
  return ZX_OK;
}

/* A request that is a path only. */
static zx_status_t exchange_path(uint32_t op, uint32_t arg, const char *path, uint32_t wanted, zx_handle_t *received,
                                 uint32_t *reply_bytes) {
  uint32_t length = sizeof(packet.header);
  if (!append(&length, path, strlen(path))) return ZX_ERR_BAD_PATH;
  return exchange(op, arg, length, 0, 0, wanted, received, reply_bytes);
}

zx_status_t rt_open(const char *path, uint32_t flags, zx_handle_t *vmo, uint64_t *size) {
  rt_mutex_lock(&packet_lock);
  const zx_status_t status =
      exchange_path(FAULTLINE_FILE_OPEN, flags, path, offsetof(packet_t, reply.kind), vmo, 0);
  if (status == ZX_OK && size != 0) *size = packet.reply.size;
  rt_mutex_unlock(&packet_lock);
  return status;
}

zx_status_t rt_map_file(const char *path, uint32_t flags, rt_file_t *out) {
  *out = (rt_file_t){0};
  zx_status_t status = rt_open(path, flags, &out->vmo, &out->size);
  if (status != ZX_OK || out->size == 0) return status;
  zx_vm_option_t options = ZX_VM_PERM_READ | ZX_VM_ALLOW_FAULTS;
  if ((flags & FAULTLINE_OPEN_WRITE) != 0) options |= ZX_VM_PERM_WRITE;
  zx_vaddr_t address = 0;
  status = zx_vmar_map(zx_vmar_root_self(), options, 0, out->vmo, 0, out->size, &address);
  if (status == ZX_OK) {
    out->data = (uint8_t *)address;
  } else {
    rt_unmap_file(out);
  }
  return status;
}

void rt_unmap_file(rt_file_t *file) {
  if (file->data != 0) rt_unmap(file->data, file->size);
  zx_handle_close(file->vmo);
  *file = (rt_file_t){0};
}

zx_status_t rt_stat(const char *path, uint64_t *size, uint32_t *kind) {
  rt_mutex_lock(&packet_lock);
  const zx_status_t status = exchange_path(FAULTLINE_FILE_STAT, 0, path,
                                           offsetof(packet_t, reply.kind) + sizeof(packet.reply.kind), 0, 0);
  if (status == ZX_OK && size != 0) *size = packet.reply.size;
  if (status == ZX_OK && kind != 0) *kind = packet.reply.kind;
  rt_mutex_unlock(&packet_lock);
  return status;
}

/* The entries from `first` on, in a block that the caller frees. */
static zx_status_t list_some(const char *path, uint32_t first, uint8_t **entries, uint32_t *bytes, uint32_t *count) {
  rt_mutex_lock(&packet_lock);
  uint32_t reply_bytes = 0;
  zx_status_t status = exchange_path(FAULTLINE_FILE_LIST, first, path, sizeof(packet.header), 0, &reply_bytes);
  if (status == ZX_OK) {
    *count = packet.header.arg;
    *bytes = reply_bytes - (uint32_t)sizeof(packet.header);
    *entries = malloc(*bytes);
    if (*entries == 0) {
      status = ZX_ERR_NO_MEMORY;
    } else {
      memcpy(*entries, packet.bytes + sizeof(packet.header), *bytes);
    }
  }
  rt_mutex_unlock(&packet_lock);
  return status;
}

/* Bytes of the kind and the name's length, which has no alignment. */
#define ENTRY_HEADER_BYTES 3u

zx_status_t rt_list(const char *path, bool (*visit)(void *context, uint32_t kind, const char *name), void *context) {
  uint32_t index = 0;
  for (;;) {
    uint8_t *entries = 0;
    uint32_t bytes = 0, count = 0;
    const zx_status_t status = list_some(path, index, &entries, &bytes, &count);
    if (status != ZX_OK) return status;
    bool more = count != 0, valid = true;
    uint32_t at = 0;
    for (uint32_t i = 0; i < count && more; i++) {
      char name[1024];
      uint32_t length = 0;
      valid = bytes - at >= ENTRY_HEADER_BYTES;
      if (valid) {
        length = entries[at + 1] | (uint32_t)entries[at + 2] << 8;
        valid = bytes - at - ENTRY_HEADER_BYTES >= length && length < sizeof(name);
      }
      if (!valid) break;
      memcpy(name, entries + at + ENTRY_HEADER_BYTES, length);
      name[length] = 0;
      more = visit(context, entries[at], name);
      at += ENTRY_HEADER_BYTES + length;
    }
    free(entries);
    if (!valid) return ZX_ERR_IO_INVALID;
    if (!more) return ZX_OK;
    index += count;
  }
}

/* Appends a list of strings, each with its NUL; their number goes to *count. */
static bool append_strings(uint32_t *length, const char *const *strings, uint32_t *count) {
  for (*count = 0; strings != 0 && strings[*count] != 0; ++*count) {
    if (!append(length, strings[*count], strlen(strings[*count]) + 1)) return false;
  }
  return true;
}

zx_status_t rt_spawn(const char *path, const char *const *argv, const char *const *envp, const zx_handle_t *handles,
                     uint32_t handle_count, zx_handle_t *process) {
  if (envp == 0) envp = (const char *const *)environ;
  rt_mutex_lock(&packet_lock);
  uint32_t argument_count = 0, variable_count = 0;
  uint32_t length = sizeof(packet.header) + sizeof(variable_count);
  zx_status_t status;
  if (handle_count > FAULTLINE_SPAWN_HANDLES || !append(&length, path, strlen(path) + 1) ||
      !append_strings(&length, argv, &argument_count) || !append_strings(&length, envp, &variable_count)) {
    zx_handle_close_many(handles, handle_count);
    status = ZX_ERR_OUT_OF_RANGE;
  } else {
    memcpy(packet.bytes + sizeof(packet.header), &variable_count, sizeof(variable_count));
    status = exchange(FAULTLINE_FILE_SPAWN, argument_count, length, handles, handle_count, sizeof(packet.header), process, 0);
  }
  rt_mutex_unlock(&packet_lock);
  return status;
}

zx_status_t rt_wait_process(zx_handle_t process, int64_t *exit_code) {
  zx_signals_t observed = 0;
  zx_info_process_t info;
  zx_status_t status = zx_object_wait_one(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE, &observed);
  if (status == ZX_OK) status = zx_object_get_info(process, ZX_INFO_PROCESS, &info, sizeof(info), 0, 0);
  if (status == ZX_OK) *exit_code = info.return_code;
  return status;
}
