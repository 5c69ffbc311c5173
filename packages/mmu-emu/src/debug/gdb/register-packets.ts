/** The packets `g`, `G`, `p` and `P`: registers of a hart. */

import type { Hart } from '../../hart/hart.js';
import { readRegister, writeRegister } from '../registers.js';
import { countOfHex, hexOfRegister, registerOfHex } from './hexadecimal.js';
import { ERROR_INVALID, OK } from './replies.js';
import { GENERAL_REGISTERS, registerName } from './target-description.js';

const REGISTER_DIGITS = 16;

/** `g`: those that are not CSRs, in GDB's order. */
export function readRegisters(hart: Hart): string {
  return GENERAL_REGISTERS.map((name) => hexOfRegister(readRegister(hart, name) ?? 0n)).join('');
}

/** `G`: takes as many registers as it is given. */
export function writeRegisters(hart: Hart, text: string): string {
  const values: bigint[] = [];
  for (let at = 0; at < text.length; at += REGISTER_DIGITS) {
    const value = registerOfHex(text.slice(at, at + REGISTER_DIGITS));
    if (value === undefined) return ERROR_INVALID;
    values.push(value);
  }
  if (values.length > GENERAL_REGISTERS.length) return ERROR_INVALID;
  values.forEach((value, index) => writeRegister(hart, GENERAL_REGISTERS[index], value));
  return OK;
}

/** `p`: by GDB's number, in hexadecimal. */
export function readOneRegister(hart: Hart, text: string): string {
  const name = registerName(countOfHex(text) ?? -1);
  const value = name === undefined ? undefined : readRegister(hart, name);
  return value === undefined ? ERROR_INVALID : hexOfRegister(value);
}

/** `P`: a number and a value. */
export function writeOneRegister(hart: Hart, text: string): string {
  const [number, digits = ''] = text.split('=');
  const name = registerName(countOfHex(number) ?? -1);
  const value = registerOfHex(digits);
  if (name === undefined || value === undefined) return ERROR_INVALID;
  // x0 takes every value and keeps none.
  if (name === 'zero') return OK;
  return writeRegister(hart, name, value) ? OK : ERROR_INVALID;
}
