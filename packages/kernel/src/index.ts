/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A Zircon-style kernel for the mmu-emu machine: page faults of guests become page requests that a pager, in TypeScript or in a guest, answers.
 *
 * @packageDocumentation
 */
export { PAGE_SIZE } from '@faultline/mmu-emu';
export * from './abi/index.js';
export { statusName } from './abi/status-name.js';
export { Kernel } from './kernel.js';
export type { FaultCounts, KernelStatistics } from './kernel.js';
export type { KernelOptions } from './kernel-options.js';
export type { RunResult, WaitingThread } from './kernel-loop.js';
export { KernelError } from './kernel-error.js';
export type { KernelErrorCode } from './kernel-error.js';
export type { Rng } from './kernel-core.js';
export type { Koid } from './object/dispatcher.js';
export { SeededRng } from './seeded-rng.js';
export { WallClock } from './wall-clock.js';
export { DEFAULT_LIMITS } from './limits.js';
export type { KernelLimits } from './limits.js';
export { EVENT_SCHEMA, EVENT_SCHEMA_VERSION } from './events.js';
export type { FaultAccess, FaultOutcome, KernelEvent } from './events.js';
export type { PagerBlocking } from './syscall/call.js';
export type { Schedule } from './task/scheduler.js';
export { describeException } from './task/exception-report.js';
export type { ExceptionReport } from './task/exception-report.js';
export type { CrashReport } from './task/process.js';
export type { FrameLoan } from './vm/lent-frames.js';
export type { BootstrapHandle } from './loader/bootstrap-message.js';
export type { ProgramOptions, ProgramResult } from './loader/program.js';
export type { HostEnvironmentOptions, HostSleep } from './host/host-environment.js';
export type { HostProcess } from './host/host-process.js';
export type { HostProcessOptions } from './host/host-process.js';
export type { HandleResult, HostArgument, StatusResult, WaitOptions } from './host/host-caller.js';
export type { HandleBasicResult, InfoResult, ObservedResult, WaitItem } from './host/host-object-calls.js';
export type { MessageResult, MessageRoom, PacketResult, PairResult } from './host/host-ipc-calls.js';
export type { PacketRoom, PageRequestValue, PortPacketValue, SignalValue } from './host/port-packet-value.js';
export type { PinResult } from './host/host-dma-calls.js';
export type { AddressResult, DirtyRangesResult, SizeResult } from './host/host-vm-calls.js';
export type { ExceptionMessageResult, ExceptionReportResult } from './host/host-exception-calls.js';
export type { ProcessInfoResult, ProcessResult } from './host/host-task-calls.js';
