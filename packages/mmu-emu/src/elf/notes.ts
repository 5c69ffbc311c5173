import { ByteReader } from './byte-reader.js';
import { ElfError } from './elf-error.js';
import type { ElfImage } from './elf-image.js';

const NOTE_HEADER_BYTES = 12;

/**
 * The descriptor of the first note with this owner and type, as a view into `bytes`; undefined when there is none.
 *
 * `bytes` may be the head of the file only; a range of notes that goes beyond it is an error, not an absence.
 *
 * @param name The owner, without the NUL that ends it in the file.
 * @throws {ElfError} `head-too-short` when a range is not in `bytes`, `bad-value` when a note leaves its range.
 * @see System V ABI, "Note Section"
 */
export function findNote(
  bytes: Uint8Array,
  image: ElfImage,
  name: string,
  type: number,
): Uint8Array | undefined {
  for (const range of image.notes) {
    const end = range.fileOffset + range.fileBytes;
    const reader = new ByteReader(bytes, Math.max(end, bytes.length));
    reader.need(range.fileOffset, range.fileBytes, 'PT_NOTE');
    // Notes are padded to 4 bytes, except in a segment that says 8.
    const padding = range.alignment === 8 ? 8 : 4;
    let at = range.fileOffset;
    while (at + NOTE_HEADER_BYTES <= end) {
      const nameBytes = reader.u32(at, 'n_namesz');
      const descriptorBytes = reader.u32(at + 4, 'n_descsz');
      const nameAt = at + NOTE_HEADER_BYTES;
      const descriptorAt = range.fileOffset + pad(nameAt + nameBytes - range.fileOffset, padding);
      if (descriptorAt + descriptorBytes > end) {
        throw new ElfError('bad-value', 'n_descsz', 'a note goes beyond the end of its segment');
      }
      if (reader.u32(at + 8, 'n_type') === type && isName(bytes, nameAt, nameBytes, name)) {
        return bytes.subarray(descriptorAt, descriptorAt + descriptorBytes);
      }
      at = range.fileOffset + pad(descriptorAt + descriptorBytes - range.fileOffset, padding);
    }
  }
  return undefined;
}

function pad(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function isName(bytes: Uint8Array, at: number, length: number, name: string): boolean {
  if (length !== name.length + 1 || bytes[at + name.length] !== 0) return false;
  for (let i = 0; i < name.length; i++) {
    if (bytes[at + i] !== name.charCodeAt(i)) return false;
  }
  return true;
}
