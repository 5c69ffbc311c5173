/**
 * The registers of a hart as GDB numbers and describes them: x0 to x31, pc, f0 to f31, CSRs from 65 on, the privilege last.
 *
 * @see Debugging with GDB, "RISC-V Features", "Target Description Format"
 */

import { csrByName, CSR_NAMES } from '../../assembler/csr-names.js';
import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../../assembler/registers.js';
import type { Hart } from '../../hart/hart.js';
import { readRegister } from '../registers.js';

const FIRST_CSR = 65;
const CSRS = 4096;

/** Registers of the packets that read and write them all: those that are not CSRs. */
export const GENERAL_REGISTERS: readonly string[] = [...INTEGER_REGISTERS, 'pc', ...FLOAT_REGISTERS];

const CSR_BY_NUMBER: ReadonlyMap<number, string> = new Map(
  CSR_NAMES.map((name) => [FIRST_CSR + (csrByName(name) ?? 0), name]),
);

/** Name of a register by GDB's number; undefined when there is none. */
export function registerName(number: number): string | undefined {
  if (number < GENERAL_REGISTERS.length) return GENERAL_REGISTERS[number];
  return number === FIRST_CSR + CSRS ? 'privilege' : CSR_BY_NUMBER.get(number);
}

const POINTERS: ReadonlyMap<string, string> = new Map([
  ['pc', 'code_ptr'],
  ['ra', 'code_ptr'],
  ['sp', 'data_ptr'],
  ['gp', 'data_ptr'],
  ['tp', 'data_ptr'],
]);

/** The description, in XML, with the CSRs that a hart has. */
export function targetDescription(hart: Hart): string {
  const register = (name: string, number: number, type: string, group = ''): string =>
    `<reg name="${name}" bitsize="64" regnum="${number}" type="${type}"${group}/>`;
  const feature = (name: string, ...content: readonly string[]): string =>
    `<feature name="org.gnu.gdb.riscv.${name}">${content.join('')}</feature>`;
  const general = GENERAL_REGISTERS.map((name, number) => ({ name, number }));
  const cpu = general
    .slice(0, 33)
    .map(({ name, number }) => register(name, number, POINTERS.get(name) ?? 'int'));
  const double =
    '<union id="riscv_double"><field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>';
  const floats = general.slice(33).map(({ name, number }) => register(name, number, 'riscv_double'));
  const csrs = [...CSR_BY_NUMBER]
    .filter(([, name]) => readRegister(hart, name) !== undefined)
    .sort(([one], [other]) => one - other)
    .map(([number, name]) => register(name, number, 'int', ' group="csr"'));
  return [
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0"><architecture>riscv:rv64</architecture>',
    feature('cpu', ...cpu),
    feature('fpu', double, ...floats),
    feature('csr', ...csrs),
    feature('virtual', register('priv', FIRST_CSR + CSRS, 'int')),
    '</target>',
  ].join('\n');
}
