import { PAGE_SIZE } from '@faultline/mmu-emu';
import { Handle } from '../object/handle-table.js';
import {
  PA_HND,
  PA_JOB_DEFAULT,
  PA_PROC_SELF,
  PA_THREAD_SELF,
  PA_VMAR_ROOT,
  PA_VMO_VDSO,
} from '../abi/processargs.js';
import { ZX_RIGHT_EXECUTE, ZX_RIGHT_MAP, ZX_RIGHT_READ, ZX_RIGHT_SAME_RIGHTS } from '../abi/rights.js';
import { ZX_ERR_ACCESS_DENIED, ZX_ERR_NO_RESOURCES, ZX_OK, type Status } from '../abi/status.js';
import {
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_PERM_EXECUTE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
} from '../abi/vm.js';
import type { HostProcess } from '../host/host-process.js';
import { KernelError } from '../kernel-error.js';
import type { KernelState } from '../kernel-state.js';
import type { PagerBlocking } from '../syscall/call.js';
import type { ProcessDispatcher } from '../task/process.js';
import { bootstrapMessage, type BootstrapHandle } from './bootstrap-message.js';
import { readExecutable } from './executable.js';
import { HandleBag } from './handle-bag.js';
import { require } from './requirement.js';
import { mapSegments } from './segments.js';
import type { VdsoObject } from './vdso-object.js';

/** How to start a program. */
export interface ProgramOptions {
  /** For reports; cut after 31 bytes of UTF-8. */
  readonly name: string;
  /** A VMO with a static position-independent ELF program; READ, MAP and EXECUTE are needed. It may belong to a pager, and stays the caller's. */
  readonly executable: number;
  /** By convention, the first is the program's name. Default: just that. */
  readonly arguments?: readonly string[];
  /** `NAME=value` */
  readonly environment?: readonly string[];
  /** Handles that go to the process, also when this fails. */
  readonly handles?: readonly BootstrapHandle[];
  /** Job to start it in; default: a new one under the root job. The process gets a handle to it (PA_JOB_DEFAULT). */
  readonly job?: number;
  /** Whether its system calls may wait for a pager; default: `allow` if the program says that it knows about pagers, or if the host process allows it for itself. */
  readonly pagerBlocking?: PagerBlocking;
  /** What the process on whose behalf this is done may do; a program cannot be allowed more. */
  readonly pagerBlockingLimit?: PagerBlocking;
  /** Bytes of its stack; default: what the program asks for, or 1 MiB. Memory is taken as it is used. */
  readonly stackBytes?: number;
  /** Gives up waiting for the executable's pager. */
  readonly signal?: AbortSignal;
}

/** A started program, or why there is none. */
export interface ProgramResult {
  readonly status: Status;
  /** Handle of the process, with all rights; 0 when it failed. */
  readonly process: number;
  readonly koid: number;
  readonly pagerBlocking: PagerBlocking;
  /** Null when it was started. */
  readonly error: KernelError | null;
}

/** What a loader works with. */
export interface Loader {
  readonly state: KernelState;
  readonly host: HostProcess;
  readonly vdso: VdsoObject;
}

const DEFAULT_STACK = 1024 * 1024;
const LARGEST_STACK = 1024 * 1024 * 1024;
const REGION = ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_SPECIFIC;

/**
 * Starts a program: a process with the program's segments, the vDSO and a stack, and one thread that finds its first message on a channel.
 *
 * Everything is done by system calls of the host process, so that a loader in a guest can do the same. Only the headers of
 * the file are read, and the page in which its data ends.
 */
export async function loadProgram(loader: Loader, options: ProgramOptions): Promise<ProgramResult> {
  const { host } = loader;
  const bag = new HandleBag(host);
  for (const { handle } of options.handles ?? []) bag.add(handle);
  try {
    return await start(loader, options, bag);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { status: error.status, process: 0, koid: 0, pagerBlocking: 'fail', error };
  } finally {
    bag.closeAll();
  }
}

async function start(loader: Loader, options: ProgramOptions, bag: HandleBag): Promise<ProgramResult> {
  const { host, vdso } = loader;
  const wait = options.signal === undefined ? {} : { signal: options.signal };
  checkRights(host, options.executable);
  const { image, mayWaitForPagers } = await readExecutable(host, options.executable, wait);
  const pagerBlocking = policy(host, options, mayWaitForPagers);

  const job = bag.add(options.job === undefined ? ownJob(host, bag) : duplicate(host, options.job));
  const made = host.processCreate(job, options.name, 0);
  require(made.status, 'a process');
  const process = bag.add(made.process);
  const vmar = bag.add(made.vmar);
  const dispatcher = host.handles.get(process)?.dispatcher as ProcessDispatcher;
  dispatcher.pagerBlocking = pagerBlocking;

  const bias = await mapSegments({ host, bag, vmar, file: options.executable, wait }, image);
  const vdsoBase = mapVdso(host, bag, vmar, vdso);
  const stackTop = mapStack(
    host,
    bag,
    vmar,
    options.stackBytes ?? (image.stackBytes === 0 ? DEFAULT_STACK : image.stackBytes),
  );

  const thread = host.threadCreate(process, 'initial-thread', 0);
  require(thread.status, 'a thread');
  bag.add(thread.handle);
  const channel = host.channelCreate(0);
  require(channel.status, 'a channel');
  bag.add(channel.handles[0]);
  bag.add(channel.handles[1]);

  const handles: BootstrapHandle[] = [
    { info: PA_HND(PA_PROC_SELF, 0), handle: bag.add(duplicate(host, process)) },
    { info: PA_HND(PA_THREAD_SELF, 0), handle: bag.add(duplicate(host, thread.handle)) },
    { info: PA_HND(PA_VMAR_ROOT, 0), handle: bag.add(duplicate(host, vmar)) },
    { info: PA_HND(PA_VMO_VDSO, 0), handle: bag.add(vdsoHandle(host, vdso)) },
    { info: PA_HND(PA_JOB_DEFAULT, 0), handle: bag.add(duplicate(host, job)) },
    ...(options.handles ?? []),
  ];
  const message = bootstrapMessage({
    handles,
    arguments: options.arguments ?? [options.name],
    environment: options.environment ?? [],
  });
  for (const { handle } of handles) bag.forget(handle);
  const sent = host.channelWrite(
    channel.handles[0],
    0,
    message,
    handles.map(({ handle }) => handle),
  );
  require(sent.status, 'the first message');

  bag.forget(channel.handles[1]);
  const started = host.processStart(
    process,
    thread.handle,
    bias + image.entry,
    stackTop,
    channel.handles[1],
    vdsoBase,
  );
  require(started.status, 'starting the process');
  bag.forget(process);
  return { status: ZX_OK, process, koid: dispatcher.koid, pagerBlocking, error: null };
}

function policy(host: HostProcess, options: ProgramOptions, mayWaitForPagers: boolean): PagerBlocking {
  const wanted = options.pagerBlocking ?? (mayWaitForPagers ? 'allow' : host.pagerBlocking);
  return options.pagerBlockingLimit === 'fail' ? 'fail' : wanted;
}

function checkRights(host: HostProcess, executable: number): void {
  const { status, rights } = host.handleBasicInfo(executable);
  require(status, 'the executable');
  const needed = ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_EXECUTE;
  require((rights & needed) === needed ? ZX_OK : ZX_ERR_ACCESS_DENIED, 'the executable');
}

function duplicate(host: HostProcess, handle: number): number {
  const copy = host.handleDuplicate(handle, ZX_RIGHT_SAME_RIGHTS);
  require(copy.status, 'a handle for the process');
  return copy.handle;
}

/** A job of its own: what its JOB_DEFAULT lets it do concerns itself only. */
function ownJob(host: HostProcess, bag: HandleBag): number {
  const root = host.rootJob();
  require(root.status, 'the root job');
  bag.add(root.handle);
  const job = host.jobCreate(root.handle, 0);
  require(job.status, 'a job');
  return job.handle;
}

function vdsoHandle(host: HostProcess, vdso: VdsoObject): number {
  require(host.handles.hasRoom(1) ? ZX_OK : ZX_ERR_NO_RESOURCES, 'a handle for the process');
  return host.handles.add(new Handle(vdso.handle.dispatcher, vdso.handle.rights));
}

/** @returns the base of the vDSO */
function mapVdso(host: HostProcess, bag: HandleBag, vmar: number, vdso: VdsoObject): number {
  const { bytes, codeOffset } = vdso.image;
  const vmo = bag.add(vdsoHandle(host, vdso));
  const region = host.vmarAllocate(vmar, REGION | ZX_VM_CAN_MAP_EXECUTE, 0, bytes.length);
  require(region.status, 'room for the vDSO');
  bag.add(region.handle);
  const read = ZX_VM_PERM_READ | ZX_VM_SPECIFIC;
  require(host.vmarMap(region.handle, read, 0, vmo, 0, codeOffset).status, 'the vDSO');
  const code = host.vmarMap(
    region.handle,
    read | ZX_VM_PERM_EXECUTE,
    codeOffset,
    vmo,
    codeOffset,
    bytes.length - codeOffset,
  );
  require(code.status, "the vDSO's code");
  return region.address;
}

/** A stack between two pages that nothing is mapped at. @returns its top */
function mapStack(host: HostProcess, bag: HandleBag, vmar: number, wanted: number): number {
  if (!Number.isSafeInteger(wanted) || wanted <= 0 || wanted > LARGEST_STACK) {
    throw new KernelError('bad-executable', `a stack of ${wanted} bytes`, { field: 'p_memsz' });
  }
  const bytes = Math.ceil(wanted / PAGE_SIZE) * PAGE_SIZE;
  const vmo = host.vmoCreate(bytes, 0);
  require(vmo.status, 'a stack');
  bag.add(vmo.handle);
  host.objectSetName(vmo.handle, 'stack');
  const region = host.vmarAllocate(vmar, REGION | ZX_VM_CAN_MAP_WRITE, 0, bytes + 2 * PAGE_SIZE);
  require(region.status, 'room for a stack');
  bag.add(region.handle);
  const options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC;
  const map = host.vmarMap(region.handle, options, PAGE_SIZE, vmo.handle, 0, bytes);
  require(map.status, 'a stack');
  return map.address + bytes;
}
