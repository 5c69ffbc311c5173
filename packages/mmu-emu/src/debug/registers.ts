import { csrByName } from '../assembler/csr-names.js';
import { registerByName } from '../assembler/registers.js';
import type { Hart } from '../hart/hart.js';
import { MSTATUS_FS } from '../hart/mstatus.js';
import { HART_F, HART_MSTATUS, HART_PC, HART_PRIVILEGE, HART_X } from '../hart/state.js';

const COUNTERS: ReadonlySet<string> = new Set(['mcycle', 'minstret']);

/** Words of a register that is not a CSR. */
function wordOf(name: string): number | undefined {
  if (name === 'pc') return HART_PC;
  const register = registerByName(name);
  if (register === undefined) return undefined;
  return (register.file === 'x' ? HART_X : HART_F) + 2 * register.number;
}

/**
 * Value of a register of a hart that is not running, unsigned, 64 bits wide.
 *
 * @param name `pc`, `privilege`, an integer or floating-point register by ABI name or number, or a CSR by its name in
 * the manual. CSRs are read as machine mode reads them.
 * @returns undefined when there is no such register.
 */
export function readRegister(hart: Hart, name: string): bigint | undefined {
  const { state } = hart;
  if (name === 'privilege') return BigInt(state[HART_PRIVILEGE]);
  const word = wordOf(name);
  if (word !== undefined) return (BigInt(state[word + 1]) << 32n) | BigInt(state[word]);
  const csr = csrByName(name);
  return csr === undefined ? undefined : hart.readCsr(csr);
}

/**
 * Sets a register of a hart that is not running. A CSR keeps the bits that it has, as when machine mode writes it; what
 * depends on it (translation, interrupts, timers) follows. A floating-point register makes mstatus.FS Dirty, so that the guest
 * saves it, but where FS is Off it stays so: the guest does not use what is there.
 *
 * @param name as for `readRegister`; x0, the privilege and read-only CSRs cannot be set.
 * @param value its low 64 bits count.
 * @returns false when there is no such register, or it cannot be set.
 */
export function writeRegister(hart: Hart, name: string, value: bigint): boolean {
  const low = Number(BigInt.asUintN(32, value));
  const high = Number(BigInt.asUintN(32, value >> 32n));
  const word = wordOf(name);
  if (word === HART_X) return false;
  if (word !== undefined) {
    hart.state[word] = low;
    hart.state[word + 1] = high;
    if (word >= HART_F && word < HART_F + 64 && (hart.state[HART_MSTATUS] & MSTATUS_FS) !== 0) {
      hart.state[HART_MSTATUS] |= MSTATUS_FS;
    }
    return true;
  }
  const csr = csrByName(name);
  if (csr === undefined || !hart.writeCsr(csr, low, high)) return false;
  // The instruction that writes a counter is not counted; here there is none, so the counter would be one behind.
  const unsigned = BigInt.asUintN(64, value);
  if (COUNTERS.has(name) && hart.readCsr(csr) === BigInt.asUintN(64, unsigned - 1n)) {
    const next = BigInt.asUintN(64, unsigned + 1n);
    hart.writeCsr(csr, Number(next & 0xffff_ffffn), Number(next >> 32n));
  }
  return true;
}
