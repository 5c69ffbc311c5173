import { PAGE_SIZE } from '../mmu/pte.js';
import type { Ram } from '../ram.js';
import { crc32 } from './crc32.js';
import { clearFrames, framesInUse } from './ram-runs.js';
import type { FrameRun } from './ram-runs.js';
import { SnapshotError } from './snapshot-error.js';
import {
  END_BYTES,
  HEADER_BYTES,
  SECTION_END,
  SECTION_FRAMES,
  SECTION_HEADER_BYTES,
  SECTION_PART,
  SECTION_RAM,
  sectionOf,
  SNAPSHOT_MAGIC,
  SNAPSHOT_VERSION,
} from './snapshot-format.js';
import { corrupted, SnapshotParser } from './snapshot-parser.js';
import type { SnapshotPart } from './snapshot-part.js';
import { StateReader } from './state-reader.js';
import { StateWriter } from './state-writer.js';

/** Before the frames of a section. */
const FRAME_NUMBER_BYTES = 4;
/** Characters of a name in a message. */
const LONGEST_SHOWN = 100;

/** Pieces of a snapshot, in order. */
export type SnapshotPieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What a snapshot fits: a name and a value each, in an order. */
export type MachineShape = readonly (readonly [what: string, value: string])[];

/** What of a machine is saved. */
export interface SavedMachine {
  readonly ram: Ram;
  shape(): MachineShape;
  /** In the order in which they are restored. @throws {SnapshotError} `unsupported`. */
  parts(): readonly SnapshotPart[];
}

/** A snapshot that is being read, piece by piece. */
interface SnapshotReading {
  push(piece: Uint8Array): void;
  /** All pieces have been pushed; gives their checksum. */
  finish(): number;
}

/** Saves and restores one machine, which does not run meanwhile. */
export class MachineSnapshot {
  readonly #machine: SavedMachine;

  constructor(machine: SavedMachine) {
    this.#machine = machine;
  }

  /** A snapshot as one array. */
  save(): Uint8Array<ArrayBuffer> {
    const head = this.#head();
    let bytes = head.length + SECTION_HEADER_BYTES + END_BYTES;
    const runs = [...framesInUse(this.#machine.ram, SECTION_FRAMES)];
    for (const { count } of runs) bytes += ramSectionBytes(count);
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const piece of this.#pieces(head, runs)) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** The same in pieces: everything but RAM, then at most 64 frames at a time. */
  saveInPieces(): Generator<Uint8Array<ArrayBuffer>> {
    return this.#pieces(this.#head(), framesInUse(this.#machine.ram, SECTION_FRAMES));
  }

  /** Restores from one array. */
  restore(bytes: Uint8Array): void {
    for (const reading of [this.#checking(), this.#writing()]) {
      reading.push(bytes);
      reading.finish();
    }
  }

  /** Restores from pieces, which are asked for twice. When `failed` is called, RAM is partly written. */
  async restoreFrom(open: () => SnapshotPieces, failed: () => void): Promise<void> {
    const checking = this.#checking();
    for await (const piece of open()) checking.push(piece);
    const expected = checking.finish();
    try {
      const writing = this.#writing();
      for await (const piece of open()) writing.push(piece);
      if (writing.finish() !== expected) throw corrupted('the second reading gave other bytes');
    } catch (cause) {
      failed();
      throw new SnapshotError('incomplete', 'the snapshot could not be read a second time', { cause });
    }
  }

  *#pieces(head: Uint8Array<ArrayBuffer>, runs: Iterable<FrameRun>): Generator<Uint8Array<ArrayBuffer>> {
    const { ram } = this.#machine;
    let crc = crc32(head);
    yield head;
    for (const { first, count } of runs) {
      const section = sectionOf(SECTION_RAM, ramSectionBytes(count) - SECTION_HEADER_BYTES);
      new DataView(section.buffer).setUint32(SECTION_HEADER_BYTES, first, true);
      section.set(ram.readable(first, count), SECTION_HEADER_BYTES + FRAME_NUMBER_BYTES);
      crc = crc32(section, crc);
      yield section;
    }
    const end = sectionOf(SECTION_END, END_BYTES);
    crc = crc32(end.subarray(0, SECTION_HEADER_BYTES), crc);
    new DataView(end.buffer).setUint32(SECTION_HEADER_BYTES, crc, true);
    yield end;
  }

  /** First reading: checks everything, then restores the parts, all or none. */
  #checking(): SnapshotReading {
    const { ram } = this.#machine;
    const shape = this.#machine.shape();
    const parts = this.#machine.parts();
    const states: Uint8Array[] = [];
    const parser = new SnapshotParser(
      {
        part: (content) => {
          if (states.length === 0) checkShape(shape, content);
          states.push(content.slice());
        },
        ram: () => undefined,
      },
      ram.frameCount,
    );
    const finish = (): number => {
      parser.end();
      if (states.length !== 1 + parts.length) throw corrupted('parts are missing, or too many');
      const before = parts.map(saveState);
      try {
        restoreParts(parts, states.slice(1));
      } catch (error) {
        restoreParts(parts, before);
        throw error;
      }
      return parser.crc;
    };
    return { push: (piece) => parser.push(piece), finish };
  }

  /** Second reading, of the same bytes: writes RAM. The first has dropped all decoded code, and says which frames had some. */
  #writing(): SnapshotReading {
    const { ram } = this.#machine;
    let next = 0;
    const parser = new SnapshotParser(
      {
        part: () => undefined,
        ram: (frame, bytes) => {
          clearFrames(ram, next, frame);
          const count = bytes.length / PAGE_SIZE;
          ram.readable(frame, count).set(bytes);
          next = frame + count;
        },
      },
      ram.frameCount,
    );
    const finish = (): number => {
      parser.end();
      clearFrames(ram, next, ram.frameCount);
      return parser.crc;
    };
    return { push: (piece) => parser.push(piece), finish };
  }

  /** Everything but RAM. */
  #head(): Uint8Array<ArrayBuffer> {
    const to = new StateWriter();
    const shape = this.#machine.shape();
    to.u32(shape.length);
    for (const [what, value] of shape) {
      to.text(what);
      to.text(value);
    }
    const states = [to.toBytes(), ...this.#machine.parts().map(saveState)];
    const bytes = states.reduce((sum, state) => sum + SECTION_HEADER_BYTES + state.length, HEADER_BYTES);
    const head = new Uint8Array(bytes);
    head.set(SNAPSHOT_MAGIC);
    new DataView(head.buffer).setUint32(SNAPSHOT_MAGIC.length, SNAPSHOT_VERSION, true);
    let at = HEADER_BYTES;
    for (const state of states) {
      head.set(sectionOf(SECTION_PART, state.length), at);
      head.set(state, at + SECTION_HEADER_BYTES);
      at += SECTION_HEADER_BYTES + state.length;
    }
    return head;
  }
}

/** The state of a part, with its name. */
export function saveState(part: SnapshotPart): Uint8Array {
  const to = new StateWriter();
  to.text(part.name);
  part.save(to);
  return to.toBytes();
}

/** Gives parts the states that `saveState` gave, one each. */
export function restoreParts(parts: readonly SnapshotPart[], states: readonly Uint8Array[]): void {
  parts.forEach((part, index) => {
    const from = new StateReader(part.name, states[index]);
    if (from.text() !== part.name) from.fail('it is of something else');
    part.restore(from);
    from.end();
  });
}

function ramSectionBytes(frames: number): number {
  return SECTION_HEADER_BYTES + FRAME_NUMBER_BYTES + frames * PAGE_SIZE;
}

function checkShape(shape: MachineShape, content: Uint8Array): void {
  const from = new StateReader('the machine', content);
  const count = from.u32();
  const differs = (what: string, here: string, there: string): never => {
    // What comes from outside may have any characters.
    const shown = JSON.stringify(there.slice(0, LONGEST_SHOWN));
    throw new SnapshotError(
      'other-machine',
      `${what} is ${JSON.stringify(here)} here, and ${shown} in the snapshot`,
    );
  };
  for (let index = 0; index < Math.min(count, shape.length); index++) {
    const [what, value] = shape[index];
    const [theirs, saved] = [from.text(), from.text()];
    if (theirs !== what) differs(`part ${index} of the machine`, what, theirs);
    if (saved !== value) differs(what, value, saved);
  }
  if (count !== shape.length) differs('the number of parts', String(shape.length), String(count));
  from.end();
}
