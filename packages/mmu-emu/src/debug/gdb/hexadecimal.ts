/** Numbers and bytes as GDB's remote protocol writes them. */

/** Two digits a byte. */
export function hexOf(bytes: Iterable<number>): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

/** Bytes of an even number of digits; undefined for anything else. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let at = 0; at < out.length; at++) out[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return out;
}

/** 64 bits in the order of memory. */
export function hexOfRegister(value: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, value), true);
  return hexOf(new Uint8Array(view.buffer));
}

/** The value of 16 digits in the order of memory; undefined for anything else. */
export function registerOfHex(text: string): bigint | undefined {
  const bytes = text.length === 16 ? bytesOfHex(text) : undefined;
  return bytes === undefined ? undefined : new DataView(bytes.buffer).getBigUint64(0, true);
}

/** A number, most significant digit first, of at most 16 digits; undefined for anything else. */
export function numberOfHex(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** A count or length, below 2^32. */
export function countOfHex(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** One character a byte. */
export function textOf(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += String.fromCharCode(byte);
  return out;
}

/** One byte a character; of others than the first 256 the low bits. */
export function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
