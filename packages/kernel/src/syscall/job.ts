/** What jobs allow, and which processes they cannot do without. */
import {
  POLICY_BASIC_V1_BYTES,
  POLICY_BASIC_V2_BYTES,
  ZX_JOB_POL_ABSOLUTE,
  ZX_JOB_POL_BASIC_V1,
  ZX_JOB_POL_BASIC_V2,
  ZX_JOB_POL_TIMER_SLACK,
  ZX_POL_OVERRIDE_ALLOW,
} from '../abi/policy.js';
import { ZX_RIGHT_DESTROY, ZX_RIGHT_SET_POLICY, ZX_RIGHT_WAIT } from '../abi/rights.js';
import {
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  type Status,
} from '../abi/status.js';
import { ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO } from '../abi/task.js';
import type { PolicyRule } from '../task/job-policy.js';
import { JobDispatcher } from '../task/job.js';
import { ProcessDispatcher } from '../task/process.js';
import type { Operation } from '../task/waiter.js';
import { numberArg, type Caller, type SystemCall } from './call.js';
import { withStruct } from './user-values.js';

/** More rules than there are conditions say nothing new. */
const RULES_MAX = 64;

function ruleBytes(topic: number): number | null {
  if (topic === ZX_JOB_POL_BASIC_V1) return POLICY_BASIC_V1_BYTES;
  return topic === ZX_JOB_POL_BASIC_V2 ? POLICY_BASIC_V2_BYTES : null;
}

function setPolicy(caller: Caller, args: Uint32Array): Status | Operation {
  const options = args[2];
  const topic = args[4];
  const count = args[8];
  if (options > ZX_JOB_POL_ABSOLUTE) return ZX_ERR_INVALID_ARGS;
  // Timers of this kernel have no slack to be coalesced by.
  if (topic === ZX_JOB_POL_TIMER_SLACK) return ZX_ERR_NOT_SUPPORTED;
  const bytes = ruleBytes(topic);
  const address = numberArg(args, 3);
  if (bytes === null || address === 0 || count === 0) return ZX_ERR_INVALID_ARGS;
  if (count > RULES_MAX) return ZX_ERR_OUT_OF_RANGE;
  const job = caller.process.handles.lookup(args[0], JobDispatcher, ZX_RIGHT_SET_POLICY);
  if (typeof job === 'number') return job;
  return withStruct(caller, address, bytes * count, (view) => {
    const rules: PolicyRule[] = [];
    for (let at = 0; at < view.byteLength; at += bytes) {
      rules.push({
        condition: view.getUint32(at, true),
        action: view.getUint32(at + 4, true),
        overridable:
          bytes === POLICY_BASIC_V2_BYTES && view.getUint32(at + 8, true) === ZX_POL_OVERRIDE_ALLOW,
      });
    }
    return job.setPolicy(rules, options === ZX_JOB_POL_ABSOLUTE);
  });
}

export const JOB_CALLS: readonly SystemCall[] = [
  {
    name: 'job_set_policy',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'uint32_t options',
      'uint32_t topic',
      'const void* policy',
      'uint32_t policy_size',
    ],
    handler: setPolicy,
  },
  {
    // The job is killed when the process ends.
    name: 'job_set_critical',
    returns: 'zx_status_t',
    args: ['zx_handle_t job', 'uint32_t options', 'zx_handle_t process'],
    handler: (caller, args) => {
      if ((args[2] & ~ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO) !== 0) return ZX_ERR_INVALID_ARGS;
      const { handles } = caller.process;
      const job = handles.lookup(args[0], JobDispatcher, ZX_RIGHT_DESTROY);
      if (typeof job === 'number') return job;
      const process = handles.lookup(args[4], ProcessDispatcher, ZX_RIGHT_WAIT);
      if (typeof process === 'number') return process;
      return process.setCriticalTo(job, args[2] === ZX_JOB_CRITICAL_PROCESS_RETCODE_NONZERO);
    },
  },
];
