export { extractField, insertField, matches } from './instruction.js';
export type { Expansion, Extension, Field, FieldSlice, InstructionSpec, Operand, OperandConstraint, OperandKind, OperandName } from './instruction.js'; // prettier-ignore
export { decode, INSTRUCTIONS, instructionByName } from './table.js';
