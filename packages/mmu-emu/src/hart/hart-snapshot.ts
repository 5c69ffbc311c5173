/** Which words of a hart's state are saved, and what they may be when they come back. */

import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import { PRIVILEGE_MACHINE, PRIVILEGE_SUPERVISOR } from './causes.js';
import { ALL_INTERRUPTS, DELEGABLE_EXCEPTIONS, ENVCFG_CBIE, ENVCFG_LOW, EXTERNAL_INTERRUPT, MENVCFG_HIGH, SUPERVISOR_INTERRUPTS } from './csr-table.js'; // prettier-ignore
import { MSTATUS_MASK, MSTATUS_MPP } from './mstatus.js';
import { CONTEXT_WORDS, HART_CAUSE, HART_CSR, HART_EXTERNAL_PIN, HART_EXTERNAL_SOFTWARE, HART_FCSR, HART_FUTILE_TRAPS, HART_LAST_TRAP, HART_MEDELEG, HART_MENVCFG, HART_MEPC, HART_MIDELEG, HART_MIE, HART_MIP, HART_MSTATUS, HART_MTVEC, HART_PC, HART_PMP_ADDRESS, HART_PMP_CONFIGURATION, HART_PRIVILEGE, HART_SATP, HART_SENVCFG, HART_SEPC, HART_SLICE_END, HART_STIMECMP, HART_STVEC, HART_TVAL, HART_WAITS, HART_WAIT_PC, HART_X, STATE_WORDS } from './state.js'; // prettier-ignore

/**
 * First word and number of words, each. What is left out is computed anew (translation, TLB banks, the list of PMP), lives
 * only while an instruction runs, or counts what the translator did.
 */
const SAVED_WORDS: readonly (readonly [first: number, count: number])[] = [
  [HART_PC, CONTEXT_WORDS],
  [HART_CAUSE, 1],
  [HART_TVAL, 2],
  [HART_PRIVILEGE, 1],
  [HART_CSR, HART_STIMECMP + 2 - HART_CSR],
  [HART_PMP_CONFIGURATION, 4],
  [HART_PMP_ADDRESS, 32],
  [HART_EXTERNAL_PIN, 1],
  [HART_EXTERNAL_SOFTWARE, 1],
  [HART_SLICE_END, 2],
  [HART_LAST_TRAP, 2],
  [HART_FUTILE_TRAPS, 1],
  [HART_WAITS, 1],
  [HART_WAIT_PC, 2],
];

/** Counts of instructions are exact below 2^53. */
const COUNT_HIGH = 0x1f_ffff;
const [SATP_MODE_SHIFT, SATP_MODE_BARE, SATP_MODE_SV39, SATP_MODE_SV57] = [28, 0, 8, 10];
const [TVEC_MODE, TVEC_VECTORED] = [3, 1];
const CBIE_RESERVED = 2 << 4;
/** No address of an instruction has the lowest bit. */
const EVEN = 0xffff_fffe;
/** Words that have bits which no write sets: those that they may have. */
const POSSIBLE: readonly (readonly [word: number, bits: number])[] = [
  [HART_X, 0],
  [HART_X + 1, 0],
  [HART_FCSR, 0xff],
  [HART_MSTATUS, MSTATUS_MASK],
  [HART_MSTATUS + 1, 0],
  [HART_MEDELEG, DELEGABLE_EXCEPTIONS],
  [HART_MIDELEG, SUPERVISOR_INTERRUPTS],
  [HART_MIE, ALL_INTERRUPTS],
  [HART_MIP, ALL_INTERRUPTS],
  [HART_MEPC, EVEN],
  [HART_SEPC, EVEN],
  [HART_MENVCFG, ENVCFG_LOW],
  [HART_MENVCFG + 1, MENVCFG_HIGH],
  [HART_SENVCFG, ENVCFG_LOW],
  [HART_EXTERNAL_PIN, EXTERNAL_INTERRUPT],
  [HART_EXTERNAL_SOFTWARE, EXTERNAL_INTERRUPT],
  [HART_SLICE_END + 1, COUNT_HIGH],
  [HART_WAITS, 1],
];

/** Writes the words of a hart that does not run. */
export function saveWords(state: Uint32Array, to: StateWriter): void {
  for (const [first, count] of SAVED_WORDS) to.words(state.subarray(first, first + count));
}

/** Reads them, and changes the state only when all of them may be. */
export function restoreWords(state: Uint32Array, from: StateReader): void {
  const words = new Uint32Array(STATE_WORDS);
  for (const [first, count] of SAVED_WORDS) from.words(words.subarray(first, first + count));
  for (const [word, bits] of POSSIBLE) {
    if (words[word] & ~bits) from.fail('a register has bits that it cannot have');
  }
  const privilege = words[HART_PRIVILEGE];
  const satpMode = words[HART_SATP + 1] >>> SATP_MODE_SHIFT;
  const isTranslated = satpMode >= SATP_MODE_SV39 && satpMode <= SATP_MODE_SV57;
  const good =
    (privilege <= PRIVILEGE_SUPERVISOR || privilege === PRIVILEGE_MACHINE) &&
    (words[HART_MSTATUS] & MSTATUS_MPP) !== 2 << 11 &&
    (satpMode === SATP_MODE_BARE || isTranslated) &&
    [HART_MTVEC, HART_STVEC].every((word) => (words[word] & TVEC_MODE) <= TVEC_VECTORED) &&
    [HART_MENVCFG, HART_SENVCFG].every((word) => (words[word] & ENVCFG_CBIE) !== CBIE_RESERVED);
  if (!good) from.fail('a register has a value that it cannot have');
  for (const [first, count] of SAVED_WORDS) state.set(words.subarray(first, first + count), first);
}
