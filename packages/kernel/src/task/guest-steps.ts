import { PAGE_SIZE } from '@faultline/mmu-emu';
import {
  CAUSE_BREAKPOINT,
  CAUSE_FETCH_MISALIGNED,
  CAUSE_FETCH_PAGE_FAULT,
  CAUSE_ILLEGAL_INSTRUCTION,
  CAUSE_LOAD_MISALIGNED,
  CAUSE_LOAD_PAGE_FAULT,
  CAUSE_STORE_MISALIGNED,
  CAUSE_STORE_PAGE_FAULT,
  CAUSE_USER_ECALL,
  HART_PC,
  HART_TVAL,
  HART_X,
} from '@faultline/mmu-emu';
import * as excp from '../abi/exceptions.js';
import { ZX_INFO_HANDLE_VALID } from '../abi/info.js';
import {
  ZX_POL_ACTION_ALLOW,
  ZX_POL_ACTION_ALLOW_EXCEPTION,
  ZX_POL_ACTION_DENY_EXCEPTION,
  ZX_POL_ACTION_KILL,
  ZX_POL_BAD_HANDLE,
  ZX_POL_WRONG_OBJECT,
} from '../abi/policy.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_HANDLE,
  ZX_ERR_BAD_SYSCALL,
  ZX_ERR_WRONG_TYPE,
  ZX_OK,
  ZX_TASK_RETCODE_POLICY_KILL,
  type Status,
} from '../abi/status.js';
import type { FaultAccess, FaultOutcome } from '../events.js';
import type { KernelCore } from '../kernel-core.js';
import type { SystemCall } from '../syscall/call.js';
import { FAULT_EXECUTE, FAULT_READ, FAULT_WRITE, type FaultKind } from '../vm/fault-kind.js';
import { JobPolicy } from './job-policy.js';
import { PAUSE } from './pause.js';
import { fatalException, isStartWatched, tellStart } from './exception-delivery.js';
import { generalRegisters, wordPair, type ExceptionReport } from './exception-report.js';
import { STEP_GO_ON, STEP_LEFT, STEP_STAND_BACK, type Cpu, type ThreadSteps } from './scheduler.js';
import type { Thread } from './thread.js';
import type { Blocker, Operation } from './waiter.js';

/** What a system call costs the host, in instructions: some are quick, some copy megabytes. */
const SYSTEM_CALL_COST = 20_000;
/** A long one stands back when it has taken a while. */
const PAUSE_COST = 1_000_000;

const TWO_32 = 0x1_0000_0000;
/** t0: the number of a system call. */
const T0 = HART_X + 2 * 5;
const ACCESSES = ['read', 'write', 'execute'] as const satisfies readonly FaultAccess[];
const FAULT_CAUSES = [CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT, CAUSE_FETCH_PAGE_FAULT] as const;

/** What the vDSO says about system calls. */
export interface SystemCallSites {
  /** By number. */
  readonly calls: readonly SystemCall[];
  /** By number: where in the vDSO's image its `ecall` is. */
  readonly sites: Uint32Array;
}

/** What the kernel does when a guest thread traps, and when its wait has ended. */
export class GuestSteps implements ThreadSteps {
  constructor(
    private readonly core: KernelCore,
    private readonly vdso: SystemCallSites,
  ) {}

  resume(thread: Thread): number {
    const { operation, notice, faultCause } = thread;
    if (notice !== null) return this.tell(thread, notice);
    if (operation !== null) return this.advance(thread, operation);
    if (thread.isNew) return this.begin(thread);
    if (faultCause === 0) return STEP_GO_ON;
    thread.faultCause = 0;
    const { faultLow, faultHigh, wakeStatus } = thread;
    const kind = kindOf(faultCause);
    if (wakeStatus !== ZX_OK) return this.fatalFault(thread, kind, faultLow, faultHigh, wakeStatus);
    // It would trap once more for what has come; this saves the way there.
    if (thread.process.space.isMapped(faultHigh * TWO_32 + faultLow, kind)) return STEP_GO_ON;
    return this.pageFault(thread, kind, faultLow, faultHigh);
  }

  /** Debuggers hear of a thread before its first instruction. */
  private begin(thread: Thread): number {
    thread.isNew = false;
    return isStartWatched(thread) ? this.tell(thread, tellStart(thread, thread.isFirst)) : STEP_GO_ON;
  }

  /** Carries on what a thread tells those who handle exceptions. */
  private tell(thread: Thread, notice: Operation): number {
    thread.notice = notice;
    const step = notice.next(thread.wakeStatus);
    if (step.done === true) {
      thread.notice = null;
      return thread.dying ? STEP_LEFT : STEP_GO_ON;
    }
    thread.block(step.value);
    return STEP_LEFT;
  }

  trap(cpu: Cpu, thread: Thread): number {
    switch (cpu.cause) {
      case CAUSE_USER_ECALL:
        return this.systemCall(cpu, thread);
      case CAUSE_LOAD_PAGE_FAULT:
      case CAUSE_STORE_PAGE_FAULT:
      case CAUSE_FETCH_PAGE_FAULT: {
        const { state } = cpu.hart;
        return this.pageFault(thread, kindOf(cpu.cause), state[HART_TVAL], state[HART_TVAL + 1]);
      }
      default:
        return this.exception(thread, {
          type: exceptionType(cpu.cause),
          cause: cpu.cause,
          address: wordPair(cpu.hart.state, HART_TVAL),
          access: null,
          synthCode: 0,
          synthData: 0,
        });
    }
  }

  /** @param low word of the address, and `high` */
  private pageFault(thread: Thread, kind: FaultKind, low: number, high: number): number {
    // Above 2^53 not exact, but nothing is mapped there.
    const address = high * TWO_32 + low;
    const outcome = thread.process.space.fault(address, kind);
    if (this.core.events !== null) this.faultEvent(thread, address, kind, outcome);
    if (outcome === ZX_OK) return STEP_GO_ON;
    if (typeof outcome === 'number') return this.fatalFault(thread, kind, low, high, outcome);
    thread.faultCause = FAULT_CAUSES[kind];
    thread.faultLow = low;
    thread.faultHigh = high;
    thread.block(outcome);
    return STEP_LEFT;
  }

  private systemCall(cpu: Cpu, thread: Thread): number {
    const { context } = cpu.hart;
    const number = context[T0];
    const call = context[T0 + 1] === 0 ? this.vdso.calls[number] : undefined;
    const pc = context[HART_PC + 1] * TWO_32 + context[HART_PC];
    if (call === undefined || !this.isLegalSite(thread, pc, number)) {
      const report = this.report(thread, policyFacts(excp.ZX_EXCP_POLICY_CODE_BAD_SYSCALL, number));
      // Should a handler let it go on, the call has failed.
      setPc(context, pc + 4);
      thread.setResult(ZX_ERR_BAD_SYSCALL);
      return this.raise(thread, report);
    }
    this.core.tasks.systemCalls += 1;
    setPc(context, pc + 4);
    thread.callName = call.name;
    if (call.policy !== undefined && thread.process.policy !== JobPolicy.OPEN) {
      const condition = typeof call.policy === 'number' ? call.policy : call.policy(cpu.args);
      if (condition !== null && !this.isAllowed(thread, condition))
        return thread.dying ? STEP_LEFT : this.returned(thread, ZX_ERR_ACCESS_DENIED);
    }
    const result = call.handler(thread, cpu.args);
    if (typeof result !== 'number') return this.advance(thread, (thread.operation = result));
    return this.returned(thread, result);
  }

  /** Carries an unfinished system call on. */
  private advance(thread: Thread, operation: Operation): number {
    const step = operation.next(thread.wakeStatus);
    if (step.done === true) {
      thread.operation = null;
      return this.returned(thread, step.value);
    }
    if (step.value === PAUSE) this.core.tasks.spend(PAUSE_COST);
    // Who was killed by its own call does not wait any more.
    if (!thread.dying) thread.block(step.value);
    return STEP_LEFT;
  }

  private returned(thread: Thread, result: number): number {
    thread.setResult(result);
    const { events, tasks } = this.core;
    events?.({
      type: 'system-call',
      time: this.core.clock.now(),
      retired: this.core.retired,
      process: thread.process.koid,
      thread: thread.dispatcher.koid,
      name: thread.callName,
      status: result,
    });
    if (thread.process.policy !== JobPolicy.OPEN) {
      if (result === ZX_ERR_BAD_HANDLE && !(thread.callName === 'object_get_info' && isValidityTopic(thread)))
        this.isAllowed(thread, ZX_POL_BAD_HANDLE);
      if (result === ZX_ERR_WRONG_TYPE) this.isAllowed(thread, ZX_POL_WRONG_OBJECT);
    }
    if (thread.dying) return STEP_LEFT;
    const { violation } = thread;
    if (violation >= 0) {
      thread.violation = -1;
      return this.exception(thread, policyFacts(violation, 0));
    }
    return tasks.spend(SYSTEM_CALL_COST) ? STEP_STAND_BACK : STEP_GO_ON;
  }

  /**
   * Whether the policy of its job lets a thread do something; what else the policy wants is seen to: an exception when the call returns, or the end.
   *
   * @param condition `ZX_POL_*`; the code of the exception is the same number
   */
  private isAllowed(thread: Thread, condition: number): boolean {
    const action = thread.process.policy.actionOf(condition);
    if (action === ZX_POL_ACTION_KILL) {
      thread.process.kill(BigInt(ZX_TASK_RETCODE_POLICY_KILL));
      return false;
    }
    if (action === ZX_POL_ACTION_ALLOW_EXCEPTION || action === ZX_POL_ACTION_DENY_EXCEPTION)
      thread.violation = condition;
    return action === ZX_POL_ACTION_ALLOW || action === ZX_POL_ACTION_ALLOW_EXCEPTION;
  }

  /** The vDSO's code, wherever it is mapped: the only place from which system calls are accepted. */
  private isLegalSite(thread: Thread, pc: number, number: number): boolean {
    const { process } = thread;
    const site = this.vdso.sites[number];
    if (pc === process.vdsoBase + site) return true;
    const mapping = process.space.mappingAt(Math.floor(pc / PAGE_SIZE));
    if (mapping === null || !mapping.fixed) return false;
    process.vdsoBase = (mapping.vpn - mapping.page) * PAGE_SIZE;
    return pc === process.vdsoBase + site;
  }

  private fatalFault(thread: Thread, kind: FaultKind, low: number, high: number, status: Status): number {
    return this.exception(thread, {
      type: excp.ZX_EXCP_FATAL_PAGE_FAULT,
      cause: FAULT_CAUSES[kind],
      address: (BigInt(high) << 32n) | BigInt(low),
      access: ACCESSES[kind],
      synthCode: status >>> 0,
      synthData: 0,
    });
  }

  private exception(thread: Thread, facts: ExceptionFacts): number {
    return this.raise(thread, this.report(thread, facts));
  }

  private report(thread: Thread, facts: ExceptionFacts): ExceptionReport {
    const registers = generalRegisters(thread.registers);
    return { ...facts, pc: registers[0], registers };
  }

  private raise(thread: Thread, report: ExceptionReport): number {
    const { events } = this.core;
    if (events !== null) {
      events({
        type: 'exception',
        time: this.core.clock.now(),
        retired: this.core.retired,
        process: thread.process.koid,
        thread: thread.dispatcher.koid,
        exception: report.type,
        address: Number(report.address),
        status: report.synthCode | 0,
      });
    }
    return this.tell(thread, fatalException(thread, report));
  }

  private faultEvent(thread: Thread, address: number, kind: FaultKind, outcome: Status | Blocker): void {
    const { space } = thread.process;
    const how: FaultOutcome =
      typeof outcome !== 'number' ? 'blocked' : outcome === ZX_OK ? 'resolved' : 'fatal';
    this.core.events?.({
      type: 'fault',
      time: this.core.clock.now(),
      retired: this.core.retired,
      process: thread.process.koid,
      thread: thread.dispatcher.koid,
      address,
      access: ACCESSES[kind],
      outcome: how,
      status: how === 'fatal' ? (outcome as Status) : 0,
      vmo: space.faultVmo,
      page: space.faultPage,
    });
  }
}

/** The access of a page fault's cause. */
function kindOf(cause: number): FaultKind {
  if (cause === CAUSE_LOAD_PAGE_FAULT) return FAULT_READ;
  return cause === CAUSE_STORE_PAGE_FAULT ? FAULT_WRITE : FAULT_EXECUTE;
}

type ExceptionFacts = Omit<ExceptionReport, 'pc' | 'registers'>;

function policyFacts(code: number, data: number): ExceptionFacts {
  return {
    type: excp.ZX_EXCP_POLICY_ERROR,
    cause: 0,
    address: 0n,
    access: null,
    synthCode: code,
    synthData: data,
  };
}

/** `zx_object_get_info` with ZX_INFO_HANDLE_VALID asks whether a handle is good: a bad one is no mistake. The result does not touch a1. */
function isValidityTopic(thread: Thread): boolean {
  return thread.registers[HART_X + 2 * 11] === ZX_INFO_HANDLE_VALID;
}

function setPc(context: Uint32Array, pc: number): void {
  context[HART_PC] = pc >>> 0;
  context[HART_PC + 1] = Math.floor(pc / TWO_32);
}

function exceptionType(cause: number): number {
  switch (cause) {
    case CAUSE_ILLEGAL_INSTRUCTION:
      return excp.ZX_EXCP_UNDEFINED_INSTRUCTION;
    case CAUSE_BREAKPOINT:
      return excp.ZX_EXCP_SW_BREAKPOINT;
    case CAUSE_FETCH_MISALIGNED:
    case CAUSE_LOAD_MISALIGNED:
    case CAUSE_STORE_MISALIGNED:
      return excp.ZX_EXCP_UNALIGNED_ACCESS;
    default:
      return excp.ZX_EXCP_GENERAL;
  }
}
