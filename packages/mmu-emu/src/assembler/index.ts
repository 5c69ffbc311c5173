export { assemble } from './assemble.js';
export type { AssembledProgram, AssembleOptions } from './assemble.js';
export { AssemblerError } from './assembler-error.js';
export type { AssemblerErrorCode } from './assembler-error.js';
export { csrByName, csrName } from './csr-names.js';
export { disassemble } from './disassemble.js';
export type { DisassembledInstruction } from './disassemble.js';
export { FLOAT_REGISTERS, INTEGER_REGISTERS } from './registers.js';
