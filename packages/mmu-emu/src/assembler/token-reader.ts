import { AssemblerError } from './assembler-error.js';
import type { Token } from './lexer.js';

/** Reads the tokens of one statement, of which the last is `end`. */
export class TokenReader {
  #at = 0;

  constructor(readonly tokens: readonly Token[]) {}

  /** The token `ahead` places on, without taking it. */
  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.#at + ahead, this.tokens.length - 1)];
  }

  /** Takes a token; at the end of the statement, its end again and again. */
  next(): Token {
    const token = this.peek();
    if (this.#at < this.tokens.length - 1) this.#at++;
    return token;
  }

  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  isMark(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'mark' && token.text === text;
  }

  /** Takes the mark if it is there. */
  takeMark(text: string): boolean {
    if (!this.isMark(text)) return false;
    this.next();
    return true;
  }

  /** @throws {AssemblerError} `syntax` when something else is there. */
  expectMark(text: string): void {
    if (!this.takeMark(text)) throw this.unexpected(`"${text}"`);
  }

  /** @throws {AssemblerError} `syntax` when the statement goes on. */
  expectEnd(): void {
    if (!this.atEnd) throw this.unexpected('the end of the statement');
  }

  /** @throws {AssemblerError} `syntax` when something else is there. */
  expectName(what: string): string {
    const token = this.peek();
    if (token.kind !== 'name') throw this.unexpected(what);
    this.next();
    return token.text;
  }

  /** The error that something else is expected where the reader is. */
  unexpected(what: string): AssemblerError {
    const token = this.peek();
    return new AssemblerError('syntax', token.line, token.column, `${what} is expected, not ${token.text}`);
  }
}
