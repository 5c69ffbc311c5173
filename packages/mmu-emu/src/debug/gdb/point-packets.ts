/** The packets `Z` and `z`: breakpoints and watchpoints by virtual address. */

import type { Debugger } from '../debugger.js';
import type { Breakpoint, WatchedAccess, Watchpoint } from '../points.js';
import { countOfHex, numberOfHex } from './hexadecimal.js';
import { ERROR_INVALID, OK, UNSUPPORTED } from './replies.js';

/** By the digit of the packet. */
const KINDS: ReadonlyMap<string, 'breakpoint' | WatchedAccess> = new Map([
  ['0', 'breakpoint'],
  ['1', 'breakpoint'],
  ['2', 'write'],
  ['3', 'read'],
  ['4', 'access'],
]);

/** What a client has set. */
export class ClientPoints {
  readonly #debug: Debugger;
  readonly #points = new Map<string, Breakpoint | Watchpoint>();

  constructor(debug: Debugger) {
    this.#debug = debug;
  }

  /** Sets or takes away what a packet says; doing either twice is as once. */
  change(text: string, set: boolean): string {
    // Conditions and commands may follow after semicolons; they are not announced, so none should.
    const [type, start, length] = text.split(';')[0].split(',');
    const kind = KINDS.get(type);
    if (kind === undefined) return UNSUPPORTED;
    const [address, bytes] = [numberOfHex(start), countOfHex(length)];
    if (address === undefined || bytes === undefined || (kind !== 'breakpoint' && bytes === 0)) {
      return ERROR_INVALID;
    }
    const key = kind === 'breakpoint' ? `breakpoint ${address}` : `${kind} ${address} ${bytes}`;
    const known = this.#points.get(key);
    if (set && known === undefined) {
      this.#points.set(
        key,
        kind === 'breakpoint'
          ? this.#debug.addBreakpoint(address)
          : this.#debug.addWatchpoint(address, bytes, kind),
      );
    } else if (!set && known !== undefined) {
      this.#debug.remove(known);
      this.#points.delete(key);
    }
    return OK;
  }

  hasBreakpoint(address: bigint): boolean {
    return this.#points.has(`breakpoint ${address}`);
  }

  clear(): void {
    for (const point of this.#points.values()) this.#debug.remove(point);
    this.#points.clear();
  }
}
