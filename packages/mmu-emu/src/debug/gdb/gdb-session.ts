import { EXIT_BUDGET, EXIT_DEBUG, EXIT_RESET, EXIT_STOP, EXIT_WFI } from '../../hart/hart.js';
import type { ExitReason, Hart } from '../../hart/hart.js';
import type { Debugger, DebugStop } from '../debugger.js';
import { readRegister } from '../registers.js';
import { bytesOfHex, bytesOfText, countOfHex, hexOf, hexOfRegister, textOf } from './hexadecimal.js';
import { checkMemory, readBinary, readMemory, writeMemory } from './memory-packets.js';
import type { MemoryView } from './memory-packets.js';
import { describeHart, monitor } from './monitor.js';
import type { MonitorSettings } from './monitor.js';
import { encodePacket, PacketReader } from './packets.js';
import { ClientPoints } from './point-packets.js';
import { readOneRegister, readRegisters, writeOneRegister, writeRegisters } from './register-packets.js';
import { ERROR_INVALID, OK, UNSUPPORTED } from './replies.js';
import { hartOfThread, readActions, threadOf } from './resume.js';
import type { Resumption } from './resume.js';
import { targetDescription } from './target-description.js';

/** Bytes of the longest packet, in either direction. */
const PACKET_BYTES = 0x4000;

const SIGNAL_INTERRUPT = '02';
const SIGNAL_TRAP = '05';

const FEATURES = [
  `PacketSize=${PACKET_BYTES.toString(16)}`,
  'QStartNoAckMode+',
  'qXfer:features:read+',
  'vContSupported+',
  'swbreak+',
  'hwbreak+',
  'binary-upload+',
].join(';');

/**
 * What a client has the machine do.
 *
 * - `stopped`: nothing, until the client says so.
 * - `running`: it runs; the client waits to hear of a stop, or interrupts.
 * - `detached`: it runs, and the client is not interested any more.
 * - `killed`: it shall end.
 * - `ended`: the program has ended, and the client has been told.
 */
export type GdbSessionState = 'stopped' | 'running' | 'detached' | 'killed' | 'ended';

/**
 * One connection of GDB to a machine, by its remote protocol: bytes in, bytes out. Harts are threads; thread 1 is hart 0.
 *
 * Whoever owns the connection hands over what arrives with `receive`, and lets the machine run with `run` while the state is
 * `running`. Nothing that arrives makes it throw; a packet that cannot be understood gets an error for an answer, and one
 * that is not known an empty one.
 */
export class GdbSession {
  readonly #debug: Debugger;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #reader = new PacketReader(PACKET_BYTES);
  readonly #points: ClientPoints;
  readonly #settings: MonitorSettings = { interrupts: false, physical: false };
  /** Whose registers and memory are meant. */
  #hart: Hart;
  /** Whom `c` and `s` resume; undefined for all. */
  #resumed: Hart | undefined;
  #state: GdbSessionState = 'stopped';
  #acknowledges = true;
  /** Until the packet that turned acknowledgements off has been answered. */
  #lastAcknowledged = false;
  #resumption: Resumption = { continuing: [], stepping: [] };
  #lastStop: string;
  #lastSent: Uint8Array = new Uint8Array(0);
  #retired = 0;
  readonly #reset: (() => void) | undefined;
  /** The guest has asked for a reset in the middle of a step of this hart. */
  #resetInStep: Hart | undefined;

  /**
   * @param send takes bytes for the client.
   * @param reset resets the machine and puts its program where it begins, for `monitor reset`, which is refused without. May
   * throw a SnapshotError, as `Machine.reset` does.
   */
  constructor(debug: Debugger, send: (bytes: Uint8Array) => void, reset?: () => void) {
    this.#debug = debug;
    this.#send = send;
    this.#reset = reset;
    this.#points = new ClientPoints(debug);
    this.#hart = debug.machine.currentHart;
    this.#lastStop = this.#stopReply(SIGNAL_TRAP, this.#hart, '');
  }

  get state(): GdbSessionState {
    return this.#state;
  }

  /** Instructions that the last `run` retired. */
  get retired(): number {
    return this.#retired;
  }

  /** Takes bytes from the client. */
  receive(bytes: Uint8Array): void {
    for (const arrival of this.#reader.read(bytes)) {
      switch (arrival.kind) {
        case 'interrupt':
          if (this.#state === 'running') this.#report(SIGNAL_INTERRUPT, this.#debug.machine.currentHart, '');
          break;
        case 'refused':
          if (this.#acknowledges && this.#lastSent.length > 0) this.#send(this.#lastSent);
          break;
        case 'acknowledged':
          break;
        case 'damaged':
          if (this.#acknowledges) this.#send(bytesOfText('-'));
          else this.#reply(ERROR_INVALID);
          break;
        case 'packet':
          if (this.#acknowledges) this.#send(bytesOfText('+'));
          this.#packet(textOf(arrival.payload));
      }
    }
  }

  /**
   * Runs the machine as the client asked, up to about `budget` instructions, and tells the client when it stops or ends. For
   * EXIT_WFI and EXIT_TRAP see `Machine.run`; the client is not told of them. Nor of EXIT_RESET: reset the machine, load its
   * program and run on, which goes on as the client asked, or ends its step where the program begins; or call `end`.
   */
  run(budget: number): ExitReason {
    const { machine } = this.#debug;
    this.#retired = 0;
    const stepped = this.#resetInStep;
    if (stepped !== undefined) {
      this.#resetInStep = undefined;
      this.#report(SIGNAL_TRAP, stepped, '');
      return EXIT_DEBUG;
    }
    const before = machine.totalRetired;
    const reason = this.#resume(budget);
    this.#retired = machine.totalRetired - before;
    const { stop } = this.#debug;
    if (reason === EXIT_DEBUG && stop !== undefined) this.#report(SIGNAL_TRAP, stop.hart, cause(stop));
    if (reason === EXIT_STOP) this.end(machine.exitCode);
    if (reason === EXIT_RESET) this.#resetInStep = this.#resumption.stepping[0]?.hart;
    return reason;
  }

  /** Tells the client that the program has ended. */
  end(exitCode: number): void {
    if (this.#state === 'running') this.#reply(`W${(exitCode & 0xff).toString(16).padStart(2, '0')}`);
    this.#state = 'ended';
  }

  /** The connection is gone: takes away what the client has set. */
  close(): void {
    this.#points.clear();
    if (this.#state === 'stopped' || this.#state === 'running') this.#state = 'detached';
  }

  #resume(budget: number): ExitReason {
    const { continuing, stepping } = this.#resumption;
    if (stepping.length === 0) return this.#debug.run(budget, continuing);
    for (let left = budget; left > 0;) {
      // The others may go on meanwhile: an instruction each, so that what a step waits for can happen.
      for (const hart of continuing) {
        const reason = this.#debug.run(1, [hart]);
        if (reason !== EXIT_BUDGET && reason !== EXIT_WFI) return reason;
      }
      for (const { hart, range } of stepping) {
        const reason = this.#debug.step(hart, this.#settings.interrupts);
        if (reason !== EXIT_DEBUG || this.#debug.stop?.reason !== 'step') return reason;
        const pc = readRegister(hart, 'pc') ?? 0n;
        const inside = range !== undefined && pc >= range.from && pc < range.to;
        if (!inside || this.#points.hasBreakpoint(pc)) return reason;
      }
      left -= stepping.length + continuing.length;
    }
    return EXIT_BUDGET;
  }

  #stopReply(signal: string, hart: Hart, cause: string): string {
    // The pc and sp save GDB a question.
    const [pc, sp] = [readRegister(hart, 'pc') ?? 0n, readRegister(hart, 'sp') ?? 0n];
    const registers = `20:${hexOfRegister(pc)};02:${hexOfRegister(sp)};`;
    return `T${signal}thread:${threadOf(hart)};${registers}${cause}`;
  }

  #report(signal: string, hart: Hart, cause: string): void {
    this.#state = 'stopped';
    this.#hart = hart;
    this.#lastStop = this.#stopReply(signal, hart, cause);
    this.#reply(this.#lastStop);
  }

  #reply(text: string): void {
    this.#lastSent = encodePacket(bytesOfText(text));
    this.#send(this.#lastSent);
  }

  #packet(text: string): void {
    const reply = this.#answer(text);
    if (reply !== undefined) this.#reply(reply);
    if (this.#lastAcknowledged) {
      this.#lastAcknowledged = false;
      this.#acknowledges = false;
    }
  }

  /** The answer to a packet; undefined when it has none, or not yet. */
  #answer(text: string): string | undefined {
    const rest = text.slice(1);
    switch (text[0]) {
      case '?':
        return this.#lastStop;
      case 'g':
        return readRegisters(this.#hart);
      case 'G':
        return writeRegisters(this.#hart, rest);
      case 'p':
        return readOneRegister(this.#hart, rest);
      case 'P':
        return writeOneRegister(this.#hart, rest);
      case 'm':
        return readMemory(this.#view(), rest);
      case 'x':
        return readBinary(this.#view(), rest);
      case 'M':
        return writeMemory(this.#view(), rest, 'hexadecimal');
      case 'X':
        return writeMemory(this.#view(), rest, 'binary');
      case 'Z':
        return this.#points.change(rest, true);
      case 'z':
        return this.#points.change(rest, false);
      case 'H':
        return this.#selectThread(rest);
      case 'T':
        return typeof hartOfThread(this.#debug.machine.harts, rest) === 'object' ? OK : ERROR_INVALID;
      case 'c':
      case 's':
        return this.#resumeAt(text[0], rest);
      case 'C':
      case 'S':
        return this.#resumeAt(text[0].toLowerCase(), rest.split(';')[1] ?? '');
      case 'D':
        this.#points.clear();
        this.#state = 'detached';
        return OK;
      case 'k':
        this.#state = 'killed';
        return undefined;
      case 'q':
        return this.#query(text);
      case 'Q':
        return this.#set(text);
      case 'v':
        return this.#verbose(text);
      default:
        return UNSUPPORTED;
    }
  }

  #view(): MemoryView {
    const addressKind = this.#settings.physical ? 'physical' : 'virtual';
    return { debug: this.#debug, hart: this.#hart, addressKind };
  }

  #selectThread(text: string): string {
    const hart = hartOfThread(this.#debug.machine.harts, text.slice(1));
    if (hart === undefined) return ERROR_INVALID;
    if (text.startsWith('g') && typeof hart === 'object') this.#hart = hart;
    if (text.startsWith('c')) this.#resumed = typeof hart === 'object' ? hart : undefined;
    return OK;
  }

  /** `c` and `s`, which may say from where. */
  #resumeAt(kind: string, address: string): string | undefined {
    const hart = this.#resumed ?? this.#hart;
    if (address !== '') {
      const set = writeOneRegister(hart, `20=${littleEndian(address)}`);
      if (set !== OK) return set;
    }
    const others = this.#resumed === undefined ? ';c' : '';
    return this.#start(kind === 'c' && others !== '' ? 'c' : `${kind}:${threadOf(hart)}${others}`);
  }

  #start(actions: string): string | undefined {
    const resumption = readActions(this.#debug.machine.harts, this.#hart, actions);
    if (resumption === undefined) return ERROR_INVALID;
    if (resumption.continuing.length + resumption.stepping.length === 0) return ERROR_INVALID;
    this.#resumption = resumption;
    this.#state = 'running';
    return undefined;
  }

  #verbose(text: string): string | undefined {
    if (text === 'vCont?') return 'vCont;c;C;s;S;t;r';
    if (text.startsWith('vCont;')) return this.#start(text.slice('vCont;'.length));
    if (text !== 'vKill' && !text.startsWith('vKill;')) return UNSUPPORTED;
    this.#state = 'killed';
    return OK;
  }

  #set(text: string): string {
    if (text !== 'QStartNoAckMode') return UNSUPPORTED;
    this.#lastAcknowledged = true;
    return OK;
  }

  #query(text: string): string {
    const [name, ...parts] = text.split(/[:,]/);
    const rest = text.slice(name.length + 1);
    const { harts } = this.#debug.machine;
    switch (name) {
      case 'qSupported':
        return FEATURES;
      case 'qC':
        return `QC${threadOf(this.#hart)}`;
      case 'qAttached':
        return '1';
      case 'qSymbol':
        return OK;
      case 'qfThreadInfo':
        return `m${harts.map(threadOf).join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo': {
        const hart = hartOfThread(harts, rest);
        return typeof hart === 'object' ? hexOf(bytesOfText(describeHart(hart))) : ERROR_INVALID;
      }
      case 'qCRC':
        return checkMemory(this.#view(), rest);
      case 'qRcmd': {
        const command = bytesOfHex(rest);
        if (command === undefined) return ERROR_INVALID;
        const said = monitor(this.#debug, this.#hart, this.#settings, textOf(command), this.#reset);
        return hexOf(bytesOfText(said));
      }
      case 'qXfer':
        return this.#transfer(parts);
      default:
        return UNSUPPORTED;
    }
  }

  /** A piece of the target description. */
  #transfer([object, action, annex, start, length]: readonly string[]): string {
    if (object !== 'features' || action !== 'read') return UNSUPPORTED;
    const [from, count] = [countOfHex(start), countOfHex(length)];
    if (annex !== 'target.xml' || from === undefined || count === undefined) return ERROR_INVALID;
    const description = targetDescription(this.#hart);
    // Room for the letter, and for every character being escaped.
    const piece = description.slice(from, from + Math.min(count, PACKET_BYTES / 2 - 1));
    return `${from + piece.length < description.length ? 'm' : 'l'}${piece}`;
  }
}

/** What a stop reply says of the cause. */
function cause(stop: DebugStop): string {
  switch (stop.reason) {
    case 'breakpoint':
      return 'swbreak:;';
    case 'step':
      return '';
    case 'watchpoint': {
      const { point, address } = stop;
      const name = { write: 'watch', read: 'rwatch', access: 'awatch' }[point.access];
      // An access may begin before what is watched; GDB looks for the address among what it watches.
      const first = address > point.address ? address : point.address;
      return `${name}:${first.toString(16)};`;
    }
  }
}

/** Digits of a number, most significant first, in the order of memory. */
function littleEndian(digits: string): string {
  return /^[0-9a-f]{1,16}$/i.test(digits) ? hexOfRegister(BigInt(`0x${digits}`)) : '';
}
