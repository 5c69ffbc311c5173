/** The headers for guests: they compile alone, and say what the kernel says. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as kernel from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { hasTool } from '../../scripts/vitest/needs-tool.js';
import { GUEST } from './guest-bin.js';

const INCLUDE = join(GUEST, 'include');
const HEADERS = readdirSync(INCLUDE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.h'))
  .map((file) => file.replaceAll('\\', '/'))
  .sort();

const COMMON = ['-march=rv64imac', '-mabi=lp64', '-ffreestanding', '-fsyntax-only', '-nostdinc'];
const STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
const C11 = { compiler: 'riscv64-linux-gnu-gcc', flags: ['-std=c11', '-x', 'c'] };
const CPP17 = {
  compiler: 'riscv64-linux-gnu-g++',
  flags: ['-std=c++17', '-fno-exceptions', '-fno-rtti', '-x', 'c++'],
};

/** What the compiler says about a source text; empty when nothing is wrong with it. */
function compile({ compiler, flags }: typeof C11, source: string): string {
  const own = spawnSync(compiler, ['-print-file-name=include'], { encoding: 'utf8' }).stdout.trim();
  const args = [...flags, ...COMMON, ...STRICT, '-isystem', own, '-I', INCLUDE, '-'];
  const result = spawnSync(compiler, args, { input: source, encoding: 'utf8' });
  return result.status === 0 ? result.stderr : `${result.stderr}\nexit status ${result.status}`;
}

const ALL = HEADERS.map((header) => `#include <${header}>\n`).join('');

/** Where structures have their fields, as the kernel reads and writes them. */
const FIELDS: readonly (readonly [type: string, field: string, offset: number])[] = [
  ['zx_port_packet_t', 'key', kernel.PACKET_KEY],
  ['zx_port_packet_t', 'type', kernel.PACKET_TYPE],
  ['zx_port_packet_t', 'status', kernel.PACKET_STATUS],
  ['zx_port_packet_t', 'signal.trigger', kernel.PACKET_SIGNAL_TRIGGER],
  ['zx_port_packet_t', 'signal.observed', kernel.PACKET_SIGNAL_OBSERVED],
  ['zx_port_packet_t', 'signal.count', kernel.PACKET_SIGNAL_COUNT],
  ['zx_port_packet_t', 'signal.timestamp', kernel.PACKET_SIGNAL_TIMESTAMP],
  ['zx_port_packet_t', 'page_request.command', kernel.PACKET_REQUEST_COMMAND],
  ['zx_port_packet_t', 'page_request.offset', kernel.PACKET_REQUEST_OFFSET],
  ['zx_port_packet_t', 'page_request.length', kernel.PACKET_REQUEST_LENGTH],
  ['zx_wait_item_t', 'pending', kernel.WAIT_ITEM_PENDING],
  ['zx_vmo_dirty_range_t', 'options', kernel.DIRTY_RANGE_OPTIONS],
  ['zx_vmo_lock_state_t', 'discarded_size', kernel.VMO_LOCK_STATE_DISCARDED_SIZE],
  ['zx_handle_info_t', 'rights', kernel.HANDLE_INFO_RIGHTS],
  ['zx_handle_disposition_t', 'result', kernel.DISPOSITION_RESULT],
  ['zx_channel_iovec_t', 'capacity', kernel.IOVEC_CAPACITY],
  ['zx_channel_call_args_t', 'rd_handles', kernel.CALL_ARGS_RD_HANDLES],
  ['zx_channel_call_args_t', 'rd_num_handles', kernel.CALL_ARGS_RD_NUM_HANDLES],
  ['zx_log_record_t', 'datalen', kernel.LOG_RECORD_DATALEN],
  ['zx_log_record_t', 'data', kernel.LOG_RECORD_DATA],
  ['zx_exception_info_t', 'type', kernel.EXCEPTION_INFO_TYPE],
  ['zx_exception_report_t', 'context.arch.riscv_64.cause', kernel.EXCEPTION_REPORT_CAUSE],
  ['zx_exception_report_t', 'context.arch.riscv_64.tval', kernel.EXCEPTION_REPORT_TVAL],
  ['zx_exception_report_t', 'context.synth_code', kernel.EXCEPTION_REPORT_SYNTH_CODE],
  ['zx_exception_report_t', 'context.synth_data', kernel.EXCEPTION_REPORT_SYNTH_DATA],
  ['zx_info_handle_basic_t', 'related_koid', kernel.HANDLE_BASIC_RELATED_KOID],
  ['zx_info_handle_extended_t', 'peer_owner_koid', kernel.HANDLE_EXTENDED_PEER_OWNER_KOID],
  ['zx_info_process_t', 'flags', kernel.INFO_PROCESS_FLAGS],
  ['zx_info_thread_t', 'cpu_affinity_mask', kernel.INFO_THREAD_CPU_AFFINITY],
  ['zx_info_thread_stats_t', 'last_scheduled_cpu', kernel.INFO_THREAD_STATS_LAST_CPU],
  ['zx_info_job_t', 'debugger_attached', kernel.INFO_JOB_DEBUGGER_ATTACHED],
  ['zx_info_vmo_t', 'size_bytes', kernel.INFO_VMO_SIZE_BYTES],
  ['zx_info_vmo_t', 'flags', kernel.INFO_VMO_FLAGS],
  ['zx_info_vmo_t', 'committed_bytes', kernel.INFO_VMO_COMMITTED_BYTES],
  ['zx_info_vmo_t', 'handle_rights', kernel.INFO_VMO_HANDLE_RIGHTS],
  ['zx_info_vmo_t', 'cache_policy', kernel.INFO_VMO_CACHE_POLICY],
  ['zx_info_vmo_t', 'populated_bytes', kernel.INFO_VMO_POPULATED_BYTES],
  ['zx_info_vmo_t', 'populated_fractional_scaled_bytes', kernel.INFO_VMO_POPULATED_FRACTIONAL_SCALED_BYTES],
  ['zx_info_maps_t', 'type', kernel.INFO_MAPS_TYPE],
  ['zx_info_maps_t', 'u.mapping.mmu_flags', kernel.INFO_MAPS_MMU_FLAGS],
  ['zx_info_maps_t', 'u.mapping.vmo_offset', kernel.INFO_MAPS_VMO_OFFSET],
  ['zx_info_maps_t', 'u.mapping.populated_bytes', kernel.INFO_MAPS_POPULATED_BYTES],
  ['zx_proc_args_t', 'handle_info_off', kernel.PROCARGS_HANDLE_INFO_OFF],
  ['zx_proc_args_t', 'names_num', kernel.PROCARGS_NAMES_NUM],
];

/** Sizes of structures, as the kernel reads and writes them. */
const SIZES: readonly (readonly [type: string, bytes: number])[] = [
  ['zx_port_packet_t', kernel.PACKET_BYTES],
  ['zx_wait_item_t', kernel.WAIT_ITEM_BYTES],
  ['zx_vmo_dirty_range_t', kernel.DIRTY_RANGE_BYTES],
  ['zx_pager_vmo_stats_t', kernel.PAGER_VMO_STATS_BYTES],
  ['zx_vmo_lock_state_t', kernel.VMO_LOCK_STATE_BYTES],
  ['zx_handle_info_t', kernel.HANDLE_INFO_BYTES],
  ['zx_handle_disposition_t', kernel.DISPOSITION_BYTES],
  ['zx_channel_iovec_t', kernel.IOVEC_BYTES],
  ['zx_channel_call_args_t', kernel.CALL_ARGS_BYTES],
  ['zx_channel_call_etc_args_t', kernel.CALL_ARGS_BYTES],
  ['zx_log_record_t', kernel.ZX_LOG_RECORD_MAX],
  ['zx_exception_info_t', kernel.EXCEPTION_INFO_BYTES],
  ['zx_exception_report_t', kernel.EXCEPTION_REPORT_BYTES],
  ['zx_info_handle_basic_t', kernel.HANDLE_BASIC_BYTES],
  ['zx_info_handle_extended_t', kernel.HANDLE_EXTENDED_BYTES],
  ['zx_info_handle_count_t', kernel.HANDLE_COUNT_BYTES],
  ['zx_info_process_handle_stats_t', kernel.PROCESS_HANDLE_STATS_BYTES],
  ['zx_info_process_t', kernel.INFO_PROCESS_BYTES],
  ['zx_info_vmar_t', kernel.INFO_VMAR_BYTES],
  ['zx_info_thread_t', kernel.INFO_THREAD_BYTES],
  ['zx_info_thread_stats_t', kernel.INFO_THREAD_STATS_BYTES],
  ['zx_info_task_stats_t', kernel.INFO_TASK_STATS_BYTES],
  ['zx_info_task_runtime_t', kernel.INFO_TASK_RUNTIME_BYTES],
  ['zx_info_job_t', kernel.INFO_JOB_BYTES],
  ['zx_info_vmo_t', kernel.INFO_VMO_BYTES],
  ['zx_info_maps_t', kernel.INFO_MAPS_BYTES],
  ['zx_thread_state_general_regs_t', kernel.GENERAL_REGS_BYTES],
  ['zx_proc_args_t', kernel.PROCARGS_BYTES],
];

/** Constants of the kernel that are its own, or go by another name in the headers. */
const NOT_IN_HEADERS = new Set(['ZX_VMO_MAX_PAGES', 'ZX_USER_ASPACE_BASE', 'ZX_USER_ASPACE_SIZE']);
const OWN_NAMES = /^ZX_VM_ALIGN_(MASK|MIN_LOG2|MAX_LOG2)$/;

/** The kernel's constants that guests have under the same name. */
const CONSTANTS = Object.entries<unknown>({ ...kernel }).filter(
  (entry): entry is [string, number | bigint] =>
    (typeof entry[1] === 'number' || typeof entry[1] === 'bigint') &&
    /^(ZX|PA|DEBUGLOG)_/.test(entry[0]) &&
    !NOT_IN_HEADERS.has(entry[0]) &&
    !OWN_NAMES.test(entry[0]),
);

describe('headers for guests', () => {
  it('each compile alone as C11', ({ task }) => {
    expect(HEADERS).toContain('zircon/syscalls.h');
    if (!hasTool(task, C11.compiler, 'headers compiled as C11')) return;
    for (const header of HEADERS) {
      expect(compile(C11, `#include <${header}>\nint not_empty;\n`), header).toBe('');
    }
  });

  it('each compile alone as freestanding C++17', ({ task }) => {
    expect(HEADERS).toContain('zircon/syscalls-next.h');
    if (!hasTool(task, CPP17.compiler, 'headers compiled as C++17')) return;
    for (const header of HEADERS) {
      expect(compile(CPP17, `#include <${header}>\n`), header).toBe('');
    }
  });

  it('have the numbers of the kernel', ({ task }) => {
    expect(CONSTANTS.length).toBeGreaterThan(200);
    if (!hasTool(task, C11.compiler, 'constants compared with the kernel')) return;
    const asserts = CONSTANTS.map(([name, value]) => {
      const bits = BigInt.asUintN(64, BigInt(value));
      return `_Static_assert((uint64_t)(${name}) == (uint64_t)(int64_t)0x${bits.toString(16)}u, "${name}");\n`;
    });
    expect(compile(C11, ALL + asserts.join(''))).toBe('');
  });

  it('have the layouts of the kernel', ({ task }) => {
    expect(FIELDS.every(([, , offset]) => Number.isInteger(offset))).toBe(true);
    expect(SIZES.every(([, bytes]) => Number.isInteger(bytes))).toBe(true);
    if (!hasTool(task, C11.compiler, 'layouts compared with the kernel')) return;
    const offsets = FIELDS.map(
      ([type, field, offset]) =>
        `_Static_assert(__builtin_offsetof(${type}, ${field}) == ${offset}, "${type} ${field}");\n`,
    );
    const sizes = SIZES.map(([type, bytes]) => `_Static_assert(sizeof(${type}) == ${bytes}, "${type}");\n`);
    expect(compile(C11, ALL + offsets.join('') + sizes.join(''))).toBe('');
  });
});
