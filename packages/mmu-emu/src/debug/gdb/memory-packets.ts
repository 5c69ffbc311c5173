/** The packets `m`, `M`, `x`, `X` and `qCRC`: memory as a hart sees it. */

import type { Hart } from '../../hart/hart.js';
import type { Debugger } from '../debugger.js';
import type { AddressKind } from '../points.js';
import { bytesOfHex, bytesOfText, countOfHex, hexOf, numberOfHex, textOf } from './hexadecimal.js';
import { ERROR_ADDRESS, ERROR_INVALID, OK } from './replies.js';

/** Bytes that one packet may ask for; more is cut, which GDB asks for again. */
const LONGEST_READ = 0x1000;
/** Bytes that a checksum may be asked of. */
const LONGEST_CHECK = 2 ** 30;
const CRC_PIECE = 0x1_0000;

/** Which memory is meant: through whose translation, or the bus. */
export interface MemoryView {
  readonly debug: Debugger;
  readonly hart: Hart;
  readonly addressKind: AddressKind;
}

interface Range {
  readonly address: bigint;
  readonly bytes: number;
}

function rangeOf(text: string): Range | undefined {
  const [start, length] = text.split(',');
  const [address, bytes] = [numberOfHex(start), countOfHex(length)];
  return address === undefined || bytes === undefined ? undefined : { address, bytes };
}

function read({ debug, hart, addressKind }: MemoryView, { address, bytes }: Range): Uint8Array | undefined {
  const found = debug.read(hart, address, Math.min(bytes, LONGEST_READ), addressKind);
  return found.length === 0 && bytes > 0 ? undefined : found;
}

/** `m`: in hexadecimal. */
export function readMemory(view: MemoryView, text: string): string {
  const range = rangeOf(text);
  if (range === undefined) return ERROR_INVALID;
  const found = read(view, range);
  return found === undefined ? ERROR_ADDRESS : hexOf(found);
}

/** `x`: as bytes. */
export function readBinary(view: MemoryView, text: string): string {
  const range = rangeOf(text);
  if (range === undefined) return ERROR_INVALID;
  const found = read(view, range);
  return found === undefined ? ERROR_ADDRESS : `b${textOf(found)}`;
}

/** `M`: the bytes in hexadecimal; `X`: as they are. Nothing is written unless all of it can be. */
export function writeMemory(view: MemoryView, text: string, form: 'hexadecimal' | 'binary'): string {
  const colon = text.indexOf(':');
  const range = rangeOf(text.slice(0, Math.max(colon, 0)));
  const content = text.slice(colon + 1);
  const bytes = form === 'binary' ? bytesOfText(content) : bytesOfHex(content);
  if (colon < 0 || range === undefined || bytes?.length !== range.bytes) return ERROR_INVALID;
  const { debug, hart, addressKind } = view;
  if (debug.read(hart, range.address, range.bytes, addressKind).length !== range.bytes) return ERROR_ADDRESS;
  debug.write(hart, range.address, bytes, addressKind);
  return OK;
}

/** `qCRC`: the CRC-32 of a range, most significant bit first, from all ones, not inverted. */
export function checkMemory(view: MemoryView, text: string): string {
  const range = rangeOf(text);
  if (range === undefined || range.bytes > LONGEST_CHECK) return ERROR_INVALID;
  const { debug, hart, addressKind } = view;
  let crc = 0xffff_ffff;
  for (let done = 0; done < range.bytes;) {
    const count = Math.min(CRC_PIECE, range.bytes - done);
    const piece = debug.read(hart, range.address + BigInt(done), count, addressKind);
    if (piece.length !== count) return ERROR_ADDRESS;
    for (const byte of piece) crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte];
    done += count;
  }
  return `C${(crc >>> 0).toString(16).padStart(8, '0')}`;
}

const CRC_POLYNOMIAL = 0x04c1_1db7;
const CRC_TABLE: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ CRC_POLYNOMIAL : value << 1;
  return value;
});
