import type { ModuleBuilder } from '../wasm/module-builder.js';
import type { WasmType } from '../wasm/opcodes.js';
import { buildDivide, buildFusedMultiplyAdd, buildSquareRoot } from './arithmetic.js';
import { defineRounding } from './rounding.js';

/**
 * Indices of the floating-point routines in a module. Each takes the hart (i32 address of its state, to whose fcsr flags
 * are added), operands as the bits of doubles, a rounding mode (0 to 4) and a format (0 single, 1 double), all i64, and gives what a
 * register holds: a double's bits, or a single's in its box.
 */
export interface SoftfloatFunctions {
  /** (hart, a, b, c, mode, format): a times b plus c. */
  readonly fma: number;
  /** (hart, a, b, mode, format): a divided by b. */
  readonly div: number;
  /** (hart, a, mode, format) */
  readonly sqrt: number;
}

/** Adds the routines to a module whose memory has the hart's state. */
export function defineSoftfloat(module: ModuleBuilder): SoftfloatFunctions {
  const rounding = defineRounding(module);
  const declare = (parameters: number): number => {
    const types: WasmType[] = ['i32'];
    for (let i = 0; i < parameters; i++) types.push('i64');
    return module.declare(types, ['i64']);
  };
  const functions = { fma: declare(5), div: declare(4), sqrt: declare(3) };
  module.define(functions.fma, buildFusedMultiplyAdd(rounding));
  module.define(functions.div, buildDivide(rounding));
  module.define(functions.sqrt, buildSquareRoot(rounding));
  return functions;
}
