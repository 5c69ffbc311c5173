import { AssemblerError } from './assembler-error.js';
import { parseExpression } from './expression.js';
import type { Expression } from './expression.js';
import type { SourcePosition } from './lexer.js';
import { registerByName } from './registers.js';
import type { RegisterName } from './registers.js';
import type { TokenReader } from './token-reader.js';

/** What stands between the commas of an instruction. */
export type Operand = SourcePosition &
  (
    | ({ readonly kind: 'register' } & RegisterName)
    /** Also names that only the instruction understands: CSRs, fence sets, rounding modes. */
    | { readonly kind: 'expression'; readonly expression: Expression }
    /** `offset(base)`; without an offset, 0. */
    | { readonly kind: 'memory'; readonly offset: Expression; readonly base: number }
  );

/**
 * Reads the operands up to the end of the statement.
 *
 * @throws {AssemblerError} `syntax`, `bad-operand`
 */
export function parseOperands(reader: TokenReader): Operand[] {
  const operands: Operand[] = [];
  if (reader.atEnd) return operands;
  do {
    operands.push(parseOperand(reader));
  } while (reader.takeMark(','));
  reader.expectEnd();
  return operands;
}

function parseOperand(reader: TokenReader): Operand {
  const { line, column } = reader.peek();
  const register = takeRegister(reader);
  if (register !== undefined) return { kind: 'register', ...register, line, column };
  if (reader.isMark('(')) {
    const base = takeBase(reader);
    if (base !== undefined)
      return { kind: 'memory', offset: { kind: 'number', value: 0n, line, column }, base, line, column };
  }
  const expression = parseExpression(reader);
  if (!reader.isMark('(')) return { kind: 'expression', expression, line, column };
  const base = takeBase(reader);
  if (base === undefined) {
    reader.next();
    throw reader.unexpected('a base register');
  }
  return { kind: 'memory', offset: expression, base, line, column };
}

function takeRegister(reader: TokenReader): RegisterName | undefined {
  const token = reader.peek();
  if (token.kind !== 'name') return undefined;
  const register = registerByName(token.text);
  if (register !== undefined) reader.next();
  return register;
}

/** `(register)`; nothing is taken when something else is in the parentheses. */
function takeBase(reader: TokenReader): number | undefined {
  const token = reader.peek(1);
  const register = token.kind === 'name' ? registerByName(token.text) : undefined;
  if (register === undefined || !reader.isMark(')', 2)) return undefined;
  if (register.file !== 'x') {
    throw new AssemblerError('bad-operand', token.line, token.column, `${token.text} cannot hold an address`);
  }
  reader.next();
  reader.next();
  reader.next();
  return register.number;
}
