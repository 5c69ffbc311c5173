/**
 * The bytes of a snapshot, little-endian:
 *
 * ```
 *   8 bytes "FLTLSNAP"   u32 version
 *   sections:            u32 kind   u32 bytes of what follows
 *     part (1)           u32 length and UTF-8 name, then the part's own values; the first part is the machine's shape
 *     RAM (2)            u32 first frame, then whole frames, at most 64; frames that are left out are zero
 *     end (3)            u32 CRC-32 of everything before this number
 * ```
 *
 * Parts come first, in the machine's order; then RAM, by rising frame; then the end, and nothing behind it. A part's values
 * are those of this version: what changes them makes a new version.
 */

/** "FLTLSNAP". */
export const SNAPSHOT_MAGIC = Uint8Array.of(0x46, 0x4c, 0x54, 0x4c, 0x53, 0x4e, 0x41, 0x50);
/** Changes whenever a part saves other values. */
export const SNAPSHOT_VERSION = 1;
/** Magic and version. */
export const HEADER_BYTES = 12;
/** Kind and length of a section. */
export const SECTION_HEADER_BYTES = 8;
export const SECTION_PART = 1;
export const SECTION_RAM = 2;
export const SECTION_END = 3;
/** Most frames of one section of RAM. */
export const SECTION_FRAMES = 64;
/** Bytes of the end's content. */
export const END_BYTES = 4;

/** A section's header in front of what is to be written behind it. */
export function sectionOf(kind: number, contentBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SECTION_HEADER_BYTES + contentBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind, true);
  view.setUint32(4, contentBytes, true);
  return bytes;
}
