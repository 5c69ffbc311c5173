/** What went wrong with a machine, for programs to tell apart. */
export type MachineErrorCode = 'wasm-unavailable' | 'bad-option' | 'out-of-memory';

/**
 * A machine could not be made.
 *
 * - `wasm-unavailable`: the host has no WebAssembly, or refuses to compile it; `cause` has its error.
 * - `bad-option`: an option is out of range; `option` names it.
 * - `out-of-memory`: the host cannot give the guest memory asked for; `cause` has its error.
 */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly code: MachineErrorCode;
  /** The option at fault, for `bad-option`. */
  readonly option: string | undefined;

  constructor(code: MachineErrorCode, message: string, details: { option?: string; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.option = details.option;
  }
}
