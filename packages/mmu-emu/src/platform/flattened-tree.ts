/**
 * Writes flattened device trees.
 *
 * @see Devicetree Specification, "Flattened Devicetree (DTB) Format"
 */

/**
 * Value of a property: nothing (it is there or not), text (several end in a NUL each), 32-bit cells, or bytes as they are.
 */
export type TreeValue = true | string | readonly string[] | readonly number[] | Uint8Array;

/** A node of a device tree. */
export interface TreeNode {
  /** With the unit address, e.g. `serial@10000000`; the root's is empty. */
  readonly name: string;
  readonly properties: Readonly<Record<string, TreeValue>>;
  readonly children?: readonly TreeNode[];
}

const MAGIC = 0xd00d_feed;
const VERSION = 17;
const LAST_COMPATIBLE = 16;
const HEADER_BYTES = 40;
/** One empty entry: nothing is reserved. */
const RESERVATION_BYTES = 16;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const END = 9;

/** Bytes that grow, with 32-bit numbers that are big-endian. */
class Bytes {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  word(value: number): void {
    this.#bytes.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  }

  /** Bytes, then zeros up to a multiple of 4. */
  padded(bytes: Uint8Array): void {
    for (const byte of bytes) this.#bytes.push(byte);
    while (this.#bytes.length % 4 !== 0) this.#bytes.push(0);
  }

  raw(bytes: Uint8Array): void {
    for (const byte of bytes) this.#bytes.push(byte);
  }

  toArray(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** The two cells of a 64-bit number below 2^53. */
export function cells(value: number): readonly [number, number] {
  return [Math.floor(value / 2 ** 32), value % 2 ** 32];
}

/**
 * The flattened tree.
 *
 * @param root its name is empty.
 * @param bootHart number of the hart that the boot begins on.
 */
export function flattenTree(root: TreeNode, bootHart = 0): Uint8Array {
  const structure = new Bytes();
  const strings = new Bytes();
  const offsets = new Map<string, number>();
  const offsetOf = (name: string): number => {
    let offset = offsets.get(name);
    if (offset === undefined) {
      offset = strings.length;
      offsets.set(name, offset);
      strings.raw(terminated(name));
    }
    return offset;
  };
  const write = ({ name, properties, children = [] }: TreeNode): void => {
    structure.word(BEGIN_NODE);
    structure.padded(terminated(name));
    for (const [key, value] of Object.entries(properties)) {
      const bytes = valueBytes(value);
      structure.word(PROPERTY);
      structure.word(bytes.length);
      structure.word(offsetOf(key));
      structure.padded(bytes);
    }
    for (const child of children) write(child);
    structure.word(END_NODE);
  };
  write(root);
  structure.word(END);

  const structureAt = HEADER_BYTES + RESERVATION_BYTES;
  const stringsAt = structureAt + structure.length;
  const result = new Bytes();
  for (const word of [
    MAGIC,
    stringsAt + strings.length,
    structureAt,
    stringsAt,
    HEADER_BYTES,
    VERSION,
    LAST_COMPATIBLE,
    bootHart,
    strings.length,
    structure.length,
  ]) {
    result.word(word);
  }
  result.raw(new Uint8Array(RESERVATION_BYTES));
  result.raw(structure.toArray());
  result.raw(strings.toArray());
  return result.toArray();
}

function terminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

function valueBytes(value: TreeValue): Uint8Array {
  if (value === true) return new Uint8Array();
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return terminated(value);
  const bytes = new Bytes();
  for (const item of value) {
    if (typeof item === 'number') bytes.word(item);
    else bytes.raw(terminated(item));
  }
  return bytes.toArray();
}
