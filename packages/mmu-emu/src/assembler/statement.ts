/** Reads a source into statements: labels, instructions, and what directives stand for. */
import { AssemblerError } from './assembler-error.js';
import { parseExpression } from './expression.js';
import type { Expression } from './expression.js';
import { lex } from './lexer.js';
import type { SourcePosition } from './lexer.js';
import { parseOperands } from './operand.js';
import type { Operand } from './operand.js';
import { TokenReader } from './token-reader.js';

/** One step in laying out a program. */
export type Statement = SourcePosition &
  (
    | { readonly kind: 'label'; readonly name: string }
    | { readonly kind: 'local-label'; readonly label: number }
    | { readonly kind: 'assign'; readonly name: string; readonly value: Expression; readonly once: boolean }
    | { readonly kind: 'data'; readonly width: 1 | 2 | 4 | 8; readonly values: readonly Expression[] }
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    | { readonly kind: 'space'; readonly count: Expression; readonly fill: Expression | undefined }
    /** To the next multiple; with code, of nops. */
    | {
        readonly kind: 'align';
        readonly bytes: Expression;
        readonly power: boolean;
        readonly fill: Expression | undefined;
      }
    | { readonly kind: 'origin'; readonly offset: Expression }
    | { readonly kind: 'option'; readonly option: 'rvc' | 'norvc' | 'push' | 'pop' }
    | { readonly kind: 'instruction'; readonly name: string; readonly operands: readonly Operand[] }
  );

const DATA_WIDTHS: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  '.byte': 1,
  '.half': 2,
  '.short': 2,
  '.2byte': 2,
  '.word': 4,
  '.long': 4,
  '.4byte': 4,
  '.dword': 8,
  '.quad': 8,
  '.8byte': 8,
};

/** Directives about linking and debugging, which change nothing in a program of one section. */
const IGNORED = new Set([
  '.globl',
  '.global',
  '.local',
  '.weak',
  '.type',
  '.size',
  '.file',
  '.ident',
  '.attribute',
  '.text',
  '.data',
  '.rodata',
  '.bss',
  '.section',
]);

const OPTIONS: Readonly<Record<string, 'rvc' | 'norvc' | 'push' | 'pop' | 'nothing'>> = {
  rvc: 'rvc',
  norvc: 'norvc',
  push: 'push',
  pop: 'pop',
  relax: 'nothing',
  norelax: 'nothing',
  pic: 'nothing',
  nopic: 'nothing',
};

/**
 * All statements of a source, in order.
 *
 * @throws {AssemblerError}
 */
export function parseStatements(source: string): Statement[] {
  const statements: Statement[] = [];
  for (const tokens of lex(source)) {
    const reader = new TokenReader(tokens);
    parseLabels(reader, statements);
    if (!reader.atEnd) parseStatement(reader, statements);
  }
  return statements;
}

function parseLabels(reader: TokenReader, into: Statement[]): void {
  while (reader.isMark(':', 1)) {
    const token = reader.next();
    const { line, column } = token;
    if (token.kind === 'name') into.push({ kind: 'label', name: token.text, line, column });
    else if (token.kind === 'number' && /^[0-9]+$/.test(token.text)) {
      into.push({ kind: 'local-label', label: Number(token.text), line, column });
    } else throw new AssemblerError('syntax', line, column, `${token.text} cannot be a label`);
    reader.expectMark(':');
  }
}

function parseStatement(reader: TokenReader, into: Statement[]): void {
  const { line, column } = reader.peek();
  const name = reader.expectName('an instruction, a directive or a label');
  if (reader.takeMark('=')) {
    into.push({ kind: 'assign', name, value: parseExpression(reader), once: false, line, column });
    reader.expectEnd();
  } else if (name.startsWith('.')) {
    parseDirective(name, reader, { line, column }, into);
  } else {
    into.push({
      kind: 'instruction',
      name: name.toLowerCase(),
      operands: parseOperands(reader),
      line,
      column,
    });
  }
}

function parseDirective(name: string, reader: TokenReader, at: SourcePosition, into: Statement[]): void {
  const width = DATA_WIDTHS[name];
  if (width !== undefined) {
    into.push({ kind: 'data', width, values: parseList(reader), ...at });
    return;
  }
  if (IGNORED.has(name)) return;
  switch (name) {
    case '.ascii':
    case '.asciz':
    case '.string':
      do {
        const token = reader.next();
        if (token.kind !== 'string')
          throw new AssemblerError(
            'syntax',
            token.line,
            token.column,
            `a string is expected, not ${token.text}`,
          );
        into.push({ kind: 'bytes', bytes: token.bytes, ...at });
        if (name !== '.ascii') into.push({ kind: 'bytes', bytes: new Uint8Array(1), ...at });
      } while (reader.takeMark(','));
      break;
    case '.zero':
    case '.space':
    case '.skip':
      into.push({ kind: 'space', count: parseExpression(reader), fill: parseOptional(reader), ...at });
      break;
    case '.align':
    case '.p2align':
    case '.balign': {
      const bytes = parseExpression(reader);
      into.push({ kind: 'align', bytes, power: name !== '.balign', fill: parseOptional(reader), ...at });
      break;
    }
    case '.org':
      into.push({ kind: 'origin', offset: parseExpression(reader), ...at });
      break;
    case '.equ':
    case '.set':
    case '.equiv': {
      const symbol = reader.expectName('the name of a symbol');
      reader.expectMark(',');
      into.push({
        kind: 'assign',
        name: symbol,
        value: parseExpression(reader),
        once: name === '.equiv',
        ...at,
      });
      break;
    }
    case '.option': {
      const word = reader.expectName('an option');
      const option = OPTIONS[word];
      if (option === undefined)
        throw new AssemblerError('syntax', at.line, at.column, `there is no option ${word}`);
      if (option !== 'nothing') into.push({ kind: 'option', option, ...at });
      break;
    }
    default:
      throw new AssemblerError('unknown-instruction', at.line, at.column, `there is no directive ${name}`);
  }
  reader.expectEnd();
}

function parseList(reader: TokenReader): Expression[] {
  const values: Expression[] = [];
  do {
    values.push(parseExpression(reader));
  } while (reader.takeMark(','));
  reader.expectEnd();
  return values;
}

function parseOptional(reader: TokenReader): Expression | undefined {
  return reader.takeMark(',') ? parseExpression(reader) : undefined;
}
