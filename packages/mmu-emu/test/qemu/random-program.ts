/**
 * Random straight-line programs that end on every machine that is right.
 *
 * Branches and jumps go forward only, to the beginning of an instruction, so that every case comes to its end; a jump to
 * nowhere is caught by the trap handler, which goes on at the end of the case. Loads and stores go to a window of memory,
 * or to where nothing is.
 */
import { insertField } from '../../src/isa/index.js';
import type { InstructionSpec, Operand } from '../../src/isa/index.js';
import { decode, INSTRUCTIONS } from '../../src/isa/index.js';
import type { Random } from './random.js';

/** Registers that point into the window, and are never written. x8 and x9 are in reach of compressed instructions. */
export const WINDOW_REGISTERS = [2, 8, 9, 30] as const;
/** The one that is aligned, for load-reserved and store-conditional. */
export const ALIGNED_REGISTER = 30;
/** Holds an address where nothing is. */
export const WILD_REGISTER = 27;
const RESERVED = new Set<number>([...WINDOW_REGISTERS, WILD_REGISTER]);
const WRITABLE = Array.from({ length: 32 }, (_, register) => register).filter(
  (register) => !RESERVED.has(register),
);

/** Registers that hold what is written to them, whatever the implementation: two of the supervisor, and those of fcsr. */
const STORAGE_CSRS = [0x140, 0x143, 1, 2, 3];

/** Would leave the case, wait for ever, or change a register that the cases need. */
const EXCLUDED = new Set(['mret', 'sret', 'wfi', 'c.addi16sp']);

/** An instruction of a case; `target` is the number of the instruction it goes to. */
export interface Piece {
  bits: number;
  readonly length: 2 | 4;
  /** Belongs to the instruction before it, so that nothing may jump to it. */
  readonly joined?: true;
  readonly target?: { readonly operand: Operand; readonly index: number; readonly from?: number };
}

const CONTROL = INSTRUCTIONS.filter(({ operands }) => operands.some(({ kind }) => kind === 'target'));
const CSR = INSTRUCTIONS.filter(({ extension }) => extension === 'Zicsr');
const INDIRECT = new Set(['jalr', 'c.jr', 'c.jalr']);
const MEMORY = INSTRUCTIONS.filter(({ name, syntax }) => syntax.includes('(') && !INDIRECT.has(name));
const CONDITIONAL = MEMORY.filter(({ name }) => /^(lr|sc)\./.test(name));
const ACCESS = MEMORY.filter((spec) => !CONDITIONAL.includes(spec));
const PLAIN = INSTRUCTIONS.filter(
  (spec) =>
    ![CONTROL, CSR, MEMORY].some((group) => group.includes(spec)) &&
    !INDIRECT.has(spec.name) &&
    !EXCLUDED.has(spec.name),
);
const named = (name: string): InstructionSpec => INSTRUCTIONS.find((spec) => spec.name === name)!;

/**
 * QEMU 10 declares its fround and froundnx free of side effects. Where nothing reads the result before it is overwritten it
 * leaves the whole instruction out, with its flags; so here the result is always stored.
 */
const ROUND = PLAIN.filter(({ name }) => /^fround/.test(name));

/** Builds cases. Adds to `counts` how often each instruction was generated. */
export class CaseGenerator {
  readonly random: Random;
  readonly counts: Map<string, number>;
  /** Plain instructions in the order in which they come; each comes once before any comes again. */
  #plain: InstructionSpec[] = [];

  constructor(random: Random, counts = new Map<string, number>()) {
    this.random = random;
    this.counts = counts;
  }

  /** The instructions of a case, at least `count`. */
  make(count: number): Piece[] {
    const pieces: Piece[] = [];
    while (pieces.length < count) this.#append(pieces, count);
    resolve(pieces);
    return pieces;
  }

  #append(pieces: Piece[], count: number): void {
    const random = this.random;
    const kind = random.below(100);
    if (kind < 50) this.#appendPlain(pieces);
    else if (kind < 75) pieces.push(this.#encode(random.pick(ACCESS)));
    else if (kind < 80) this.#appendConditional(pieces);
    else if (kind < 90) pieces.push(this.#jump(random.pick(CONTROL), pieces.length, count));
    else if (kind < 93) this.#appendIndirect(pieces, count);
    else if (kind < 97) pieces.push(this.#encode(random.pick(CSR)));
    else pieces.push(this.#illegal());
  }

  #appendPlain(pieces: Piece[]): void {
    if (this.#plain.length === 0) this.#plain = this.#shuffled(PLAIN);
    const spec = this.#plain.pop() as InstructionSpec;
    const piece = this.#encode(spec);
    pieces.push(piece);
    if (!ROUND.includes(spec)) return;
    const fixed = new Map([['rs2', (piece.bits >>> 7) & 31], ['rs1', ALIGNED_REGISTER]]); // prettier-ignore
    pieces.push({ ...this.#encode(named('fsd'), fixed), joined: true });
  }

  #shuffled<T>(values: readonly T[]): T[] {
    const out = [...values];
    for (let last = out.length - 1; last > 0; last -= 1) {
      const other = this.random.below(last + 1);
      [out[last], out[other]] = [out[other], out[last]];
    }
    return out;
  }

  /**
   * A reservation and its use, with nothing in between that could end it; or a use without a reservation, or behind one of
   * another address, which is most often misaligned.
   */
  #appendConditional(pieces: Piece[]): void {
    const suffix = this.random.pick(['w', 'd']);
    const use = this.#encode(named(`sc.${suffix}`));
    if (this.random.chance(25)) {
      pieces.push(use);
      return;
    }
    const elsewhere = this.random.chance(25) ? new Map([['rs1', this.random.pick([8, 9])]]) : undefined;
    pieces.push(this.#encode(named(`lr.${suffix}`), elsewhere));
    if (this.random.chance(50)) pieces.push({ ...this.#encode(named('xor')), joined: true });
    pieces.push({ ...use, joined: true });
  }

  /** A jump relative to an `auipc`; or a jump to where nothing is. */
  #appendIndirect(pieces: Piece[], count: number): void {
    const random = this.random;
    const jalr = named('jalr');
    if (random.chance(20)) {
      pieces.push(this.#encode(jalr, new Map([['rs1', 0]])));
      return;
    }
    const register = random.pick(WRITABLE.filter((candidate) => candidate !== 0));
    const from = pieces.length;
    const short = random.chance(50) ? named(random.pick(['c.jr', 'c.jalr'])) : undefined;
    const relative = short === undefined ? jalr : named('addi');
    const operand = relative.operands.find(({ name }) => name === 'imm')!;
    const fixed = new Map([['rs1', register], ['imm', 0]]); // prettier-ignore
    if (short !== undefined) fixed.set('rd', register);
    pieces.push(this.#encode(named('auipc'), new Map([['rd', register], ['imm', 0]]))); // prettier-ignore
    const index = this.#after(from + 2, count);
    pieces.push({ ...this.#encode(relative, fixed), joined: true, target: { operand, index, from } });
    if (short !== undefined)
      pieces.push({ ...this.#encode(short, new Map([['rs1', register]])), joined: true });
  }

  #jump(spec: InstructionSpec, index: number, count: number): Piece {
    const operand = spec.operands.find(({ kind }) => kind === 'target')!;
    const piece = this.#encode(spec, new Map([[operand.name, 0]]));
    return { ...piece, target: { operand, index: this.#after(index, count) } };
  }

  /** A few instructions on, so that most of the case runs. */
  #after(index: number, count: number): number {
    return Math.min(index + 1 + this.random.below(4), count);
  }

  #illegal(): Piece {
    for (;;) {
      const bits = this.random.bits();
      const short = (bits & 3) !== 3;
      const encoding = short ? bits & 0xffff : bits;
      // Encodings longer than 32 bits begin like this; how much of them a trap reports is not for this test.
      if ((bits & 0x1f) === 0x1f || decode(encoding) !== undefined) continue;
      this.#count('illegal');
      return { bits: encoding, length: short ? 2 : 4 };
    }
  }

  #encode(spec: InstructionSpec, fixed: ReadonlyMap<string, number> = new Map()): Piece {
    const isMemory = MEMORY.includes(spec);
    for (;;) {
      let bits = spec.match;
      for (const operand of spec.operands) {
        let encoded: number | undefined;
        while (encoded === undefined)
          encoded = insertField(
            operand.field,
            fixed.get(operand.name) ?? this.#operand(spec, operand, isMemory),
          );
        bits |= encoded;
      }
      bits >>>= 0;
      // What the constraints of a compressed instruction exclude is something else, or nothing.
      if (decode(bits) !== spec) continue;
      this.#count(spec.name);
      return { bits, length: spec.length };
    }
  }

  #operand(spec: InstructionSpec, operand: Operand, isMemory: boolean): number {
    const random = this.random;
    if (operand.name === 'csr') return random.pick(STORAGE_CSRS);
    if (operand.kind === 'x') {
      if (operand.name === 'rd') return random.pick(WRITABLE);
      if (!isMemory || operand.name !== 'rs1') return random.below(32);
      if (CONDITIONAL.includes(spec)) return ALIGNED_REGISTER;
      // Outside RAM these raise access faults here, and do nothing on QEMU.
      if (spec.extension === 'Zicbom') return random.pick(WINDOW_REGISTERS);
      const base = random.pick([
        ...WINDOW_REGISTERS,
        ...WINDOW_REGISTERS,
        ...WINDOW_REGISTERS,
        WILD_REGISTER,
        0,
      ]);
      return base;
    }
    if (operand.kind === 'f') return random.below(32);
    const { bits, signed } = operand.field;
    const low = signed ? -(2 ** (bits - 1)) : 0;
    // Addresses stay inside the window, whose registers point at least 128 bytes from its ends.
    if (isMemory && operand.name === 'imm') return random.below(257) - 128;
    if (random.chance(30)) return random.pick([low, 0, 1, -1, low + 2 ** bits - 1]);
    const step = 2 ** Math.min(...operand.field.slices.map(({ to }) => to));
    return Math.floor((low + random.below(2 ** bits)) / step) * step;
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** Puts distances into jumps, now that every instruction has its place. */
function resolve(pieces: Piece[]): void {
  const offsets = [0];
  for (const { length } of pieces) offsets.push(offsets.at(-1)! + length);
  pieces.forEach((piece, index) => {
    if (piece.target === undefined) return;
    const { operand, index: wanted, from = index } = piece.target;
    let to = Math.min(wanted, pieces.length);
    while (pieces[to]?.joined === true) to++;
    const end = offsets[to];
    piece.bits = (piece.bits | insertField(operand.field, end - offsets[from])!) >>> 0;
  });
}
