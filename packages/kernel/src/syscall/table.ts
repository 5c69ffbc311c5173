/**
 * The one table of system calls: a call's number is its place here. The vDSO and the headers for guests are generated from it.
 *
 * Numbers mean nothing outside a kernel and the vDSO it has built; they change whenever a call is added.
 */
import { TASK_INFO_TOPICS, TASK_PROPERTIES } from '../task/task-info.js';
import { EXCEPTION_INFO_TOPICS, EXCEPTION_PROPERTIES } from '../task/exception-info.js';
import { BTI_CALLS, BTI_TOPIC } from './bti.js';
import type { SystemCall } from './call.js';
import { CHANNEL_CALLS } from './channel.js';
import { DEBUGLOG_CALLS } from './debuglog.js';
import { EVENT_CALLS } from './event.js';
import { EXCEPTION_CALLS } from './exception.js';
import { FUTEX_CALLS } from './futex.js';
import { HANDLE_CALLS } from './handle.js';
import type { InfoTopic, ObjectProperty } from './info-topic.js';
import { JOB_CALLS } from './job.js';
import { OBJECT_CALLS } from './object.js';
import { ObjectKnowledge } from './object-info.js';
import { PAGER_CALLS } from './pager.js';
import { PORT_CALLS } from './port.js';
import { PROCESS_CALLS } from './process.js';
import { PROCESS_MEMORY_CALLS } from './process-memory.js';
import { SUSPEND_CALLS } from './suspend.js';
import { SYSTEM_CALLS } from './system.js';
import { THREAD_CALLS } from './thread.js';
import { TIMER_CALLS, TIMER_INFO_TOPICS } from './timer.js';
import { VM_INFO_TOPICS } from './vm-info.js';
import { VMAR_CALLS } from './vmar.js';
import { VMAR_OP_RANGE_CALLS } from './vmar-op-range.js';
import { VMO_CALLS } from './vmo.js';
import { VMO_CHILD_CALLS } from './vmo-child.js';
import { VMO_OP_RANGE_CALLS } from './vmo-op-range.js';

/** What objects of each part of the kernel tell about themselves. */
const INFO_TOPICS: readonly InfoTopic[] = [
  ...VM_INFO_TOPICS,
  BTI_TOPIC,
  ...TASK_INFO_TOPICS,
  ...EXCEPTION_INFO_TOPICS,
  ...TIMER_INFO_TOPICS,
];
const PROPERTIES: readonly ObjectProperty[] = [...TASK_PROPERTIES, ...EXCEPTION_PROPERTIES];

/** Every call of the kernel; the index is its number. */
export const CALL_TABLE: readonly SystemCall[] = [
  ...HANDLE_CALLS,
  ...OBJECT_CALLS,
  ...new ObjectKnowledge(INFO_TOPICS, PROPERTIES).calls,
  ...EVENT_CALLS,
  ...CHANNEL_CALLS,
  ...PORT_CALLS,
  ...VMO_CALLS,
  ...VMO_CHILD_CALLS,
  ...VMO_OP_RANGE_CALLS,
  ...VMAR_CALLS,
  ...VMAR_OP_RANGE_CALLS,
  ...PAGER_CALLS,
  ...BTI_CALLS,
  ...PROCESS_CALLS,
  ...PROCESS_MEMORY_CALLS,
  ...THREAD_CALLS,
  ...SUSPEND_CALLS,
  ...JOB_CALLS,
  ...TIMER_CALLS,
  ...EXCEPTION_CALLS,
  ...FUTEX_CALLS,
  ...DEBUGLOG_CALLS,
  ...SYSTEM_CALLS,
];

const NUMBERS = new Map(CALL_TABLE.map((call, number) => [call.name, number]));
if (NUMBERS.size !== CALL_TABLE.length) throw new Error('a system call is in the table twice');

/** The number of a call by its name without `zx_`; undefined when there is none. */
export function callNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}
