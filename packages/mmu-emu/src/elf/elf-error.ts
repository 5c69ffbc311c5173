/** What is wrong with an ELF file, for programs. */
export type ElfErrorCode =
  /** The bytes do not begin with the ELF magic number. */
  | 'not-elf'
  /** The file ends before something that its headers promise. */
  | 'truncated'
  /** Only the head of the file was given, and something needed lies behind it. */
  | 'head-too-short'
  /** A valid ELF file for another machine, class, byte order or purpose. */
  | 'unsupported'
  /** A field has a value that the format does not allow. */
  | 'bad-value'
  /** Two segments claim the same memory. */
  | 'overlap'
  /** The entry point is not in an executable segment. */
  | 'bad-entry'
  /** The file asks for a dynamic linker or for shared libraries. */
  | 'needs-linker'
  /** A relocation of a kind that a static program does not have. */
  | 'bad-relocation'
  /** A segment does not fit into the machine's RAM. */
  | 'does-not-fit';

/** An ELF file that cannot be used. Nothing has been loaded when it is thrown by the parser. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
  /** Stable, for programs. */
  readonly code: ElfErrorCode;
  /** The field at fault, by its name in the ELF specification, for instance `e_machine` or `p_filesz[2]`. */
  readonly field: string;

  constructor(code: ElfErrorCode, field: string, message: string) {
    super(`ELF ${field}: ${message}`);
    this.code = code;
    this.field = field;
  }
}
