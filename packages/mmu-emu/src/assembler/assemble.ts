import { Layout } from './layout.js';
import { parseStatements } from './statement.js';

/** How to assemble. */
export interface AssembleOptions {
  /** Address of the first byte, 0 to 2^53 - 1; default 0. */
  origin?: number;
  /** Symbols that the source may use; bigints for values beyond 2^53. */
  symbols?: Readonly<Record<string, number | bigint>>;
  /** Use compressed instructions where they fit. Default false; `.option rvc` in the source says the same. */
  compress?: boolean;
}

/** An assembled program. */
export interface AssembledProgram {
  /** All of it, from the origin on. The caller's to keep. */
  readonly bytes: Uint8Array;
  /** Labels, symbols of the source, and those given, whose values are exact numbers (below 2^53). */
  readonly symbols: Map<string, number>;
  readonly origin: number;
}

/**
 * Assembles RISC-V source text into the bytes of one section.
 *
 * The language is that of GNU as, without macros and sections: all instructions of the machine's table and the standard
 * pseudo-instructions; named labels, numeric labels (`1:`, `1b`, `1f`); data and layout directives (`.byte` to `.dword`,
 * `.ascii`, `.asciz`, `.string`, `.zero`, `.space`, `.align`, `.p2align`, `.balign`, `.org`, `.equ`, `.set`, `.option rvc`
 * and `norvc`); `%hi`, `%lo`, `%pcrel_hi`, `%pcrel_lo`; expressions with GNU's precedence; comments with `#`, `//` and
 * block comments. Directives about linking (`.globl`, `.section`, ...) are accepted and ignored. `call`, `tail` and `la`
 * always take two instructions, and branches are not relaxed: a target out of reach is an error.
 *
 * @throws {AssemblerError} with line, column and what was expected.
 * @throws {RangeError} for an origin that is not an integer from 0 to 2^53 - 1.
 */
export function assemble(source: string, options: AssembleOptions = {}): AssembledProgram {
  const origin = options.origin ?? 0;
  if (!Number.isSafeInteger(origin) || origin < 0)
    throw new RangeError('origin must be an integer from 0 to 2^53 - 1');
  const given = Object.entries(options.symbols ?? {}).map(([name, value]): [string, bigint] => [
    name,
    BigInt(value),
  ]);
  const layout = new Layout(parseStatements(source), {
    origin: BigInt(origin),
    compress: options.compress ?? false,
    symbols: new Map(given),
  });
  const { bytes, symbols } = layout.run();
  const exact = [...symbols].filter(([, value]) => Number.isSafeInteger(Number(value)));
  return { bytes, symbols: new Map(exact.map(([name, value]) => [name, Number(value)])), origin };
}
