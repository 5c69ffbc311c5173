import { AssemblerError } from './assembler-error.js';
import { parseReal } from './real-number.js';
import type { SourcePosition } from './lexer.js';
import type { TokenReader } from './token-reader.js';

/** A value that may depend on symbols. */
export type Expression = SourcePosition &
  (
    | { readonly kind: 'number'; readonly value: bigint }
    /** Only as a constant of fli. */
    | { readonly kind: 'real'; readonly value: number }
    | { readonly kind: 'symbol'; readonly name: string }
    | { readonly kind: 'local'; readonly label: number; readonly forward: boolean }
    /** The address of the statement, written `.`. */
    | { readonly kind: 'here' }
    | { readonly kind: 'unary'; readonly operator: '-' | '~' | '+'; readonly operand: Expression }
    | {
        readonly kind: 'binary';
        readonly operator: string;
        readonly left: Expression;
        readonly right: Expression;
      }
    /** `%hi(x)`, `%lo(x)`, `%pcrel_hi(x)`, `%pcrel_lo(label)`. */
    | { readonly kind: 'modifier'; readonly name: string; readonly operand: Expression }
  );

/** What an expression is evaluated against. */
export interface ExpressionScope {
  /** Address of the statement. */
  readonly here: bigint;
  /** Undefined when there is no such symbol. */
  symbol(name: string): bigint | undefined;
  /** Address of the numeric label nearest to the statement, in the direction asked for. */
  local(label: number, forward: boolean): bigint | undefined;
  /** Value of the `%pcrel_hi` in the instruction at this address: what it points to, relative to that instruction. */
  pcrelHi(address: bigint): bigint | undefined;
}

/**
 * From the one that binds least. The order is that of GNU as, not of C: bitwise operators bind tighter than + and -,
 * shifts as tight as multiplication.
 */
const LEVELS: readonly (readonly string[])[] = [
  ['+', '-'],
  ['|', '&', '^'],
  ['*', '/', '%', '<<', '>>'],
];

const MAX_DEPTH = 200;
const MODIFIERS = new Set(['%hi', '%lo', '%pcrel_hi', '%pcrel_lo']);

/**
 * Reads one expression.
 *
 * @throws {AssemblerError} `syntax` saying what was expected instead.
 */
export function parseExpression(reader: TokenReader, depth = 0): Expression {
  return parseLevel(reader, 0, depth);
}

function parseLevel(reader: TokenReader, level: number, depth: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(reader, depth);
  let left = parseLevel(reader, level + 1, depth);
  for (;;) {
    const token = reader.peek();
    if (token.kind !== 'mark' || !operators.includes(token.text)) return left;
    reader.next();
    const right = parseLevel(reader, level + 1, depth);
    left = { kind: 'binary', operator: token.text, left, right, line: token.line, column: token.column };
  }
}

function parseUnary(reader: TokenReader, depth: number): Expression {
  const token = reader.next();
  const { line, column } = token;
  if (depth > MAX_DEPTH)
    throw new AssemblerError('syntax', line, column, 'the expression is nested too deeply');
  if (token.kind === 'number') return { kind: 'number', value: token.value, line, column };
  if (token.kind === 'real') return { kind: 'real', value: parseReal(token.text), line, column };
  if (token.kind === 'local')
    return { kind: 'local', label: token.label, forward: token.forward, line, column };
  if (token.kind === 'name') {
    return token.text === '.'
      ? { kind: 'here', line, column }
      : { kind: 'symbol', name: token.text, line, column };
  }
  if (token.kind === 'modifier') {
    if (!MODIFIERS.has(token.text)) {
      throw new AssemblerError(
        'syntax',
        line,
        column,
        `${token.text} is unknown; there are ${[...MODIFIERS].join(', ')}`,
      );
    }
    reader.expectMark('(');
    const operand = parseExpression(reader, depth + 1);
    reader.expectMark(')');
    return { kind: 'modifier', name: token.text, operand, line, column };
  }
  if (token.kind === 'mark') {
    if (token.text === '(') {
      const inner = parseExpression(reader, depth + 1);
      reader.expectMark(')');
      return inner;
    }
    if (token.text === '-' || token.text === '~' || token.text === '+') {
      return { kind: 'unary', operator: token.text, operand: parseUnary(reader, depth + 1), line, column };
    }
  }
  throw new AssemblerError('syntax', line, column, `a value is expected, not ${token.text}`);
}

/**
 * The value of an expression; arithmetic is exact, and the caller checks the range.
 *
 * @throws {AssemblerError} `unknown-symbol`, `out-of-range` (division by zero, shift by less than 0 or more than 63).
 */
export function evaluate(expression: Expression, scope: ExpressionScope): bigint {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'real':
      throw new AssemblerError(
        'bad-operand',
        expression.line,
        expression.column,
        'a whole number is expected',
      );
    case 'here':
      return scope.here;
    case 'symbol': {
      const value = scope.symbol(expression.name);
      if (value === undefined)
        throw failure('unknown-symbol', expression, `${expression.name} is not defined`);
      return value;
    }
    case 'local': {
      const value = scope.local(expression.label, expression.forward);
      if (value !== undefined) return value;
      const side = expression.forward ? 'after' : 'before';
      throw failure('unknown-symbol', expression, `there is no label ${expression.label}: ${side} this line`);
    }
    case 'unary': {
      const value = evaluate(expression.operand, scope);
      return expression.operator === '-' ? -value : expression.operator === '~' ? ~value : value;
    }
    case 'binary':
      return binary(expression, evaluate(expression.left, scope), evaluate(expression.right, scope));
    case 'modifier':
      return modify(expression, scope);
  }
}

function binary(expression: Expression & { readonly kind: 'binary' }, left: bigint, right: bigint): bigint {
  switch (expression.operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
    case '%':
      if (right === 0n) throw failure('out-of-range', expression, 'division by zero');
      return expression.operator === '/' ? left / right : left % right;
    case '<<':
    case '>>':
      if (right < 0n || right > 63n)
        throw failure('out-of-range', expression, `a shift by ${right}; 0 to 63 is possible`);
      return expression.operator === '<<' ? left << right : left >> right;
    case '&':
      return left & right;
    case '|':
      return left | right;
    default:
      return left ^ right;
  }
}

function modify(expression: Expression & { readonly kind: 'modifier' }, scope: ExpressionScope): bigint {
  const operand = evaluate(expression.operand, scope);
  switch (expression.name) {
    case '%hi':
      return upperPart(operand);
    case '%lo':
      return lowerPart(operand);
    case '%pcrel_hi':
      return upperPart(operand - scope.here);
    default: {
      const distance = scope.pcrelHi(operand);
      if (distance === undefined) {
        throw failure(
          'unknown-symbol',
          expression,
          '%pcrel_lo needs the label of an instruction with %pcrel_hi',
        );
      }
      return lowerPart(distance);
    }
  }
}

/** The 20 bits for lui or auipc, rounded so that adding the sign-extended lower part gives the value back. */
export function upperPart(value: bigint): bigint {
  return ((value + 0x800n) >> 12n) & 0xf_ffffn;
}

/** The signed 12 bits that `upperPart` leaves. */
export function lowerPart(value: bigint): bigint {
  return BigInt.asIntN(12, value);
}

function failure(
  code: 'unknown-symbol' | 'out-of-range',
  at: SourcePosition,
  message: string,
): AssemblerError {
  return new AssemblerError(code, at.line, at.column, message);
}
