/**
 * An image of random cases that records what they did.
 *
 * Each case is run several times, and each run has a block of memory: the registers it starts with, the registers it ends
 * with, a log of its traps, and a window that its loads and stores go to.
 */
import { assemble, disassemble, RAM_BASE } from '../../src/index.js';
import { ALIGNED_REGISTER, WILD_REGISTER, WINDOW_REGISTERS } from './random-program.js';
import type { CaseGenerator, Piece } from './random-program.js';
import type { Random } from './random.js';

export const BLOCK_BYTES = 4096;
const BLOCK_INITIAL = 0;
export const BLOCK_RESULT = 256;
export const BLOCK_TRAP_COUNT = 512;
export const BLOCK_TRAPS = 520;
export const TRAP_BYTES = 24;
export const MAX_TRAPS = 40;
/** After 40 traps of 24 bytes. */
const BLOCK_RECOVERY = 1480;
/** Where the case goes on: at its beginning, with the next block, or after it. */
const BLOCK_NEXT = 1488;
const BLOCK_SAVED = 1496;
export const BLOCK_WINDOW = 1536;
export const WINDOW_BYTES = 512;
/** f registers and fcsr that a case starts and ends with. */
const BLOCK_FLOAT = 2048;
export const BLOCK_FLOAT_RESULT = BLOCK_FLOAT + 256;
const BLOCK_FCSR = BLOCK_FLOAT + 512;
export const BLOCK_FCSR_RESULT = BLOCK_FCSR + 8;

const WILD_ADDRESSES = [
  0x200n,
  0x7ffn,
  0x0123_4567_89ab_cdefn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_f000n,
];

/** How many values each are made for an image. */
const STOCK = 2048;

/** Saves and loads every register of a case; x31 is the pointer to the block, and comes last. */
const registerLines = (name: string, offset: number): string =>
  Array.from({ length: 30 }, (_, i) => `${name} x${i + 1}, ${offset + 8 * (i + 1)}(x31)`).join('\n');

const floatLines = (name: string, offset: number): string =>
  Array.from({ length: 32 }, (_, i) => `${name} f${i}, ${offset - BLOCK_FLOAT + 8 * i}(x30)`).join('\n');

/** x30 points to where the f registers are. */
const POINT_TO_FLOATS = `
  addi x30, x31, ${BLOCK_FLOAT / 2}
  addi x30, x30, ${BLOCK_FLOAT / 2}`;

const PROLOGUE = `
  csrr x31, mscratch
  ${POINT_TO_FLOATS}
  ${floatLines('fld', BLOCK_FLOAT)}
  ld x1, ${BLOCK_FCSR - BLOCK_FLOAT}(x30)
  fscsr x1
  ${registerLines('ld', BLOCK_INITIAL)}
  ld x31, ${BLOCK_INITIAL + 248}(x31)`;

const EPILOGUE = `
  csrrw x31, mscratch, x31
  ${registerLines('sd', BLOCK_RESULT)}
  csrr x1, mscratch
  sd x1, ${BLOCK_RESULT + 248}(x31)
  ${POINT_TO_FLOATS}
  ${floatLines('fsd', BLOCK_FLOAT_RESULT)}
  frcsr x1
  sd x1, ${BLOCK_FCSR_RESULT - BLOCK_FLOAT}(x30)
  ld x2, ${BLOCK_NEXT}(x31)
  li x1, ${BLOCK_BYTES}
  add x31, x31, x1
  csrw mscratch, x31
  jr x2`;

const RUNTIME = `
  # The first page may be overwritten by cases that use 0x80000000 as an address.
  j start
  .org 4096
  .balign 4
handler:
  csrrw x31, mscratch, x31
  sd x1, ${BLOCK_SAVED}(x31)
  sd x2, ${BLOCK_SAVED + 8}(x31)
  sd x3, ${BLOCK_SAVED + 16}(x31)
  ld x1, ${BLOCK_TRAP_COUNT}(x31)
  li x2, ${MAX_TRAPS}
  bgeu x1, x2, give_up
  addi x2, x1, 1
  sd x2, ${BLOCK_TRAP_COUNT}(x31)
  li x2, ${TRAP_BYTES}
  mul x2, x2, x1
  add x2, x2, x31
  csrr x1, mcause
  sd x1, ${BLOCK_TRAPS}(x2)
  csrr x3, mtval
  sd x3, ${BLOCK_TRAPS + 8}(x2)
  csrr x3, mepc
  sd x3, ${BLOCK_TRAPS + 16}(x2)
  addi x1, x1, -1
  beqz x1, give_up
  lhu x2, 0(x3)
  andi x2, x2, 3
  addi x2, x2, -3
  addi x3, x3, 2
  bnez x2, 1f
  addi x3, x3, 2
1:
  csrw mepc, x3
2:
  ld x1, ${BLOCK_SAVED}(x31)
  ld x2, ${BLOCK_SAVED + 8}(x31)
  ld x3, ${BLOCK_SAVED + 16}(x31)
  csrrw x31, mscratch, x31
  mret
give_up:
  ld x3, ${BLOCK_RECOVERY}(x31)
  csrw mepc, x3
  j 2b
start:
  li t0, BLOCKS
  csrw mscratch, t0
  # Floating point is off after reset.
  li t0, 0x6000
  csrs mstatus, t0
  la t0, handler
  # Where there is physical memory protection, it denies other modes everything until an entry allows it.
  la t1, 1f
  csrw mtvec, t1
  li t1, -1
  csrw pmpaddr0, t1
  li t1, 0x1f
  csrw pmpcfg0, t1
  .balign 4
1:
  csrw mtvec, t0`;

const FINISH = `
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b`;

/** Where the blocks begin, from the start of RAM; code has to end before. */
const BLOCKS_OFFSET = 0x40_0000;

export interface RandomImage {
  readonly image: Uint8Array;
  readonly cases: readonly (readonly Piece[])[];
  /** How often each case is run; its blocks follow one another. */
  readonly runs: number;
  /** Offset in RAM of the first case's first block. */
  readonly blocks: number;
  /** Address of the first instruction of each case. */
  readonly starts: readonly number[];
  readonly ramBytes: number;
}

/** An image with this many cases of this many instructions, each of them run `runs` times, from other values each time. */
export function makeImage(
  generator: CaseGenerator,
  caseCount: number,
  instructions: number,
  runs: number,
): RandomImage {
  const bytes = BLOCKS_OFFSET + caseCount * runs * BLOCK_BYTES;
  const image = new Uint8Array(bytes);
  const view = new DataView(image.buffer);
  const values = new RandomValues(generator.random);
  let offset = 0;
  const append = (code: Uint8Array): void => {
    if (offset + code.length > BLOCKS_OFFSET) throw new Error('the code does not fit before the blocks');
    image.set(code, offset);
    offset += code.length;
  };
  const prologue = assemble(PROLOGUE).bytes;
  const epilogue = assemble(EPILOGUE).bytes;
  append(assemble(RUNTIME, { origin: RAM_BASE, symbols: { BLOCKS: RAM_BASE + BLOCKS_OFFSET } }).bytes);
  const cases: (readonly Piece[])[] = [];
  const starts: number[] = [];
  for (let index = 0; index < caseCount; index++) {
    const pieces = generator.make(instructions);
    const first = RAM_BASE + offset;
    append(prologue);
    starts.push(RAM_BASE + offset);
    append(encodePieces(pieces));
    const recovery = RAM_BASE + offset;
    append(epilogue);
    for (let run = 0; run < runs; run++) {
      const block = BLOCKS_OFFSET + (index * runs + run) * BLOCK_BYTES;
      values.fill(view, block);
      view.setUint32(block + BLOCK_RECOVERY, recovery, true);
      view.setUint32(block + BLOCK_NEXT, run === runs - 1 ? RAM_BASE + offset : first, true);
    }
    cases.push(pieces);
  }
  append(assemble(FINISH).bytes);
  return {
    image,
    cases,
    runs,
    blocks: BLOCKS_OFFSET,
    starts,
    ramBytes: Math.ceil(bytes / 2 ** 20 + 1) * 2 ** 20,
  };
}

/** What cases begin with. Values are drawn from a stock, which is faster than making each. */
class RandomValues {
  readonly #random: Random;
  readonly #integers: Uint32Array;
  readonly #floats: Uint32Array;

  constructor(random: Random) {
    this.#random = random;
    const stock = (make: () => bigint): Uint32Array =>
      new Uint32Array(BigUint64Array.from({ length: STOCK }, make).buffer);
    this.#integers = stock(() => random.value());
    this.#floats = stock(() => random.float());
  }

  /** Fills the beginning of a block: x registers, f registers, fcsr and window. */
  fill(view: DataView, block: number): void {
    const random = this.#random;
    const windowAddress = RAM_BASE + block + BLOCK_WINDOW;
    for (let register = 1; register < 32; register++) {
      this.#draw(this.#integers, view, block + BLOCK_INITIAL + 8 * register);
    }
    for (const register of WINDOW_REGISTERS) {
      const place = register === ALIGNED_REGISTER ? 256 : 128 + random.below(256);
      view.setBigUint64(block + BLOCK_INITIAL + 8 * register, BigInt(windowAddress + place), true);
    }
    view.setBigUint64(block + BLOCK_INITIAL + 8 * WILD_REGISTER, random.pick(WILD_ADDRESSES), true);
    for (let register = 0; register < 32; register++) {
      this.#draw(this.#floats, view, block + BLOCK_FLOAT + 8 * register);
    }
    // Mostly a rounding mode that there is, and often with the inexact flag set.
    const mode = random.chance(95) ? random.below(5) : random.below(8);
    view.setUint32(block + BLOCK_FCSR, (mode << 5) | (random.chance(50) ? 1 : random.below(32)), true);
    for (let i = 0; i < WINDOW_BYTES; i += 4) view.setUint32(block + BLOCK_WINDOW + i, random.bits(), true);
  }

  #draw(stock: Uint32Array, view: DataView, at: number): void {
    const from = 2 * this.#random.below(STOCK);
    view.setUint32(at, stock[from], true);
    view.setUint32(at + 4, stock[from + 1], true);
  }
}

function encodePieces(pieces: readonly Piece[]): Uint8Array {
  const bytes: number[] = [];
  for (const { bits, length } of pieces) {
    for (let i = 0; i < length; i++) bytes.push((bits >>> (8 * i)) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** A case as text, to be read when two machines disagree: what it begins with, and its instructions. */
export function listCase(made: RandomImage, index: number, run: number): string {
  const view = new DataView(made.image.buffer);
  const block = made.blocks + (index * made.runs + run) * BLOCK_BYTES;
  const registers = (file: string, offset: number): string =>
    Array.from(
      { length: 32 },
      (_, register) =>
        `${file}${register}=0x${view.getBigUint64(block + offset + 8 * register, true).toString(16)}`,
    ).join(' ');
  let pc = made.starts[index];
  const lines = made.cases[index].map(({ bits, length }) => {
    const line = `${pc.toString(16)}: ${disassemble(bits, pc).text}`;
    pc += length;
    return line;
  });
  const fcsr = `fcsr=0x${view.getUint32(block + BLOCK_FCSR, true).toString(16)}`;
  return [registers('x', BLOCK_INITIAL), `${registers('f', BLOCK_FLOAT)} ${fcsr}`, ...lines].join('\n');
}
