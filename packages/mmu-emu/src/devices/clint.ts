import type { Device } from '../bus/bus.js';
import { AclintMswi, AclintMtimer } from './aclint.js';

/** Where QEMU's `virt` machine and SiFive's boards have the CLINT. */
export const CLINT_BASE = 0x200_0000;
/** Size of its window. */
export const CLINT_BYTES = 0x1_0000;

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;

/**
 * The devices of a SiFive core-local interruptor: msip of hart i at 4 i, mtimecmp of hart i at 0x4000 + 8 i, mtime at
 * 0xbff8. It is an ACLINT with MSWI and MTIMER one behind the other. After a reset, mtimecmp has all bits set, so that
 * no timer interrupt is pending.
 *
 * @param base physical address; default {@link CLINT_BASE}.
 * @see SiFive FU540-C000 Manual, "Core Local Interruptor (CLINT)"
 */
export function makeClint(base = CLINT_BASE): readonly Device[] {
  return [new AclintMswi(base), ...new AclintMtimer(base + MTIME, base + MTIMECMP).devices];
}
