import type { AccessWidth, Device } from '../bus/bus.js';
import type { DeviceHost } from '../bus/device-host.js';

/** Where QEMU's `virt` machine and SiFive's boards have the finisher. */
export const TEST_FINISHER_BASE = 0x10_0000;

const FAIL = 0x3333;
const PASS = 0x5555;
const RESET = 0x7777;

/** What a program asked of the finisher. */
export interface TestFinisherOptions {
  /**
   * Called when the program ends the run: with 0 for pass, with the code it gave (1 to 65535) for fail. A failure with
   * the code 0 counts as 1, so that it cannot be taken for success. Default: `Machine.stop` of the machine that the
   * device is part of.
   */
  stop?: (exitCode: number) => void;
  /** Called when the program asks for a reset. Default: `Machine.requestReset` of the machine that the device is part of. */
  reset?: () => void;
  /** Physical address; default {@link TEST_FINISHER_BASE}. */
  base?: number;
}

/**
 * The SiFive test finisher: one 32-bit register by which a bare-metal program says that it has ended.
 *
 * The low half of the word is the command (0x5555 pass, 0x3333 fail, 0x7777 reset), the high half the code of a failure.
 * Other values do nothing. Reads give 0.
 *
 * @see SiFive FE310 and Linux `sifive,test0` binding
 */
export class TestFinisher implements Device {
  readonly name = 'test-finisher';
  readonly base: number;
  readonly bytes = 0x1000;
  readonly #options: TestFinisherOptions;

  #host: DeviceHost | undefined;

  constructor(options: TestFinisherOptions = {}) {
    this.#options = options;
    this.base = options.base ?? TEST_FINISHER_BASE;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
  }

  load(): number {
    return 0;
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    // A 16-bit write is a command without a code; a byte is no command.
    if (offset !== 0 || width === 1) return;
    const word = Number(BigInt.asUintN(32, value));
    const command = word & 0xffff;
    if (command === PASS) this.#stop(0);
    else if (command === FAIL) this.#stop(word >>> 16 || 1);
    else if (command === RESET) this.#reset();
  }

  save(): void {
    // Nothing is kept.
  }

  restore(): void {
    // Nothing is kept.
  }

  #reset(): void {
    if (this.#options.reset === undefined) this.#host?.requestReset();
    else this.#options.reset();
  }

  #stop(exitCode: number): void {
    if (this.#options.stop === undefined) this.#host?.stop(exitCode);
    else this.#options.stop(exitCode);
  }
}
