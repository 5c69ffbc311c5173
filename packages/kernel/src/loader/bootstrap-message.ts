import * as args from '../abi/processargs.js';
import { ZX_CHANNEL_MAX_MSG_BYTES, ZX_CHANNEL_MAX_MSG_HANDLES } from '../abi/abi-limits.js';
import { KernelError } from '../kernel-error.js';

/** A handle for a new process, with what it is for. */
export interface BootstrapHandle {
  /** `PA_HND(type, argument)` */
  readonly info: number;
  readonly handle: number;
}

/** What a new process is told. */
export interface BootstrapFacts {
  readonly handles: readonly BootstrapHandle[];
  readonly arguments: readonly string[];
  /** `NAME=value` */
  readonly environment: readonly string[];
}

/**
 * The bytes of the first message of a process: `zx_proc_args_t`, handle infos, arguments, environment. The handles go with it, in the same order.
 *
 * @throws {KernelError} `arguments-too-long`: more than a message holds, or a string with a NUL in it
 */
export function bootstrapMessage(facts: BootstrapFacts): Uint8Array {
  if (facts.handles.length > ZX_CHANNEL_MAX_MSG_HANDLES) {
    throw new KernelError(
      'arguments-too-long',
      `a process can be given ${ZX_CHANNEL_MAX_MSG_HANDLES} handles`,
    );
  }
  const encoder = new TextEncoder();
  const strings = [...facts.arguments, ...facts.environment].map((text) => encoder.encode(text));
  if (strings.some((bytes) => bytes.includes(0))) {
    throw new KernelError('arguments-too-long', 'an argument or environment string has a NUL in it');
  }
  const lengths = strings.map((bytes) => bytes.length + 1);
  const infoOffset = args.PROCARGS_BYTES;
  const argsOffset = infoOffset + 4 * facts.handles.length;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const environOffset = argsOffset + sum(lengths.slice(0, facts.arguments.length));
  const end = argsOffset + sum(lengths);
  if (end > ZX_CHANNEL_MAX_MSG_BYTES) {
    throw new KernelError(
      'arguments-too-long',
      `arguments and environment take ${end} bytes, and a process can be told ${ZX_CHANNEL_MAX_MSG_BYTES}`,
    );
  }
  const message = new Uint8Array(end);
  const view = new DataView(message.buffer);
  const put = (position: number, value: number): void => view.setUint32(position, value, true);
  put(args.PROCARGS_PROTOCOL, args.ZX_PROCARGS_PROTOCOL);
  put(args.PROCARGS_VERSION, args.ZX_PROCARGS_VERSION);
  put(args.PROCARGS_HANDLE_INFO_OFF, infoOffset);
  put(args.PROCARGS_ARGS_OFF, argsOffset);
  put(args.PROCARGS_ARGS_NUM, facts.arguments.length);
  put(args.PROCARGS_ENVIRON_OFF, environOffset);
  put(args.PROCARGS_ENVIRON_NUM, facts.environment.length);
  facts.handles.forEach(({ info }, index) => put(infoOffset + 4 * index, info));
  let position = argsOffset;
  strings.forEach((bytes, index) => {
    message.set(bytes, position);
    position += lengths[index];
  });
  return message;
}
