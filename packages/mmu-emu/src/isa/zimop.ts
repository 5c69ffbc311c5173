/**
 * Instructions that do nothing yet: hints, waits that may end at once, and operations whose meaning later extensions give.
 * Each stands for an instruction that exists.
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "Zihintpause Extension for Pause Hint", "Zawrs Extension for
 * Wait-on-Reservation-Set instructions", "Zimop and Zcmop Extensions for May-Be-Operations"
 */

import { compressed, instruction, MASK_FUNCT7 } from './forms.js';
import type { Expansion, InstructionSpec } from './instruction.js';
import { RD, RS1, RS2 } from './operands.js';

const NOTHING: Expansion = { name: 'addi', rd: 0, rs1: 0, imm: 0 };
/** Later extensions may give a value; until then it is zero. */
const ZERO: Expansion = { name: 'addi', rd: 'rd', rs1: 0, imm: 0 };

/** A pause says that the hart waits for another. */
export const ZIHINTPAUSE: readonly InstructionSpec[] = [
  instruction('Zihintpause', 'pause', 0x0100000f, 0xffffffff, [], NOTHING),
];

/**
 * A wait for a change of the reservation set may end for any reason, and here it ends at once. So it never lasts longer
 * than the limit after which mstatus.TW would make `wrs.nto` trap.
 */
export const ZAWRS: readonly InstructionSpec[] = [
  instruction('Zawrs', 'wrs.nto', 0x00d00073, 0xffffffff, [], NOTHING),
  instruction('Zawrs', 'wrs.sto', 0x01d00073, 0xffffffff, [], NOTHING),
];

/** Bits 30, 27, 26, 21 and 20 are the number of an operation with one source; 30, 27 and 26 of one with two. */
const unaryNumber = (n: number): number => ((n & 16) << 26) | ((n & 12) << 24) | ((n & 3) << 20);
const binaryNumber = (n: number): number => ((n & 4) << 28) | ((n & 3) << 26);

export const ZIMOP: readonly InstructionSpec[] = [
  ...Array.from({ length: 32 }, (_, n) =>
    instruction('Zimop', `mop.r.${n}`, 0x81c04073 | unaryNumber(n), 0xfff0707f, [RD, RS1], ZERO),
  ),
  ...Array.from({ length: 8 }, (_, n) =>
    instruction('Zimop', `mop.rr.${n}`, 0x82004073 | binaryNumber(n), MASK_FUNCT7, [RD, RS1, RS2], ZERO),
  ),
];

/** The reserved encodings of c.lui with the immediate 0 and an odd register below 16. They write nothing. */
export const ZCMOP: readonly InstructionSpec[] = [1, 3, 5, 7, 9, 11, 13, 15].map((n) =>
  compressed('Zcmop', `c.mop.${n}`, 0x6001 | (n << 7), 0xffff, [], '', NOTHING),
);
