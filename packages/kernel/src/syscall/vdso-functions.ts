/**
 * Calls that the vDSO answers with code of its own: time and constants without a trap, and what takes several steps.
 *
 * All of it follows the C calling convention; temporaries are clobbered as by any function.
 */
import type { CallDeclaration } from './unsupported.js';

/** What is built into a vDSO: facts of the machine. */
export interface VdsoFacts {
  /** Bytes of guest RAM. */
  readonly ramBytes: number;
  readonly harts: number;
  /** ASCII, without quotation marks and backslashes. */
  readonly version: string;
}

/** A call and the code that answers it. */
export interface VdsoFunction extends CallDeclaration {
  /**
   * Assembly of the body, returning included. `site_NAME` must label the `ecall` of the internal call NAME; `number_NAME` is its
   * number. `begin_NAME` is the entry point of any other call: it preserves every register but a0 and t0, as the kernel does.
   */
  body(facts: VdsoFacts): string;
}

/** The timebase of the machine is 1 GHz, so that ticks are nanoseconds. */
const READ_TIME = 'rdtime a0\nret';

export const VDSO_FUNCTIONS: readonly VdsoFunction[] = [
  { name: 'clock_get_monotonic', returns: 'zx_instant_mono_t', args: [], body: () => READ_TIME },
  { name: 'clock_get_boot', returns: 'zx_instant_boot_t', args: [], body: () => READ_TIME },
  { name: 'ticks_get', returns: 'zx_ticks_t', args: [], body: () => READ_TIME },
  { name: 'ticks_get_boot', returns: 'zx_ticks_t', args: [], body: () => READ_TIME },
  { name: 'ticks_per_second', returns: 'zx_ticks_t', args: [], body: () => 'li a0, 1000000000\nret' },
  {
    // Time is never negative: only a sum with a positive duration can overflow.
    name: 'deadline_after',
    returns: 'zx_instant_mono_t',
    args: ['zx_duration_mono_t nanoseconds'],
    body: () => `
      rdtime t0
      add t0, t0, a0
      bltz a0, 1f
      bgez t0, 1f
      li t0, -1
      srli t0, t0, 1
    1:
      mv a0, t0
      ret`,
  },
  { name: 'system_get_page_size', returns: 'uint32_t', args: [], body: () => 'li a0, 4096\nret' },
  { name: 'system_get_dcache_line_size', returns: 'uint32_t', args: [], body: () => 'li a0, 64\nret' },
  {
    name: 'system_get_num_cpus',
    returns: 'uint32_t',
    args: [],
    body: (facts) => `li a0, ${facts.harts}\nret`,
  },
  {
    name: 'system_get_physmem',
    returns: 'uint64_t',
    args: [],
    body: (facts) => `li a0, ${facts.ramBytes}\nret`,
  },
  {
    name: 'system_get_version_string',
    returns: 'zx_string_view_t',
    args: [],
    body: (facts) => `
      la a0, 1f
      li a1, ${facts.version.length}
      ret
    1:
      .asciz "${facts.version}"
      .balign 4`,
  },
  {
    name: 'cache_flush',
    returns: 'zx_status_t',
    args: ['const void* addr', 'size_t size', 'uint32_t options'],
    body: () => `
      fence rw, rw
      fence.i
      li a0, 0
      ret`,
  },
  {
    // At most 256 bytes at a time; the kernel preserves every register but a0. A buffer that cannot be written is a bug of the program.
    name: 'cprng_draw',
    returns: 'void',
    args: ['void* buffer', 'size_t buffer_size'],
    body: () => `
      mv t1, a0
      mv t2, a1
    1:
      beqz t2, 4f
      mv a0, t1
      mv a1, t2
      li t3, 256
      bleu a1, t3, 2f
      mv a1, t3
    2:
      li t0, number_cprng_draw_once
    site_cprng_draw_once:
      ecall
      bnez a0, 3f
      add t1, t1, a1
      sub t2, t2, a1
      j 1b
    3:
      unimp
    4:
      ret`,
  },
  {
    // The value is stored before anybody is woken; the memory may be gone by then, and waking does not look at it.
    name: 'futex_wake_handle_close_thread_exit',
    returns: 'void',
    args: [
      'const zx_futex_t* value_ptr',
      'uint32_t wake_count',
      'int32_t new_value',
      'zx_handle_t close_handle',
    ],
    noreturn: true,
    body: () => `
      fence rw, w
      sw a2, 0(a0)
      call begin_futex_wake
      bnez a0, 1f
      mv a0, a3
      beqz a0, 2f
      call begin_handle_close
      beqz a0, 2f
    1:
      unimp
    2:
      j begin_thread_exit`,
  },
  {
    // The stack may be what is unmapped: nothing is kept in memory.
    name: 'vmar_unmap_handle_close_thread_exit',
    returns: 'zx_status_t',
    args: ['zx_handle_t vmar_handle', 'zx_vaddr_t addr', 'size_t size', 'zx_handle_t close_handle'],
    body: () => `
      mv t1, ra
      call begin_vmar_unmap
      mv ra, t1
      beqz a0, 1f
      ret
    1:
      mv a0, a3
      beqz a0, 3f
      call begin_handle_close
      beqz a0, 3f
      unimp
    3:
      j begin_thread_exit`,
  },
];
