import { csrName } from '../assembler/csr-names.js';
import { disassemble } from '../assembler/disassemble.js';
import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../assembler/registers.js';
import type { Hart } from '../hart/hart.js';
import { HART_CAUSE, HART_F, HART_FCSR, HART_MCAUSE, HART_MEPC, HART_MTVAL, HART_PC, HART_PRIVILEGE, HART_SCAUSE, HART_SEPC, HART_STVAL, HART_TVAL, HART_X } from '../hart/state.js'; // prettier-ignore
import { PRIVILEGE_MACHINE } from '../hart/causes.js';
import { DEBUG_READ, DEBUG_WRITE } from '../interpreter/debug-hooks.js';
import { decodeOperands } from '../interpreter/decoder.js';
import type { DecodedInstruction } from '../interpreter/decoder.js';

/** A register that an instruction wrote, and what it holds then: u64. */
export interface TracedRegister {
  /** ABI name, or the CSR's. */
  readonly name: string;
  readonly value: bigint;
}

/** An access to memory or a device that an instruction made. */
export interface TracedAccess {
  readonly access: 'read' | 'write' | 'atomic';
  /** Virtual, where addresses are translated. */
  readonly address: bigint;
  /** 1 to 8; 64 for a block of zeros. */
  readonly bytes: number;
  /** What was loaded, or is stored now; unsigned. */
  readonly value: bigint;
}

/** An instruction that retired. */
export interface TracedInstruction {
  readonly kind: 'instruction';
  /** Number of the hart. */
  readonly hart: number;
  /** 0 user, 1 supervisor, 3 machine: when it began. */
  readonly privilege: number;
  readonly pc: bigint;
  /** Its encoding, 16 or 32 bits. */
  readonly bits: number;
  /** As `disassemble` gives it. */
  readonly text: string;
  readonly registers: readonly TracedRegister[];
  readonly memory: readonly TracedAccess[];
}

/** A trap that was taken, or that left a hosted run. */
export interface TracedTrap {
  readonly kind: 'trap';
  readonly hart: number;
  /** Of the instruction that did not retire, or before which the interrupt came. */
  readonly pc: bigint;
  readonly interrupt: boolean;
  /** Its number, without the interrupt bit. */
  readonly cause: number;
  readonly tval: bigint;
}

/** What a trace tells of. Decoded from the instruction table as it happens; nothing is kept. */
export type TraceEvent = TracedInstruction | TracedTrap;

const INTERRUPT_BIT_HIGH = 0x8000_0000;

interface Pending {
  readonly hart: Hart;
  readonly pc: bigint;
  readonly privilege: number;
  readonly bits: number;
  readonly fcsr: number;
  /** Instructions that had retired before it. */
  readonly retired: number;
  readonly memory: TracedAccess[];
}

/** Makes the events of a trace from what the debugging variant of the interpreter tells. */
export class InstructionTrace {
  readonly #emit: (event: TraceEvent) => void;
  readonly #fetch: (hart: Hart, pc: bigint) => number;
  /** The instruction under way; no other hart runs before its slice ends. */
  #pending: Pending | undefined;
  #access: Omit<TracedAccess, 'value'> | undefined;
  /** Where each hart goes on if no interrupt comes. */
  readonly #next: bigint[];
  readonly #harts: readonly Hart[];

  /** @param fetch gives the encoding at a pc, in the low 16 bits for a compressed one. */
  constructor(
    harts: readonly Hart[],
    fetch: (hart: Hart, pc: bigint) => number,
    emit: (event: TraceEvent) => void,
  ) {
    this.#fetch = fetch;
    this.#emit = emit;
    this.#harts = harts;
    this.#next = harts.map(({ state }) => pairOf(state, HART_PC));
  }

  /** Between two runs, the machine was reset or restored: harts go on elsewhere. */
  replaced(): void {
    for (const { id, state } of this.#harts) this.#next[id] = pairOf(state, HART_PC);
  }

  /** The instruction at the pc is about to run. */
  instruction(hart: Hart): void {
    this.#finish();
    const { state, totalRetired } = hart;
    const pc = pairOf(state, HART_PC);
    this.#noteInterrupt(hart, pc);
    const word = this.#fetch(hart, pc);
    const bits = (word & 3) === 3 ? word : word & 0xffff;
    const [privilege, fcsr] = [state[HART_PRIVILEGE], state[HART_FCSR]];
    this.#pending = { hart, pc, privilege, bits, fcsr, retired: totalRetired, memory: [] };
  }

  /** It is about to access memory. */
  access(address: bigint, bytes: number, kind: number): void {
    const access = kind === DEBUG_READ ? 'read' : kind === DEBUG_WRITE ? 'write' : 'atomic';
    this.#access = { access, address, bytes };
  }

  accessed(value: bigint): void {
    const access = this.#access;
    if (access === undefined) return;
    const wide = access.bytes > 8 ? value : BigInt.asUintN(access.bytes * 8, value);
    this.#pending?.memory.push({ ...access, value: wide });
  }

  /** The exception in the state is about to be taken. */
  exception(hart: Hart): void {
    const { state } = hart;
    const pc = pairOf(state, HART_PC);
    if (this.#pending?.pc !== pc || this.#pending.retired !== hart.totalRetired) this.#finish();
    this.#pending = undefined;
    this.#noteInterrupt(hart, pc);
    const tval = pairOf(state, HART_TVAL);
    this.#emit({ kind: 'trap', hart: hart.id, pc, interrupt: false, cause: state[HART_CAUSE], tval });
  }

  sliceEnded(hart: Hart): void {
    this.#finish();
    this.#next[hart.id] = pairOf(hart.state, HART_PC);
  }

  /** At the first instruction of a slice: whether an interrupt came before it. */
  #noteInterrupt(hart: Hart, pc: bigint): void {
    const expected = this.#next[hart.id];
    this.#next[hart.id] = -1n;
    if (expected === -1n || expected === pc) return;
    const { state } = hart;
    const machine = state[HART_PRIVILEGE] === PRIVILEGE_MACHINE;
    const [causeWord, epc, tval] = machine
      ? [HART_MCAUSE, HART_MEPC, HART_MTVAL]
      : [HART_SCAUSE, HART_SEPC, HART_STVAL];
    if (state[causeWord + 1] !== INTERRUPT_BIT_HIGH || pairOf(state, epc) !== expected) return;
    this.#emit({
      kind: 'trap',
      hart: hart.id,
      pc: expected,
      interrupt: true,
      cause: state[causeWord],
      tval: pairOf(state, tval),
    });
  }

  #finish(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { hart, pc, privilege, bits, memory } = pending;
    if (hart.totalRetired === pending.retired) return;
    const { text } = disassemble(bits, pc);
    const registers = registersWritten(hart, bits, pending.fcsr);
    this.#emit({ kind: 'instruction', hart: hart.id, privilege, pc, bits, text, registers, memory });
  }
}

function registersWritten(hart: Hart, bits: number, fcsrBefore: number): TracedRegister[] {
  const { state } = hart;
  const decoded = decodeOperands(bits);
  const out: TracedRegister[] = [];
  if (decoded === undefined) return out;
  const { spec, rd } = decoded;
  const kind = spec.operands.find(({ name }) => name === 'rd')?.kind;
  if (kind === 'f') out.push({ name: FLOAT_REGISTERS[rd], value: pairOf(state, HART_F + 2 * rd) });
  else if (kind === 'x' && rd !== 0) {
    out.push({ name: INTEGER_REGISTERS[rd], value: pairOf(state, HART_X + 2 * rd) });
  }
  const csr = csrWritten(decoded);
  if (csr !== undefined) {
    const value = hart.readCsr(csr);
    if (value !== undefined) out.push({ name: csrName(csr), value });
  } else if (state[HART_FCSR] !== fcsrBefore) {
    out.push({ name: 'fcsr', value: BigInt(state[HART_FCSR]) });
  }
  return out;
}

/** csrrs and csrrc of nothing do not write. */
function csrWritten({ spec, bits }: DecodedInstruction): number | undefined {
  if (spec.extension !== 'Zicsr') return undefined;
  const swaps = ((bits >>> 12) & 3) === 1;
  return swaps || ((bits >>> 15) & 31) !== 0 ? bits >>> 20 : undefined;
}

function pairOf(state: Uint32Array, word: number): bigint {
  return (BigInt(state[word + 1]) << 32n) | BigInt(state[word]);
}
