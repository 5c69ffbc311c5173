import { PAGE_SIZE } from '../mmu/pte.js';
import { crc32 } from './crc32.js';
import { SnapshotError } from './snapshot-error.js';
import {
  END_BYTES,
  HEADER_BYTES,
  SECTION_END,
  SECTION_FRAMES,
  SECTION_HEADER_BYTES,
  SECTION_PART,
  SECTION_RAM,
  SNAPSHOT_MAGIC,
  SNAPSHOT_VERSION,
} from './snapshot-format.js';

/** Hears of the sections of a snapshot. The bytes are the parser's: copy what you keep. */
export interface SectionHandler {
  part(content: Uint8Array): void;
  /** Whole frames, from this number on; rising. */
  ram(frame: number, bytes: Uint8Array): void;
}

const RAM_BYTES = 4;

/** Splits a snapshot, handed over in pieces of any size, into its sections, and checks their order and the checksum. */
export class SnapshotParser {
  readonly #handler: SectionHandler;
  readonly #frames: number;
  /** What came and is not enough for a section yet. */
  #waiting = new Uint8Array(0);
  #waitingBytes = 0;
  #begun = false;
  #ended = false;
  #nextFrame = -1;
  #crc = 0;

  /** @param frames how many frames there are. */
  constructor(handler: SectionHandler, frames: number) {
    this.#handler = handler;
    this.#frames = frames;
  }

  /** The checksum, after `end`. */
  get crc(): number {
    return this.#crc;
  }

  /** The next piece. */
  push(piece: Uint8Array): void {
    let bytes = piece;
    if (this.#waitingBytes > 0) {
      this.#keep(piece);
      bytes = this.#waiting.subarray(0, this.#waitingBytes);
    }
    const used = this.#take(bytes);
    if (this.#waitingBytes > 0) {
      this.#waiting.copyWithin(0, used, this.#waitingBytes);
      this.#waitingBytes -= used;
    } else {
      this.#keep(piece.subarray(used));
    }
  }

  /** There are no more pieces. */
  end(): void {
    if (!this.#begun) throw notASnapshot();
    if (!this.#ended) throw corrupted('it ends too early');
  }

  #keep(piece: Uint8Array): void {
    const bytes = this.#waitingBytes + piece.length;
    if (bytes > this.#waiting.length) {
      const larger = new Uint8Array(Math.max(bytes, 2 * this.#waiting.length));
      larger.set(this.#waiting.subarray(0, this.#waitingBytes));
      this.#waiting = larger;
    }
    this.#waiting.set(piece, this.#waitingBytes);
    this.#waitingBytes = bytes;
  }

  /** Deals with what is whole; gives how many bytes that was. */
  #take(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    if (!this.#begun) {
      if (SNAPSHOT_MAGIC.some((byte, index) => index < bytes.length && bytes[index] !== byte)) {
        throw notASnapshot();
      }
      if (bytes.length < HEADER_BYTES) return 0;
      const version = view.getUint32(SNAPSHOT_MAGIC.length, true);
      if (version !== SNAPSHOT_VERSION) {
        throw new SnapshotError(
          'unsupported-version',
          `the snapshot is of version ${version}; this library reads version ${SNAPSHOT_VERSION}`,
        );
      }
      this.#begun = true;
      at = HEADER_BYTES;
      this.#crc = crc32(bytes.subarray(0, at));
    }
    while (bytes.length - at >= SECTION_HEADER_BYTES) {
      const kind = view.getUint32(at, true);
      const length = view.getUint32(at + 4, true);
      const end = at + SECTION_HEADER_BYTES + length;
      this.#check(kind, length);
      if (end > bytes.length) return at;
      this.#section(kind, bytes.subarray(at, end));
      at = end;
    }
    if (this.#ended && at < bytes.length) throw corrupted('there is more behind its end');
    return at;
  }

  #check(kind: number, length: number): void {
    if (this.#ended) throw corrupted('there is more behind its end');
    const frames = (length - RAM_BYTES) / PAGE_SIZE;
    const good =
      (kind === SECTION_PART && this.#nextFrame < 0) ||
      (kind === SECTION_RAM && Number.isInteger(frames) && frames >= 1 && frames <= SECTION_FRAMES) ||
      (kind === SECTION_END && length === END_BYTES);
    if (!good) throw corrupted('its sections make no sense');
  }

  #section(kind: number, bytes: Uint8Array): void {
    const content = bytes.subarray(SECTION_HEADER_BYTES);
    const first = kind === SECTION_PART ? 0 : firstWord(content);
    if (kind === SECTION_END) {
      this.#crc = crc32(bytes.subarray(0, SECTION_HEADER_BYTES), this.#crc);
      if (first !== this.#crc) throw corrupted('its checksum is wrong');
      this.#ended = true;
      return;
    }
    this.#crc = crc32(bytes, this.#crc);
    if (kind === SECTION_PART) {
      this.#handler.part(content);
      return;
    }
    const end = first + (content.length - RAM_BYTES) / PAGE_SIZE;
    if (first < this.#nextFrame || end > this.#frames) throw corrupted('its frames make no sense');
    this.#nextFrame = end;
    this.#handler.ram(first, content.subarray(RAM_BYTES));
  }
}

function firstWord(content: Uint8Array): number {
  return new DataView(content.buffer, content.byteOffset, content.length).getUint32(0, true);
}

function notASnapshot(): SnapshotError {
  return new SnapshotError('not-a-snapshot', 'this is no snapshot of a machine');
}

/** An error about the whole. */
export function corrupted(problem: string): SnapshotError {
  return new SnapshotError('corrupted', `the snapshot is corrupted: ${problem}`);
}
