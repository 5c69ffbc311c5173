/** Runs a few lines of assembly on a machine of their own, for tests. */

import { assemble, EXIT_TRAP, HART_CAUSE, HART_PC, HART_TVAL, HART_X, Machine } from '../src/index.js';
import type { ExitReason, Hart, MachineOptions } from '../src/index.js';
import { INTEGER_REGISTERS } from '../src/index.js';

/** Where programs are put. */
export const ORIGIN = 0x8000_0000;

/** 64-bit value at a word of the state. */
export function wordPair(hart: Hart, index: number): bigint {
  return (BigInt(hart.state[index + 1]) << 32n) | BigInt(hart.state[index]);
}

export function setWordPair(hart: Hart, index: number, value: bigint): void {
  const unsigned = BigInt.asUintN(64, value);
  hart.state[index] = Number(unsigned & 0xffff_ffffn);
  hart.state[index + 1] = Number(unsigned >> 32n);
}

/** A machine with a program in it, looked at by names. */
export class Bench {
  readonly machine: Machine;
  readonly hart: Hart;
  readonly symbols: Map<string, number>;

  private constructor(machine: Machine, symbols: Map<string, number>) {
    this.machine = machine;
    this.hart = machine.harts[0]!;
    this.symbols = symbols;
  }

  /** Hosted unless the options say otherwise; 1 MiB. The program is at ORIGIN, and so is the pc. */
  static async of(source: string, options: MachineOptions = {}): Promise<Bench> {
    const machine = await Machine.create({ mode: 'hosted', ramBytes: 2 ** 20, ...options });
    const { bytes, symbols } = assemble(source, { origin: ORIGIN });
    machine.ram.writable(0, Math.max(1, Math.ceil(bytes.length / 4096))).set(bytes);
    const bench = new Bench(machine, symbols);
    bench.pc = BigInt(ORIGIN);
    return bench;
  }

  get pc(): bigint {
    return wordPair(this.hart, HART_PC);
  }

  set pc(value: bigint) {
    setWordPair(this.hart, HART_PC, value);
  }

  /** Value of a register by its ABI name. */
  x(name: string): bigint {
    return wordPair(this.hart, HART_X + 2 * INTEGER_REGISTERS.indexOf(name));
  }

  setX(name: string, value: bigint | number): void {
    setWordPair(this.hart, HART_X + 2 * INTEGER_REGISTERS.indexOf(name), BigInt(value));
  }

  run(budget = 100_000): ExitReason {
    return this.hart.run(budget);
  }

  /** Runs into a trap; gives its cause. */
  trap(budget = 100_000): number {
    const reason = this.hart.run(budget);
    if (reason !== EXIT_TRAP) throw new Error(`the run ended by ${reason} instead of a trap`);
    return this.hart.state[HART_CAUSE];
  }

  get tval(): bigint {
    return wordPair(this.hart, HART_TVAL);
  }

  symbol(name: string): bigint {
    return BigInt(this.symbols.get(name)!);
  }

  /** 64-bit value in RAM at a physical address. */
  read(address: number): bigint {
    const at = address - ORIGIN;
    const view = this.machine.ram.readable(Math.floor(at / 4096));
    return new DataView(view.buffer, view.byteOffset + (at % 4096), 8).getBigUint64(0, true);
  }

  write(address: number, value: bigint): void {
    const at = address - ORIGIN;
    const view = this.machine.ram.writable(Math.floor(at / 4096));
    new DataView(view.buffer, view.byteOffset + (at % 4096), 8).setBigUint64(
      0,
      BigInt.asUintN(64, value),
      true,
    );
  }
}
