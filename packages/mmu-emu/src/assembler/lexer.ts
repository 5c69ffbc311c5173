import { AssemblerError } from './assembler-error.js';

/** A place in the source, counted from 1. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** The smallest part of a statement. */
export type Token = SourcePosition &
  (
    | { readonly kind: 'name'; readonly text: string }
    | { readonly kind: 'number'; readonly value: bigint; readonly text: string }
    /** With a point or an exponent. */
    | { readonly kind: 'real'; readonly text: string }
    /** `1b` or `1f`. */
    | { readonly kind: 'local'; readonly label: number; readonly forward: boolean; readonly text: string }
    /** `%hi` and its like. */
    | { readonly kind: 'modifier'; readonly text: string }
    | { readonly kind: 'string'; readonly bytes: Uint8Array; readonly text: string }
    | { readonly kind: 'mark'; readonly text: string }
    /** End of the statement; `text` is what people call it. */
    | { readonly kind: 'end'; readonly text: string }
  );

const NAME = /[A-Za-z_.$][A-Za-z0-9_.$]*/y;
const REAL =
  /0[xX][0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?[pP][-+]?[0-9]+|[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+/y;
const LOCAL = /([0-9]+)([bf])(?![A-Za-z0-9_.$])/y;
const NUMBER = /0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+/y;
const MODIFIER = /%[a-z_]+(?=\s*\()/y;
// The at sign stands in directives that are ignored, `.type main, @function`.
const MARK = /<<|>>|[-+*/%&|^~!,():=@]/y;
const SPACE = /[ \t\r]+/y;

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  b: 8,
  f: 12,
  v: 11,
  '\\': 92,
  '"': 34,
  "'": 39,
};

/**
 * Splits a source into statements: one a line, or several separated by `;`. Each ends with an `end` token; empty ones
 * are left out. Comments begin with `#` or `//` and go to the end of the line, or stand between `/*` and `* /` (without the space).
 *
 * @throws {AssemblerError} `syntax`
 */
export function* lex(source: string): Generator<Token[], void, undefined> {
  const lines = blankBlockComments(source).split('\n');
  for (let index = 0; index < lines.length; index++) {
    const scanner = new LineScanner(lines[index], index + 1);
    for (;;) {
      const tokens = scanner.statement();
      if (tokens.length > 1) yield tokens;
      if (scanner.atEnd) break;
    }
  }
}

/** Replaces block comments by spaces, so that lines and columns stay what they are. */
function blankBlockComments(source: string): string {
  if (!source.includes('/*')) return source;
  // Strings and line comments are matched too, so that a comment mark inside one is not taken for a comment.
  return source.replace(/"(?:\\.|[^"\\\n])*"|(?:#|\/\/)[^\n]*|\/\*[\s\S]*?\*\//g, (match) =>
    match.startsWith('/*') ? match.replace(/[^\n]/g, ' ') : match,
  );
}

class LineScanner {
  #at = 0;

  constructor(
    readonly text: string,
    readonly line: number,
  ) {}

  get atEnd(): boolean {
    return this.#at >= this.text.length;
  }

  /** The tokens up to the next `;` or the end of the line, with an `end` token. */
  statement(): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      this.#match(SPACE);
      const column = this.#at + 1;
      const rest = this.text[this.#at];
      if (rest === undefined || rest === '#' || this.text.startsWith('//', this.#at)) {
        this.#at = this.text.length;
        tokens.push({ kind: 'end', text: 'the end of the line', line: this.line, column });
        return tokens;
      }
      if (rest === ';') {
        this.#at++;
        tokens.push({ kind: 'end', text: '";"', line: this.line, column });
        return tokens;
      }
      tokens.push(this.#token(rest, { line: this.line, column }));
    }
  }

  #token(first: string, position: SourcePosition): Token {
    if (first === '"') return { kind: 'string', ...this.#string(), ...position };
    if (first === "'") {
      const text = this.#character();
      return { kind: 'number', ...text, ...position };
    }
    const real = this.#match(REAL);
    if (real !== undefined) return { kind: 'real', text: real, ...position };
    const local = this.#match(LOCAL);
    if (local !== undefined) {
      return {
        kind: 'local',
        label: parseInt(local, 10),
        forward: local.endsWith('f'),
        text: local,
        ...position,
      };
    }
    const number = this.#match(NUMBER);
    if (number !== undefined)
      return { kind: 'number', value: this.#parseNumber(number), text: number, ...position };
    const name = this.#match(NAME);
    if (name !== undefined) return { kind: 'name', text: name, ...position };
    const modifier = this.#match(MODIFIER);
    if (modifier !== undefined) return { kind: 'modifier', text: modifier, ...position };
    const mark = this.#match(MARK);
    if (mark !== undefined) return { kind: 'mark', text: mark, ...position };
    throw this.#error(`${JSON.stringify(first)} cannot stand here`);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match[0];
  }

  /** A leading 0 means octal, as in GNU as and in C. */
  #parseNumber(text: string): bigint {
    if (NAME_PART.test(this.text[this.#at] ?? ''))
      throw this.#error(`a number cannot go on with ${JSON.stringify(this.text[this.#at])}`);
    if (/^0[0-9]+$/.test(text)) {
      if (/[89]/.test(text)) throw this.#error(`${text} begins with 0 but is not octal`);
      return BigInt(`0o${text.slice(1)}`);
    }
    return BigInt(text.toLowerCase());
  }

  #string(): { bytes: Uint8Array; text: string } {
    const start = this.#at++;
    const bytes: number[] = [];
    while (this.text[this.#at] !== '"') {
      if (this.atEnd) throw this.#error('the string has no end');
      this.#unit(bytes);
    }
    this.#at++;
    return { bytes: Uint8Array.from(bytes), text: this.text.slice(start, this.#at) };
  }

  #character(): { value: bigint; text: string } {
    const start = this.#at++;
    const bytes: number[] = [];
    if (this.atEnd || this.text[this.#at] === "'")
      throw this.#error('a character is expected between the quotes');
    this.#unit(bytes);
    if (this.text[this.#at] !== "'") throw this.#error("the character has no closing '");
    this.#at++;
    if (bytes.length !== 1) throw this.#error('a character is one byte');
    return { value: BigInt(bytes[0]), text: this.text.slice(start, this.#at) };
  }

  /** One character of a string: itself in UTF-8, or an escape. */
  #unit(into: number[]): void {
    if (this.text[this.#at] !== '\\') {
      const character = String.fromCodePoint(this.text.codePointAt(this.#at)!);
      this.#at += character.length;
      appendUtf8(into, character.codePointAt(0)!);
      return;
    }
    const escape = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([\s\S]))/y;
    escape.lastIndex = this.#at;
    const match = escape.exec(this.text);
    const simple = match?.[3] === undefined ? undefined : ESCAPES[match[3]];
    if (match === null || (match[3] !== undefined && simple === undefined))
      throw this.#error('unknown escape');
    this.#at += match[0].length;
    into.push(simple ?? (match[1] !== undefined ? parseInt(match[1], 16) : parseInt(match[2], 8) & 0xff));
  }

  #error(message: string): AssemblerError {
    return new AssemblerError('syntax', this.line, this.#at + 1, message);
  }
}

const NAME_PART = /[A-Za-z0-9_.$]/;

function appendUtf8(into: number[], point: number): void {
  if (point < 0x80) into.push(point);
  else if (point < 0x800) into.push(0xc0 | (point >> 6), 0x80 | (point & 63));
  else if (point < 0x1_0000) into.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  else
    into.push(
      0xf0 | (point >> 18),
      0x80 | ((point >> 12) & 63),
      0x80 | ((point >> 6) & 63),
      0x80 | (point & 63),
    );
}
