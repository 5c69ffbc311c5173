import type { AccessWidth, Device } from '../bus/bus.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';

/** Where QEMU's `virt` machine has its first serial port. */
export const UART_BASE = 0x1000_0000;

/** Default number of received bytes that wait for the program; a sender should look at `room` first. */
const DEFAULT_RECEIVE_BYTES = 4096;

/** Most that a register holds. */
const BYTE = 0xff;

const REGISTER_DATA = 0;
const REGISTER_INTERRUPT_ENABLE = 1;
const REGISTER_INTERRUPT_IDENTIFICATION = 2;
const REGISTER_LINE_CONTROL = 3;
const REGISTER_MODEM_CONTROL = 4;
const REGISTER_LINE_STATUS = 5;
const REGISTER_MODEM_STATUS = 6;
const REGISTER_SCRATCH = 7;

const LINE_CONTROL_DLAB = 0x80;
const LINE_STATUS_DATA_READY = 0x01;
const LINE_STATUS_OVERRUN = 0x02;
const LINE_STATUS_TRANSMIT_EMPTY = 0x60;
const FIFO_ENABLE = 0x01;
const FIFO_CLEAR_RECEIVER = 0x02;
const FIFO_TRIGGER_SHIFT = 6;
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;
const ENABLE_RECEIVED = 0x01;
const ENABLE_TRANSMIT_EMPTY = 0x02;
const ENABLE_LINE_STATUS = 0x04;
const ENABLE_MODEM_STATUS = 0x08;
const INTERRUPT_NONE = 0x01;
const INTERRUPT_LINE_STATUS = 0x06;
const INTERRUPT_RECEIVED = 0x04;
const INTERRUPT_TIMEOUT = 0x0c;
const INTERRUPT_TRANSMIT_EMPTY = 0x02;
const INTERRUPT_MODEM_STATUS = 0x00;
const INTERRUPT_FIFOS_ENABLED = 0xc0;
const MODEM_CONTROL_LOOPBACK = 0x10;
/** Carrier detect, data set ready and clear to send: the other side is there and listening. */
const MODEM_STATUS_READY = 0xb0;
/** The ring indicator reports only that it has gone. */
const MODEM_STATUS_RING = 0x40;

/** What a serial port is connected to. */
export interface Uart16550Options {
  /** Takes each byte that the program sends. */
  transmit: (byte: number) => void;
  /** The interrupt line: told true when the port wants to interrupt, false when not any more. */
  interrupt?: (raised: boolean) => void;
  /** Physical address; default {@link UART_BASE}. */
  base?: number;
  /** Bound on received bytes that wait; default 4096. */
  receiveBytes?: number;
}

/**
 * A 16550A serial port: eight byte-wide registers and an interrupt line.
 *
 * Sending takes no time: the transmitter is always empty, and says so by an interrupt after each byte if that is enabled.
 * Received bytes below the FIFO's trigger level are reported as a timeout at once. What arrives from outside is queued by `receive` until the
 * program reads it; the real part's FIFO of 16 bytes is not imitated, so nothing is lost to a slow program before the
 * queue's own bound. Bit rate and frame format are stored and change nothing.
 *
 * @see National Semiconductor PC16550D data sheet, "Registers"
 */
export class Uart16550 implements Device {
  readonly name = 'uart-16550';
  readonly base: number;
  readonly bytes = 0x100;

  readonly #transmit: (byte: number) => void;
  readonly #interrupt: (raised: boolean) => void;
  readonly #queue: Uint8Array;
  #head = 0;
  #queued = 0;
  #overrun = false;

  #divisor = 0;
  #interruptEnable = 0;
  #fifoEnabled = false;
  #trigger: number = TRIGGER_LEVELS[0];
  #transmitEmptyPending = false;
  #modemStatus = MODEM_STATUS_READY;
  #modemChanges = 0;
  #raised = false;
  #lineControl = 0;
  #modemControl = 0;
  #scratch = 0;

  constructor(options: Uart16550Options) {
    const receiveBytes = options.receiveBytes ?? DEFAULT_RECEIVE_BYTES;
    if (!Number.isSafeInteger(receiveBytes) || receiveBytes < 1) {
      throw new RangeError('receiveBytes must be a positive integer');
    }
    this.#transmit = options.transmit;
    this.#interrupt = options.interrupt ?? (() => undefined);
    this.#queue = new Uint8Array(receiveBytes);
    this.base = options.base ?? UART_BASE;
  }

  /** How many bytes `receive` would take now. */
  get room(): number {
    return this.#queue.length - this.#queued;
  }

  /**
   * Queues bytes for the program, as many as there is room for, and returns how many that was. The bytes are copied.
   */
  receive(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.room);
    for (let i = 0; i < count; i++) this.#push(bytes[i]);
    this.#update();
    return count;
  }

  /** The registers are bytes; a wider read sees its register in the low byte, as the real part's bus shows it. */
  load(offset: number, _width: AccessWidth): number {
    const value = this.#read(offset);
    this.#update();
    return value;
  }

  #read(offset: number): number {
    switch (offset) {
      case REGISTER_DATA:
        if (this.#isDivisorLatch()) return this.#divisor & 0xff;
        return this.#shift();
      case REGISTER_INTERRUPT_ENABLE:
        return this.#isDivisorLatch() ? this.#divisor >> 8 : this.#interruptEnable;
      case REGISTER_INTERRUPT_IDENTIFICATION:
        return this.#identify() | (this.#fifoEnabled ? INTERRUPT_FIFOS_ENABLED : 0);
      case REGISTER_LINE_CONTROL:
        return this.#lineControl;
      case REGISTER_MODEM_CONTROL:
        return this.#modemControl;
      case REGISTER_LINE_STATUS: {
        const overrun = this.#overrun ? LINE_STATUS_OVERRUN : 0;
        // Reading the line status clears the error it reports.
        this.#overrun = false;
        return LINE_STATUS_TRANSMIT_EMPTY | overrun | (this.#queued > 0 ? LINE_STATUS_DATA_READY : 0);
      }
      case REGISTER_MODEM_STATUS: {
        const changes = this.#modemChanges;
        this.#modemChanges = 0;
        return this.#modemStatus | changes;
      }
      case REGISTER_SCRATCH:
        return this.#scratch;
      default:
        return 0;
    }
  }

  store(offset: number, _width: AccessWidth, value: bigint): void {
    this.#write(offset, Number(value & 0xffn));
    this.#update();
  }

  #write(offset: number, byte: number): void {
    switch (offset) {
      case REGISTER_DATA:
        if (this.#isDivisorLatch()) {
          this.#divisor = (this.#divisor & 0xff00) | byte;
          break;
        }
        if ((this.#modemControl & MODEM_CONTROL_LOOPBACK) !== 0) this.#push(byte);
        else this.#transmit(byte);
        this.#transmitEmptyPending = true;
        break;
      case REGISTER_INTERRUPT_ENABLE:
        if (this.#isDivisorLatch()) this.#divisor = (this.#divisor & 0x00ff) | (byte << 8);
        else {
          // Enabling the transmitter's interrupt while it is empty raises it.
          if (byte & ~this.#interruptEnable & ENABLE_TRANSMIT_EMPTY) this.#transmitEmptyPending = true;
          this.#interruptEnable = byte & 0x0f;
        }
        break;
      case REGISTER_INTERRUPT_IDENTIFICATION:
        // Written, this is the FIFO control register.
        this.#fifoEnabled = (byte & FIFO_ENABLE) !== 0;
        this.#trigger = TRIGGER_LEVELS[this.#fifoEnabled ? byte >> FIFO_TRIGGER_SHIFT : 0];
        if ((byte & FIFO_CLEAR_RECEIVER) !== 0) this.#queued = 0;
        break;
      case REGISTER_LINE_CONTROL:
        this.#lineControl = byte;
        break;
      case REGISTER_MODEM_CONTROL:
        this.#modemControl = byte & 0x1f;
        this.#changeModemStatus(byte & MODEM_CONTROL_LOOPBACK ? this.#loopbackStatus() : MODEM_STATUS_READY);
        break;
      case REGISTER_SCRATCH:
        this.#scratch = byte;
        break;
      default:
        break;
    }
  }

  save(to: StateWriter): void {
    const { length } = this.#queue;
    to.bytes(Uint8Array.from({ length: this.#queued }, (_, at) => this.#queue[(this.#head + at) % length]));
    to.words([this.#divisor, this.#interruptEnable, this.#trigger, this.#modemStatus, this.#modemChanges]);
    to.words([this.#lineControl, this.#modemControl, this.#scratch]);
    for (const bit of [this.#overrun, this.#fifoEnabled, this.#transmitEmptyPending, this.#raised])
      to.boolean(bit);
  }

  restore(from: StateReader): void {
    const queued = from.bytes(this.#queue.length);
    this.#queue.set(queued);
    this.#head = 0;
    this.#queued = queued.length;
    this.#divisor = from.u32(0xffff);
    this.#interruptEnable = from.u32(0x0f);
    this.#trigger = from.u32(BYTE);
    if (!TRIGGER_LEVELS.some((level) => level === this.#trigger))
      from.fail('the FIFO has no such trigger level');
    this.#modemStatus = from.u32(BYTE);
    this.#modemChanges = from.u32(0x0f);
    this.#lineControl = from.u32(BYTE);
    this.#modemControl = from.u32(0x1f);
    this.#scratch = from.u32(BYTE);
    this.#overrun = from.boolean();
    this.#fifoEnabled = from.boolean();
    this.#transmitEmptyPending = from.boolean();
    this.#raised = from.boolean();
  }

  #isDivisorLatch(): boolean {
    return (this.#lineControl & LINE_CONTROL_DLAB) !== 0;
  }

  /** In loopback the four modem outputs come back as the four inputs. */
  #loopbackStatus(): number {
    const control = this.#modemControl;
    return ((control & 0x02) << 3) | ((control & 0x01) << 5) | ((control & 0x0c) << 4);
  }

  #changeModemStatus(status: number): void {
    const changed = this.#modemStatus ^ status;
    const reported = changed & MODEM_STATUS_RING & status ? changed & ~MODEM_STATUS_RING : changed;
    this.#modemChanges |= reported >> 4;
    this.#modemStatus = status;
  }

  /** What interrupts, the most urgent first. */
  #pendingInterrupt(): number {
    const enabled = this.#interruptEnable;
    if (enabled & ENABLE_LINE_STATUS && this.#overrun) return INTERRUPT_LINE_STATUS;
    if (enabled & ENABLE_RECEIVED && this.#queued > 0) {
      return this.#queued >= this.#trigger ? INTERRUPT_RECEIVED : INTERRUPT_TIMEOUT;
    }
    if (enabled & ENABLE_TRANSMIT_EMPTY && this.#transmitEmptyPending) return INTERRUPT_TRANSMIT_EMPTY;
    if (enabled & ENABLE_MODEM_STATUS && this.#modemChanges !== 0) return INTERRUPT_MODEM_STATUS;
    return INTERRUPT_NONE;
  }

  /** Reading that the transmitter is empty acknowledges it. */
  #identify(): number {
    const pending = this.#pendingInterrupt();
    if (pending === INTERRUPT_TRANSMIT_EMPTY) this.#transmitEmptyPending = false;
    return pending;
  }

  #update(): void {
    const raised = this.#pendingInterrupt() !== INTERRUPT_NONE;
    if (raised === this.#raised) return;
    this.#raised = raised;
    this.#interrupt(raised);
  }

  #push(byte: number): void {
    if (this.#queued === this.#queue.length) {
      this.#overrun = true;
      return;
    }
    this.#queue[(this.#head + this.#queued) % this.#queue.length] = byte;
    this.#queued++;
  }

  #shift(): number {
    if (this.#queued === 0) return 0;
    const byte = this.#queue[this.#head];
    this.#head = (this.#head + 1) % this.#queue.length;
    this.#queued--;
    return byte;
  }
}
