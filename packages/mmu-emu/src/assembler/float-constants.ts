/** How the constants of fli are written. */

import { FLI_CONSTANTS } from '../isa/zfa.js';
import type { Expression } from './expression.js';

/** The constant of a number, as GNU objdump prints it: a C99 hexadecimal number, or a name. */
export function constantText(index: number): string {
  const value = FLI_CONSTANTS[index];
  if (value === 'min') return value;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : 'inf';
  const size = Math.abs(value);
  const exponent = Math.floor(Math.log2(size));
  // One hexadecimal digit is enough for the fraction of each of them.
  const digit = (size / 2 ** exponent - 1) * 16;
  const fraction = digit === 0 ? '' : `.${digit.toString(16)}`;
  return `${value < 0 ? '-' : ''}0x1${fraction}p${exponent < 0 ? '' : '+'}${exponent}`;
}

/** The number of the constant that is written; undefined when there is none like it. */
export function constantNumber(expression: Expression): number | undefined {
  const value = valueOf(expression);
  const index = FLI_CONSTANTS.findIndex((constant) => Object.is(constant, value));
  return index < 0 ? undefined : index;
}

function valueOf(expression: Expression): number | string | undefined {
  switch (expression.kind) {
    case 'real':
      return expression.value;
    case 'number':
      return Number(expression.value);
    case 'unary': {
      const value = valueOf(expression.operand);
      return typeof value === 'number' && expression.operator === '-' ? -value : undefined;
    }
    case 'symbol':
      return { inf: Infinity, nan: NaN, min: 'min' }[expression.name];
    default:
      return undefined;
  }
}
