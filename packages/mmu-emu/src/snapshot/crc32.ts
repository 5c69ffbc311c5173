/** CRC-32 with the polynomial of Ethernet, four bytes a step. @see IEEE 802.3, "Frame Check Sequence (FCS) field" */

const POLYNOMIAL = 0xedb8_8320;

/** Four tables of 256: what a byte does to the checksum when 0, 1, 2 or 3 bytes follow it. */
const TABLES = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    tables[byte] = value;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256];
    tables[at] = (before >>> 8) ^ tables[before & 255];
  }
  return tables;
}

/** The checksum of all bytes so far, given that of those before; it begins with 0. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  const steps = bytes.length & ~3;
  let at = 0;
  for (; at < steps; at += 4) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc =
      TABLES[768 + (crc & 255)] ^
      TABLES[512 + ((crc >>> 8) & 255)] ^
      TABLES[256 + ((crc >>> 16) & 255)] ^
      TABLES[crc >>> 24];
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLES[(crc ^ bytes[at]) & 255];
  return ~crc >>> 0;
}
