/**
 * Physical memory protection, written from the manual for tests alone: sixteen entries, addresses as bigints, nothing kept
 * but the registers.
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Physical Memory Protection"
 */

export const PMP_R = 1;
export const PMP_W = 2;
export const PMP_X = 4;
const L = 0x80;
const ENTRIES = 16;
/** The A field. */
const OFF = 0;
const TOR = 1;
const NA4 = 2;

const matching = (configuration: number): number => (configuration >> 3) & 3;

/** The registers, and who may do what. */
export class PmpModel {
  /** pmpcfg of each entry. */
  readonly configuration: number[] = new Array<number>(ENTRIES).fill(0);
  /** pmpaddr of each entry: bits 55 to 2 of an address. */
  readonly address: bigint[] = new Array<bigint>(ENTRIES).fill(0n);

  /** A write of pmpcfg0 (`first` 0) or pmpcfg2 (`first` 8). Locked entries ignore it; W without R is reserved. */
  writeConfiguration(first: number, value: bigint): void {
    for (let i = 0; i < 8; i++) {
      if (this.configuration[first + i] & L) continue;
      const byte = Number((value >> BigInt(8 * i)) & 0x9fn);
      this.configuration[first + i] = (byte & (PMP_R | PMP_W)) === PMP_W ? byte & ~PMP_W : byte;
    }
  }

  /** A write of pmpaddr. A locked entry ignores it, and so does the base of a locked range. */
  writeAddress(entry: number, value: bigint): void {
    const next = this.configuration[entry + 1] ?? 0;
    if (this.configuration[entry] & L || (next & L && matching(next) === TOR)) return;
    this.address[entry] = BigInt.asUintN(54, value);
  }

  /** First byte of an entry's range, and the one after its last; undefined when it matches nothing. */
  #range(entry: number): readonly [bigint, bigint] | undefined {
    const address = this.address[entry];
    switch (matching(this.configuration[entry])) {
      case OFF:
        return undefined;
      case TOR:
        return [(entry === 0 ? 0n : this.address[entry - 1]) << 2n, address << 2n];
      case NA4:
        return [address << 2n, (address << 2n) + 4n];
      default: {
        let ones = 0n;
        while ((address >> ones) & 1n) ones++;
        const size = 8n << ones;
        const base = (address << 2n) & ~(size - 1n);
        return [base, base + size];
      }
    }
  }

  /**
   * Whether an access may be made: the entry of the lowest number that matches any of its bytes decides, and must match all
   * of them.
   *
   * @param need of PMP_R, PMP_W and PMP_X.
   */
  allows(first: bigint, bytes: bigint, need: number, isMachine: boolean): boolean {
    for (let entry = 0; entry < ENTRIES; entry++) {
      const range = this.#range(entry);
      if (range === undefined || range[0] >= first + bytes || range[1] <= first || range[0] >= range[1])
        continue;
      if (first < range[0] || first + bytes > range[1]) return false;
      const configuration = this.configuration[entry];
      return (isMachine && !(configuration & L)) || (configuration & need) === need;
    }
    return isMachine;
  }
}
