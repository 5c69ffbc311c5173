/** Every instruction of the machine, and how to find the one that an encoding is. */

import { RV64A } from './a.js';
import { RV64C } from './c.js';
import { RVD } from './d.js';
import { RVF } from './f.js';
import { RV64I } from './i.js';
import { matches } from './instruction.js';
import type { InstructionSpec } from './instruction.js';
import { RV64M } from './m.js';
import { PRIVILEGED, SVINVAL } from './priv.js';
import { ZBA } from './zba.js';
import { ZBB } from './zbb.js';
import { ZBC } from './zbc.js';
import { ZBS } from './zbs.js';
import { ZCB } from './zcb.js';
import { ZICBO } from './zicbo.js';
import { ZFA } from './zfa.js';
import { ZFHMIN } from './zfhmin.js';
import { ZICOND } from './zicond.js';
import { ZICSR } from './zicsr.js';
import { ZIFENCEI } from './zifencei.js';
import { ZAWRS, ZCMOP, ZIHINTPAUSE, ZIMOP } from './zimop.js';

/** The one instruction table. */
export const INSTRUCTIONS: readonly InstructionSpec[] = [
  ...RV64I,
  ...RV64M,
  ...RV64A,
  ...RVF,
  ...RVD,
  ...ZFHMIN,
  ...ZFA,
  ...ZICSR,
  ...ZIFENCEI,
  ...ZICOND,
  ...ZBA,
  ...ZBB,
  ...ZBC,
  ...ZBS,
  ...ZICBO,
  ...ZIHINTPAUSE,
  ...ZAWRS,
  ...ZIMOP,
  ...PRIVILEGED,
  ...SVINVAL,
  ...RV64C,
  ...ZCB,
  ...ZCMOP,
];

const byName = new Map(INSTRUCTIONS.map((spec) => [spec.name, spec]));

/** The instruction of this mnemonic. */
export function instructionByName(name: string): InstructionSpec | undefined {
  return byName.get(name);
}

function maskBits(spec: InstructionSpec): number {
  let bits = 0;
  for (let mask = spec.mask; mask !== 0; mask &= mask - 1) bits++;
  return bits;
}

/** Candidates by what every encoding fixes: quadrant and funct3 for short ones, opcode and funct3 for long ones. */
const LONG_BUCKETS = 1 << 8;
const buckets: Candidate[][] = Array.from({ length: LONG_BUCKETS + 32 }, () => []);

/** An instruction, with what its encodings fix at hand. */
interface Candidate {
  readonly mask: number;
  readonly match: number;
  readonly spec: InstructionSpec;
}

function bucketOf(encoding: number): number {
  if ((encoding & 3) !== 3) return LONG_BUCKETS + ((encoding & 3) << 3) + ((encoding >>> 13) & 7);
  return ((encoding >>> 2) & 31) * 8 + ((encoding >>> 12) & 7);
}

for (const spec of [...INSTRUCTIONS].sort((a, b) => maskBits(b) - maskBits(a))) {
  for (let funct3 = 0; funct3 < 8; funct3++) {
    const probe =
      spec.length === 2 ? (spec.match & 0x1fff) | (funct3 << 13) : (spec.match & ~0x7000) | (funct3 << 12);
    if (((probe & spec.mask) ^ spec.match) === 0)
      buckets[bucketOf(probe)].push({ mask: spec.mask | 0, match: spec.match | 0, spec });
  }
}

/**
 * The instruction that an encoding is, or `undefined` if it is none. `encoding` is a u32; for a compressed one (its
 * low two bits are not both set) only the low half counts.
 */
export function decode(encoding: number): InstructionSpec | undefined {
  const bits = (encoding & 3) === 3 ? encoding : encoding & 0xffff;
  for (const { mask, match, spec } of buckets[bucketOf(bits)]) {
    if ((bits & mask) === match && matches(spec, bits)) return spec;
  }
  return undefined;
}
