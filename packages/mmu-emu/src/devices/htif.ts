import { GuestMemory } from '../bus/guest-memory.js';
import type { Machine } from '../machine.js';
import type { SnapshotPart } from '../snapshot/snapshot-part.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';

/** What a program says by HTIF goes here. */
export interface HtifOptions {
  /** Physical address of the symbol `tohost`: 8 bytes, aligned. */
  readonly tohost: number;
  /** Of `fromhost`; a program without it can only end and write. */
  readonly fromhost?: number;
  /** Takes bytes that the program writes to its console. */
  readonly transmit?: (byte: number) => void;
  /** The program has ended: 0 for pass, otherwise the code it gave. Default: `Machine.stop`. */
  readonly exit?: (code: number) => void;
}

const DEVICE_SYSTEM = 0;
const DEVICE_CONSOLE = 1;
const COMMAND_READ = 0;
const COMMAND_WRITE = 1;
const CALL_WRITE = 64;
const CALL_EXIT = 93;
const BAD_CALL = -38n;
const BAD_ADDRESS = -14n;
const BAD_FILE = -9n;
/** Most bytes of one write. */
const WRITE_BYTES = 65_536;
/** Received bytes that wait. */
const WAITING_BYTES = 4096;

/**
 * The host-target interface of Berkeley's simulators: two words in the program's memory by which it ends, and has a
 * console.
 *
 * A word written to `tohost` has a device in its high byte, a command in the next, and a payload. Device 0: an odd payload
 * ends the program with the code `payload >> 1`; an even one is the address of a system call (number, arguments, of
 * which write and exit are there), answered in the same place. Device 1: command 1 writes a character, command 0
 * asks for one. `tohost` is cleared when the word has been dealt with; answers come in `fromhost`.
 */
export class Htif implements SnapshotPart {
  readonly name = 'htif';
  readonly #memory: GuestMemory;
  readonly #options: HtifOptions;
  readonly #exit: (code: number) => void;
  #asked = false;
  #waiting: number[] = [];

  /** @throws {RangeError} when `tohost` is not in RAM. */
  constructor(machine: Machine, options: HtifOptions) {
    this.#options = options;
    this.#exit = options.exit ?? ((code) => machine.stop(code));
    this.#memory = new GuestMemory(machine.ram, () => {
      for (const hart of machine.harts) hart.clearReservation();
    });
    machine.include(this);
    machine.watchStores(options.tohost, () => this.#look());
    if (options.fromhost !== undefined) machine.watchStores(options.fromhost, () => this.#answer());
  }

  /** How many bytes `receive` would take now. */
  get room(): number {
    return WAITING_BYTES - this.#waiting.length;
  }

  /** Takes bytes for the program's console, as many as there is room for, and returns how many. */
  receive(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.room);
    this.#waiting.push(...bytes.subarray(0, taken));
    this.#answer();
    return taken;
  }

  save(to: StateWriter): void {
    to.boolean(this.#asked);
    to.bytes(Uint8Array.from(this.#waiting));
  }

  restore(from: StateReader): void {
    this.#asked = from.boolean();
    this.#waiting = [...from.bytes(WAITING_BYTES)];
  }

  #look(): void {
    const { tohost } = this.#options;
    const word = this.#read(tohost);
    if (word === undefined || word === 0n) return;
    const device = Number(word >> 56n);
    const command = Number((word >> 48n) & 0xffn);
    const payload = word & 0xffff_ffff_ffffn;
    if (device === DEVICE_SYSTEM && command === 0 && (payload & 1n) === 1n) {
      this.#exit(Number(payload >> 1n));
      return;
    }
    this.#memory.write(tohost, 8, 0);
    if (device === DEVICE_SYSTEM && command === 0) this.#call(Number(payload));
    else if (device === DEVICE_CONSOLE && command === COMMAND_WRITE) {
      this.#options.transmit?.(Number(payload & 0xffn));
    } else if (device === DEVICE_CONSOLE && command === COMMAND_READ) {
      this.#asked = true;
      this.#answer();
    }
  }

  /** A character that was asked for, once there is one and the last answer has been taken. */
  #answer(): void {
    const { fromhost } = this.#options;
    if (!this.#asked || fromhost === undefined || this.#read(fromhost) !== 0n) return;
    const byte = this.#waiting.shift();
    if (byte === undefined) return;
    this.#asked = false;
    this.#write(fromhost, (BigInt(DEVICE_CONSOLE) << 56n) | BigInt(byte));
  }

  #call(address: number): void {
    const [number, first, second, third] = [0, 8, 16, 24].map((offset) => this.#read(address + offset));
    if (number === undefined || first === undefined || second === undefined || third === undefined) return;
    if (number === BigInt(CALL_EXIT)) {
      this.#exit(Number(first & 0xffff_ffffn));
      return;
    }
    const isWrite = number === BigInt(CALL_WRITE);
    this.#write(address, isWrite ? this.#writeCall(first, second, third) : BAD_CALL);
    if (this.#options.fromhost !== undefined) this.#memory.write(this.#options.fromhost, 8, 1);
  }

  #writeCall(file: bigint, address: bigint, bytes: bigint): bigint {
    if (file !== 1n && file !== 2n) return BAD_FILE;
    const count = bytes > BigInt(WRITE_BYTES) ? WRITE_BYTES : Number(bytes);
    const view = this.#memory.readable(Number(address), count);
    if (view === undefined) return BAD_ADDRESS;
    for (const byte of view) this.#options.transmit?.(byte);
    return BigInt(count);
  }

  #read(address: number): bigint | undefined {
    const low = this.#memory.read(address, 4);
    const high = this.#memory.read(address + 4, 4);
    return low === undefined || high === undefined ? undefined : (BigInt(high) << 32n) | BigInt(low);
  }

  #write(address: number, value: bigint): void {
    this.#memory.write(address, 4, Number(BigInt.asUintN(32, value)));
    this.#memory.write(address + 4, 4, Number(BigInt.asUintN(32, value >> 32n)));
  }
}
