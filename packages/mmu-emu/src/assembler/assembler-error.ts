/** What is wrong with an assembly source, for programs. */
export type AssemblerErrorCode =
  /** The text cannot be read as a statement. */
  | 'syntax'
  /** No instruction or directive of this name. */
  | 'unknown-instruction'
  /** An operand is missing, of the wrong kind, or one too many. */
  | 'bad-operand'
  /** A value does not fit its field. */
  | 'out-of-range'
  /** A symbol that is defined nowhere. */
  | 'unknown-symbol'
  /** A symbol defined twice. */
  | 'duplicate-symbol'
  /** The result would be larger than the assembler makes. */
  | 'too-large';

/** A source that cannot be assembled. */
export class AssemblerError extends Error {
  override readonly name = 'AssemblerError';
  /** Stable, for programs. */
  readonly code: AssemblerErrorCode;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;

  constructor(code: AssemblerErrorCode, line: number, column: number, message: string) {
    super(`line ${line}, column ${column}: ${message}`);
    this.code = code;
    this.line = line;
    this.column = column;
  }
}
