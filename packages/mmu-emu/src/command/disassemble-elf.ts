import type { Writable } from 'node:stream';
import { disassemble, elfSymbols, parseElf } from '@faultline/mmu-emu';

/** Lines are handed to the stream in pieces of about this many characters. */
const CHUNK_CHARACTERS = 64 * 1024;

/**
 * Prints the executable segments of a program, an instruction a line, with the names of its symbols.
 *
 * @param bytes The ELF file.
 * @throws {ElfError} when the file is not a program for this machine; nothing has been printed then.
 */
export async function disassembleElf(bytes: Uint8Array, output: Writable): Promise<void> {
  const image = parseElf(bytes, { mappable: false, allowInterpreter: true });
  const labels = new Map<number, string>();
  for (const { name, value } of elfSymbols(bytes)) {
    // Mapping symbols ($x, $d) and names made by the assembler say nothing to a reader.
    if (name !== '' && !name.startsWith('$') && !name.startsWith('.L')) labels.set(value, name);
  }
  let text = '';
  for (const { vaddr, fileOffset, fileBytes, executable } of image.segments) {
    if (!executable) continue;
    const code = bytes.subarray(fileOffset, fileOffset + fileBytes);
    for (const line of codeLines(code, vaddr, labels)) {
      text += line;
      if (text.length < CHUNK_CHARACTERS) continue;
      await write(output, text);
      text = '';
    }
  }
  await write(output, text);
}

function* codeLines(code: Uint8Array, base: number, labels: ReadonlyMap<number, string>): Generator<string> {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  let at = 0;
  while (at + 2 <= code.length) {
    const label = labels.get(base + at);
    if (label !== undefined) yield `\n${hex(base + at, 16)} <${label}>:\n`;
    const half = view.getUint16(at, true);
    const word = at + 4 <= code.length ? view.getUint32(at, true) : half;
    const { text, length } = disassemble(word, base + at);
    const bits = length === 4 ? hex(word, 8) : `${hex(half, 4)}    `;
    yield `${hex(base + at, 8)}:  ${bits}  ${text}\n`;
    at += length;
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Waits until the stream has taken the text; a reader that has gone away ends it quietly. */
function write(output: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (text === '') resolve();
    else output.write(text, () => resolve());
  });
}
