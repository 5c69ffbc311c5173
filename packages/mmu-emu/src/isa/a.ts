/**
 * A: load-reserved, store-conditional and atomic read-modify-write.
 *
 * Misaligned addresses raise address-misaligned exceptions (a load's for lr, a store's for the others).
 *
 * @see The RISC-V Instruction Set Manual, Volume I, "A Extension for Atomic Instructions"
 */

import { instruction } from './forms.js';
import type { InstructionSpec } from './instruction.js';
import { AQ_RL, RD, RS1, RS2 } from './operands.js';
import { i32, i64 } from './semantics.js';
import type { I64 } from './semantics.js';

const WIDTHS = [
  { suffix: 'w', width: 4, funct3: 0x2000 },
  { suffix: 'd', width: 8, funct3: 0x3000 },
] as const;

/** Result of each operation, and how its operands compare for the word forms: sign- or zero-extended. */
const OPERATIONS: readonly {
  readonly name: string;
  readonly funct5: number;
  readonly compute: (old: I64, operand: I64) => I64;
  readonly extend?: 'signed' | 'unsigned';
}[] = [
  { name: 'amoswap', funct5: 0x01, compute: (_, b) => b },
  { name: 'amoadd', funct5: 0x00, compute: i64.add },
  { name: 'amoxor', funct5: 0x04, compute: i64.xor },
  { name: 'amoand', funct5: 0x0c, compute: i64.and },
  { name: 'amoor', funct5: 0x08, compute: i64.or },
  { name: 'amomin', funct5: 0x10, compute: (a, b) => i64.choose(i64.ltS(a, b), a, b), extend: 'signed' },
  { name: 'amomax', funct5: 0x14, compute: (a, b) => i64.choose(i64.ltS(a, b), b, a), extend: 'signed' },
  { name: 'amominu', funct5: 0x18, compute: (a, b) => i64.choose(i64.ltU(a, b), a, b), extend: 'unsigned' },
  { name: 'amomaxu', funct5: 0x1c, compute: (a, b) => i64.choose(i64.ltU(a, b), b, a), extend: 'unsigned' },
];

const extendWord = (value: I64, extend: 'signed' | 'unsigned' | undefined): I64 => {
  if (extend === undefined) return value;
  return extend === 'signed' ? i64.extend32S(value) : i64.extendU(i32.wrap(value));
};

export const RV64A: readonly InstructionSpec[] = WIDTHS.flatMap(({ suffix, width, funct3 }) => [
  instruction(
    'A',
    `lr.${suffix}`,
    0x1000002f | funct3,
    0xf9f0707f,
    [RD, RS1, AQ_RL],
    (s) => s.writeRd(s.loadReserved(s.rs1, width)),
    'rd, (rs1)',
  ),
  instruction(
    'A',
    `sc.${suffix}`,
    0x1800002f | funct3,
    0xf800707f,
    [RD, RS1, RS2, AQ_RL],
    (s) => s.writeRd(s.storeConditional(s.rs1, width, s.rs2)),
    'rd, rs2, (rs1)',
  ),
  ...OPERATIONS.map(({ name, funct5, compute, extend }) =>
    instruction(
      'A',
      `${name}.${suffix}`,
      (funct5 << 27) | 0x2f | funct3,
      0xf800707f,
      [RD, RS1, RS2, AQ_RL],
      (s) => {
        const how = width === 4 ? extend : undefined;
        const operand = s.let(extendWord(s.rs2, how));
        s.writeRd(s.atomic(s.rs1, width, (old) => compute(extendWord(old, how), operand)));
      },
      'rd, rs2, (rs1)',
    ),
  ),
]);
