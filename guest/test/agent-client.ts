/**
 * The other end of the agent (programs/agent.c): single accesses and system calls of a guest, steered from a test.
 *
 * The wire format is that of include/faultline/agent.h.
 */
import {
  PA_HND,
  PA_USER1,
  ZX_CHANNEL_PEER_CLOSED,
  ZX_CHANNEL_READABLE,
  ZX_OK,
  statusName,
  type HostProcess,
  type Kernel,
  type PagerBlocking,
} from '@faultline/kernel';
import { programBytes } from './guest-bin.js';

const REQUEST_BYTES = 80;
const REPLY_BYTES = 32;

/** Operations, as in agent.h. */
const OP = {
  info: 1,
  read: 2,
  write: 3,
  execute: 4,
  systemCall: 5,
  rawEcall: 6,
  allocate: 7,
  free: 8,
  copyIn: 9,
  copyOut: 10,
  readMany: 11,
  writeMany: 12,
  takeHandles: 13,
  giveHandles: 14,
  startThread: 15,
  exit: 16,
} as const;

/** What an agent answers. */
export interface AgentReply {
  /** Whether the agent could do it: ZX_OK, or what stood in the way. */
  readonly status: number;
  /** A 64-bit register. */
  readonly value: bigint;
  readonly payload: Uint8Array;
  readonly handles: readonly number[];
}

/** Where an agent is. Handles are those of its process. */
export interface AgentInfo {
  readonly process: number;
  readonly thread: number;
  readonly rootVmar: number;
  readonly channel: number;
  readonly code: bigint;
  readonly constants: bigint;
  readonly variables: bigint;
  readonly stack: bigint;
}

/** The agent is gone: its process has ended, or the thread that serves this channel. */
export class AgentGone extends Error {}

/** How to start an agent. */
export interface AgentOptions {
  /** Name of its process; default `agent`. */
  readonly name?: string;
  /** Whether its system calls may wait for a pager; default: what its note says, `allow`. */
  readonly pagerBlocking?: PagerBlocking;
}

/** A thread of an agent, and the channel to it. Requests are answered one at a time, in order. */
export class AgentThread {
  private nextTransaction = 1;

  /** @param channel host's end; closed by `close` */
  constructor(
    protected readonly host: HostProcess,
    readonly channel: number,
  ) {}

  /**
   * Sends a request and waits for its answer.
   *
   * @param handles go to the agent
   * @throws {AgentGone} when the answer will never come
   */
  async request(
    op: number,
    args: readonly (number | bigint)[] = [],
    payload: Uint8Array = new Uint8Array(0),
    handles: readonly number[] = [],
  ): Promise<AgentReply> {
    const transaction = this.send(op, args, payload, handles);
    for (;;) {
      const reply = await this.receive();
      if (reply.transaction === transaction) return reply;
    }
  }

  private send(
    op: number,
    args: readonly (number | bigint)[],
    payload: Uint8Array,
    handles: readonly number[],
  ): number {
    const transaction = this.nextTransaction++;
    const message = new Uint8Array(REQUEST_BYTES + payload.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, transaction, true);
    view.setUint32(4, op, true);
    view.setUint32(12, payload.length, true);
    args.forEach((value, index) => {
      view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, BigInt(value)), true);
    });
    message.set(payload, REQUEST_BYTES);
    const { status } = this.host.channelWrite(this.channel, 0, message, handles);
    if (status !== ZX_OK) throw new AgentGone(`the request was not sent: ${statusName(status)}`);
    return transaction;
  }

  private async receive(): Promise<AgentReply & { readonly transaction: number }> {
    const wanted = ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED;
    const { status: waited } = await this.host.objectWaitOne(this.channel, wanted);
    if (waited !== ZX_OK) throw new AgentGone(`no answer: ${statusName(waited)}`);
    const { status, bytes, handles } = this.host.channelRead(this.channel, 0);
    if (status !== ZX_OK) throw new AgentGone(`no answer: ${statusName(status)}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return {
      transaction: view.getUint32(0, true),
      status: view.getInt32(8, true),
      value: view.getBigUint64(16, true),
      payload: bytes.subarray(REPLY_BYTES),
      handles,
    };
  }

  /** A request that has to succeed. */
  private async must(...request: Parameters<AgentThread['request']>): Promise<AgentReply> {
    const reply = await this.request(...request);
    if (reply.status !== ZX_OK) throw new Error(`request ${request[0]}: ${statusName(reply.status)}`);
    return reply;
  }

  async info(): Promise<AgentInfo> {
    const { payload } = await this.must(OP.info);
    const view = new DataView(payload.buffer, payload.byteOffset);
    return {
      process: view.getUint32(0, true),
      thread: view.getUint32(4, true),
      rootVmar: view.getUint32(8, true),
      channel: view.getUint32(12, true),
      code: view.getBigUint64(16, true),
      constants: view.getBigUint64(24, true),
      variables: view.getBigUint64(32, true),
      stack: view.getBigUint64(40, true),
    };
  }

  /** One load of 1, 2, 4 or 8 bytes. */
  async read(address: number | bigint, bytes = 8): Promise<bigint> {
    return (await this.must(OP.read, [address, bytes])).value;
  }

  /** One store of 1, 2, 4 or 8 bytes. */
  async write(address: number | bigint, value: number | bigint, bytes = 8): Promise<void> {
    await this.must(OP.write, [address, bytes, value]);
  }

  /** Loads of 8 bytes, `stride` apart, in order; at most 4,096. */
  async readMany(address: number | bigint, stride: number, count: number): Promise<bigint[]> {
    const { payload } = await this.must(OP.readMany, [address, stride, count]);
    const view = new DataView(payload.buffer, payload.byteOffset);
    return Array.from({ length: count }, (_none, index) => view.getBigUint64(8 * index, true));
  }

  /** Stores of 8 bytes, `stride` apart: `value`, `value + step`, ... */
  async writeMany(
    address: number | bigint,
    stride: number,
    count: number,
    value: number | bigint,
    step: number | bigint = 0,
  ): Promise<void> {
    await this.must(OP.writeMany, [address, stride, count, value, step]);
  }

  /** Calls `address` as a function. @returns a0 */
  async execute(address: number | bigint, ...args: readonly (number | bigint)[]): Promise<bigint> {
    return (await this.must(OP.execute, [address, ...args])).value;
  }

  /** Calls a system call, through the vDSO, with these registers. @param name `zx_vmo_read` @returns a0, as it is */
  async systemCall(name: string, ...args: readonly (number | bigint)[]): Promise<bigint> {
    return (await this.must(OP.systemCall, args, new TextEncoder().encode(name))).value;
  }

  /** `systemCall` for those that return a status. */
  async status(name: string, ...args: readonly (number | bigint)[]): Promise<number> {
    return Number(BigInt.asIntN(32, await this.systemCall(name, ...args)));
  }

  /** An `ecall` outside the vDSO. @returns a0, if it comes back */
  async rawEcall(number: number, ...args: readonly (number | bigint)[]): Promise<bigint> {
    return (await this.must(OP.rawEcall, [number, ...args])).value;
  }

  /** Zeroed memory of the agent. @returns its address, at a page boundary */
  async allocate(bytes: number): Promise<bigint> {
    return (await this.must(OP.allocate, [bytes])).value;
  }

  async free(address: bigint, bytes: number): Promise<void> {
    await this.must(OP.free, [address, bytes]);
  }

  async copyIn(address: number | bigint, bytes: Uint8Array): Promise<void> {
    await this.must(OP.copyIn, [address], bytes);
  }

  /** At most 32 KiB. */
  async copyOut(address: number | bigint, bytes: number): Promise<Uint8Array> {
    return (await this.must(OP.copyOut, [address, bytes])).payload;
  }

  /** Moves handles of the host to the agent. @returns their values there */
  async takeHandles(handles: readonly number[]): Promise<number[]> {
    const { payload } = await this.must(OP.takeHandles, [], undefined, handles);
    const view = new DataView(payload.buffer, payload.byteOffset);
    return handles.map((_handle, index) => view.getUint32(4 * index, true));
  }

  /** Moves handles of the agent to the host, or duplicates of them. @returns their values here */
  async giveHandles(
    handles: readonly number[],
    options: { duplicate?: boolean } = {},
  ): Promise<readonly number[]> {
    const payload = new Uint8Array(Uint32Array.from(handles).buffer);
    return (await this.must(OP.giveHandles, [options.duplicate === true ? 1 : 0], payload)).handles;
  }

  /** Starts another thread of the agent. */
  async startThread(): Promise<AgentThread> {
    const { status, handles } = this.host.channelCreate(0);
    if (status !== ZX_OK) throw new Error(`a channel: ${statusName(status)}`);
    const [here, there] = handles;
    await this.must(OP.startThread, [], undefined, [there]);
    return new AgentThread(this.host, here);
  }

  /** Ends the process with this code. */
  exit(code: number | bigint): void {
    this.send(OP.exit, [code], new Uint8Array(0), []);
  }

  /** Closes the channel, upon which the thread ends; with the first thread the process. */
  close(): void {
    this.host.handleClose(this.channel);
  }
}

/** An agent's first thread, with its process. */
export class Agent extends AgentThread {
  private constructor(
    host: HostProcess,
    channel: number,
    /** The host's handle. */
    readonly process: number,
    private readonly release: () => void,
  ) {
    super(host, channel);
  }

  /** Starts an agent; it does something only while the kernel runs. Until `close`, a kernel in which all wait is not deadlocked. */
  static async start(kernel: Kernel, host: HostProcess, options: AgentOptions = {}): Promise<Agent> {
    const bytes = programBytes('agent');
    const file = host.vmoCreate(bytes.length, 0);
    await host.vmoWrite(file.handle, bytes, 0);
    const executable = host.vmoReplaceAsExecutable(file.handle);
    const [here, there] = host.channelCreate(0).handles;
    const started = await kernel.startProcess(host, {
      name: options.name ?? 'agent',
      executable: executable.handle,
      handles: [{ info: PA_HND(PA_USER1, 0), handle: there }],
      ...(options.pagerBlocking === undefined ? {} : { pagerBlocking: options.pagerBlocking }),
    });
    host.handleClose(executable.handle);
    if (started.status !== ZX_OK) throw new Error(`the agent: ${statusName(started.status)}`);
    return new Agent(host, here, started.process, host.hold());
  }

  override close(): void {
    super.close();
    this.release();
  }
}
