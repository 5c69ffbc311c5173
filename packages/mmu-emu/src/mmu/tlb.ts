/**
 * The translation look-aside buffer, in the machine's memory; WebAssembly fills it (translate.ts), chooses banks and
 * flushes (tlb-banks.ts).
 *
 * A bank holds the translations of one address space seen with one privilege: its key is satp and the MODE_* bits, so
 * that switching address spaces, or between user and supervisor, only chooses another bank. A hart has BANK_COUNT of
 * them; the one used longest ago is given away.
 *
 * A bank is three direct-mapped caches, for loads, stores and fetches, each an array of tags and one of where they lead:
 *
 * ```
 *   tag, 8 bytes:      i64 virtual page address, or -1
 *   target, 8 bytes:   i32 addend   i32 frame
 *   loads, stores:     host address = low 32 bits of the virtual address + addend
 *   fetches:           addend = address of the page's slot of decoded records; frame = the frame it must hold
 * ```
 *
 * The place of a page is its number and its number's bits from 9 up, added, modulo 512: the upper bits of a product, which
 * cost a look-up less than shifting and masking do.
 *
 * An entry exists only for what is allowed: a load entry for a readable page with A set, a store entry for a writable
 * one with A and D set. Where its frame had decoded code or was watched, a bit of the tag that no look-up has (TLB_STORE_TO_CODE)
 * leaves it to the slow way, which then knows the frame without a walk. All are frames of RAM.
 */

/** log2 of the entries of each array. */
export const TLB_ENTRY_BITS = 9;
/** Entries of each array. */
export const TLB_ENTRIES = 1 << TLB_ENTRY_BITS;
/** log2 of the bytes of a tag, and of a target. */
export const TLB_STEP_BITS = 3;
/** Offset of the targets from their tags. */
export const TLB_TARGETS = TLB_ENTRIES << TLB_STEP_BITS;
/** Offset of the tags of each cache in a bank. */
export const TLB_LOADS = 0;
export const TLB_STORES = 2 * TLB_TARGETS;
export const TLB_FETCHES = 4 * TLB_TARGETS;
/** In the tag of a store entry: the frame had decoded code, or was watched. No aligned address has a page with this bit. */
export const TLB_STORE_TO_CODE = 0x800;
/** The low 32 bits of a page's address times this have the page's place in the upper TLB_ENTRY_BITS. */
export const TLB_MULTIPLIER = (1 << (20 - TLB_ENTRY_BITS)) + (1 << (20 - 2 * TLB_ENTRY_BITS));
/** After the arrays: first and last byte of what superpages map, two u64. Pages of 64 KiB count as superpages. */
export const BANK_SUPERPAGES = 6 * TLB_TARGETS;
/** Then what the bank is for, satp as u64 and MODE_* bits as u32; and when it was last chosen, a u64 that is 0 for a free one. */
export const BANK_SATP = BANK_SUPERPAGES + 16;
export const BANK_MODE = BANK_SUPERPAGES + 24;
export const BANK_LAST_USE = BANK_SUPERPAGES + 32;
export const BANK_BYTES = BANK_SUPERPAGES + 64;
export const BANK_COUNT = 16;

const ARRAY_WORDS = TLB_TARGETS / 4;
const NO_TAG = 0xffff_ffff;

/**
 * Forgets the store entries that reach a frame.
 * @param words the machine's memory. @param firstBank byte address of a hart's banks. @param hostAddress of the frame's
 * first byte.
 */
export function dropStoreEntries(words: Uint32Array, firstBank: number, hostAddress: number): void {
  for (let bank = 0; bank < BANK_COUNT; bank++) {
    const address = firstBank + bank * BANK_BYTES;
    const lastUse = (address + BANK_LAST_USE) >>> 2;
    if (words[lastUse] === 0 && words[lastUse + 1] === 0) continue;
    const first = (address + TLB_STORES) >>> 2;
    for (let at = first; at < first + ARRAY_WORDS; at += 2) {
      const addend = words[at + ARRAY_WORDS];
      if ((words[at] + addend) >>> 0 === hostAddress && (words[at] & 1) === 0) {
        words[at] = NO_TAG;
        words[at + 1] = NO_TAG;
      }
    }
  }
}
