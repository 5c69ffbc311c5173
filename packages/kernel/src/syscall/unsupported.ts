/**
 * Calls of Zircon that this kernel does not offer. They exist, so that programs that name them can be built and started: the vDSO
 * answers each with ZX_ERR_NOT_SUPPORTED, without entering the kernel.
 *
 * @see Zircon `<zircon/syscalls.h>`
 */

/** What a C header says about a call. */
export interface CallDeclaration {
  /** Without the `zx_` prefix. */
  readonly name: string;
  /** C type of the result. */
  readonly returns: string;
  /** C declarations of the arguments. */
  readonly args: readonly string[];
  readonly noreturn?: true;
}

/** One line: `name(arguments)`; the result is always `zx_status_t`. */
const LINES = `
clock_create(uint64_t options, const void* args, zx_handle_t* out)
clock_get_details(zx_handle_t handle, uint64_t options, void* details)
clock_read(zx_handle_t handle, zx_time_t* now)
clock_update(zx_handle_t handle, uint64_t options, const void* args)
counter_add(zx_handle_t handle, int64_t value)
counter_create(uint32_t options, zx_handle_t* out)
counter_read(zx_handle_t handle, int64_t* value)
counter_write(zx_handle_t handle, int64_t value)
cprng_add_entropy(const void* buffer, size_t buffer_size)
debug_read(zx_handle_t handle, char* buffer, size_t buffer_size, size_t* actual)
debug_send_command(zx_handle_t resource, const char* buffer, size_t buffer_size)
fifo_create(size_t elem_count, size_t elem_size, uint32_t options, zx_handle_t* out0, zx_handle_t* out1)
fifo_read(zx_handle_t handle, size_t elem_size, void* data, size_t data_size, size_t* actual_count)
fifo_write(zx_handle_t handle, size_t elem_size, const void* data, size_t count, size_t* actual_count)
guest_create(zx_handle_t resource, uint32_t options, zx_handle_t* guest_handle, zx_handle_t* vmar_handle)
guest_set_trap(zx_handle_t handle, uint32_t kind, zx_vaddr_t addr, size_t size, zx_handle_t port_handle, uint64_t key)
interrupt_ack(zx_handle_t handle)
interrupt_bind(zx_handle_t handle, zx_handle_t port_handle, uint64_t key, uint32_t options)
interrupt_create(zx_handle_t src_obj, uint32_t src_num, uint32_t options, zx_handle_t* out_handle)
interrupt_destroy(zx_handle_t handle)
interrupt_trigger(zx_handle_t handle, uint32_t options, zx_instant_boot_t timestamp)
interrupt_wait(zx_handle_t handle, zx_instant_boot_t* out_timestamp)
iob_create(uint64_t options, const void* regions, uint64_t num_regions, zx_handle_t* ep0_out, zx_handle_t* ep1_out)
ktrace_control(zx_handle_t handle, uint32_t action, uint32_t options, void* ptr)
ktrace_read(zx_handle_t handle, void* data, uint32_t offset, size_t data_size, size_t* actual)
msi_allocate(zx_handle_t handle, uint32_t count, zx_handle_t* out_allocation)
msi_create(zx_handle_t handle, uint32_t options, uint32_t msi_id, zx_handle_t vmo, size_t vmo_offset, zx_handle_t* out_interrupt)
object_set_profile(zx_handle_t handle, zx_handle_t profile, uint32_t options)
process_create_shared(zx_handle_t shared_proc, uint32_t options, const char* name, size_t name_size, zx_handle_t* proc_handle, zx_handle_t* restricted_vmar_handle)
profile_create(zx_handle_t root_job, uint32_t options, const zx_profile_info_t* profile, zx_handle_t* out)
resource_create(zx_handle_t parent_rsrc, uint32_t options, uint64_t base, size_t size, const char* name, size_t name_size, zx_handle_t* resource_out)
restricted_bind_state(uint32_t options, zx_handle_t* out_vmo_handle)
restricted_enter(uint32_t options, uintptr_t vector_table_ptr, uintptr_t context)
restricted_kick(zx_handle_t thread, uint32_t options)
restricted_unbind_state(uint32_t options)
socket_create(uint32_t options, zx_handle_t* out0, zx_handle_t* out1)
socket_read(zx_handle_t handle, uint32_t options, void* buffer, size_t buffer_size, size_t* actual)
socket_set_disposition(zx_handle_t handle, uint32_t disposition, uint32_t disposition_peer)
socket_write(zx_handle_t handle, uint32_t options, const void* buffer, size_t buffer_size, size_t* actual)
stream_create(uint32_t options, zx_handle_t vmo, zx_off_t seek, zx_handle_t* out_stream)
stream_readv(zx_handle_t handle, uint32_t options, zx_iovec_t* vectors, size_t num_vectors, size_t* actual)
stream_readv_at(zx_handle_t handle, uint32_t options, zx_off_t offset, zx_iovec_t* vectors, size_t num_vectors, size_t* actual)
stream_seek(zx_handle_t handle, zx_stream_seek_origin_t whence, int64_t offset, zx_off_t* out_seek)
stream_writev(zx_handle_t handle, uint32_t options, const zx_iovec_t* vectors, size_t num_vectors, size_t* actual)
stream_writev_at(zx_handle_t handle, uint32_t options, zx_off_t offset, const zx_iovec_t* vectors, size_t num_vectors, size_t* actual)
system_get_event(zx_handle_t root_job, zx_system_event_type_t kind, zx_handle_t* event)
system_get_features(uint32_t kind, uint32_t* features)
vcpu_create(zx_handle_t guest, uint32_t options, zx_vaddr_t entry, zx_handle_t* out)
vcpu_enter(zx_handle_t handle, zx_port_packet_t* packet)
vcpu_interrupt(zx_handle_t handle, uint32_t vector)
vcpu_kick(zx_handle_t handle)
vcpu_read_state(zx_handle_t handle, uint32_t kind, void* buffer, size_t buffer_size)
vcpu_write_state(zx_handle_t handle, uint32_t kind, const void* buffer, size_t buffer_size)
`;

/** Declarations of all of them. Calls that the table of system calls has are left out by whoever reads this together with it. */
export const UNSUPPORTED_CALLS: readonly CallDeclaration[] = LINES.trim()
  .split('\n')
  .map((line) => {
    const open = line.indexOf('(');
    return {
      name: line.slice(0, open),
      returns: 'zx_status_t',
      args: line.slice(open + 1, -1).split(', '),
    };
  });
