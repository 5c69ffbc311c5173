import { DEBUG_ACCESSES, DEBUG_INSTRUCTIONS } from '../memory-layout.js';
import { PAGE_SIZE } from '../mmu/pte.js';

/** How an address of a debugger is meant: as the hart translates it, or as it appears on the bus. */
export type AddressKind = 'virtual' | 'physical';

/** Stops before the instruction at an address. */
export interface Breakpoint {
  readonly kind: 'breakpoint';
  /** u64. A virtual one stops every hart that gets there, in whatever address space. */
  readonly address: bigint;
  readonly addressKind: AddressKind;
}

/** What a watchpoint stops at; `access` is either. */
export type WatchedAccess = 'read' | 'write' | 'access';

/** Stops after an instruction that touches `[address, address + bytes)`. */
export interface Watchpoint {
  readonly kind: 'watchpoint';
  /** u64. */
  readonly address: bigint;
  readonly bytes: number;
  readonly access: WatchedAccess;
  readonly addressKind: AddressKind;
}

const MARK_BYTES = 64;
const HALFWORDS = PAGE_SIZE / 2;

/** The breakpoints and watchpoints of a machine, and the marks that the debugging variant of the interpreter looks at. */
export class PointTable {
  readonly #instructions: Uint8Array;
  readonly #accesses: Uint32Array;
  readonly #breakpoints: Record<AddressKind, Map<bigint, Breakpoint>> = {
    virtual: new Map(),
    physical: new Map(),
  };
  readonly #watchpoints = new Set<Watchpoint>();
  #marksEverything = false;

  constructor(buffer: ArrayBufferLike) {
    this.#instructions = new Uint8Array(buffer, DEBUG_INSTRUCTIONS, HALFWORDS);
    this.#accesses = new Uint32Array(buffer, DEBUG_ACCESSES, 2);
    this.#mark();
  }

  get size(): number {
    return this.#breakpoints.virtual.size + this.#breakpoints.physical.size + this.#watchpoints.size;
  }

  get watchpoints(): ReadonlySet<Watchpoint> {
    return this.#watchpoints;
  }

  /** Whether any breakpoint or watchpoint is at a physical address. */
  get hasPhysicalBreakpoints(): boolean {
    return this.#breakpoints.physical.size !== 0;
  }

  breakpointAt(address: bigint, kind: AddressKind): Breakpoint | undefined {
    return this.#breakpoints[kind].get(address);
  }

  /** Whether every instruction and access is marked. */
  set marksEverything(all: boolean) {
    this.#marksEverything = all;
    this.#mark();
  }

  /** A breakpoint at an address that has one replaces it. */
  add(point: Breakpoint | Watchpoint): void {
    if (point.kind === 'breakpoint') this.#breakpoints[point.addressKind].set(point.address, point);
    else this.#watchpoints.add(point);
    this.#mark();
  }

  /** False when it was not there. */
  remove(point: Breakpoint | Watchpoint): boolean {
    const { kind, address, addressKind } = point;
    const removed =
      kind === 'watchpoint'
        ? this.#watchpoints.delete(point)
        : this.#breakpoints[addressKind].delete(address);
    this.#mark();
    return removed;
  }

  clear(): void {
    this.#breakpoints.virtual.clear();
    this.#breakpoints.physical.clear();
    this.#watchpoints.clear();
    this.#mark();
  }

  #mark(): void {
    this.#instructions.fill(this.#marksEverything ? 1 : 0);
    this.#accesses.fill(this.#marksEverything ? 0xffff_ffff : 0);
    if (this.#marksEverything) return;
    for (const map of [this.#breakpoints.virtual, this.#breakpoints.physical]) {
      for (const address of map.keys()) this.#instructions[Number(address % BigInt(PAGE_SIZE)) >>> 1] = 1;
    }
    for (const { address, bytes } of this.#watchpoints) {
      const first = Number(address % BigInt(PAGE_SIZE));
      const last = Math.min(first + bytes - 1, first + PAGE_SIZE - 1);
      for (let block = Math.floor(first / MARK_BYTES); block <= Math.floor(last / MARK_BYTES); block++) {
        this.#accesses[(block >>> 5) & 1] |= 1 << (block & 31);
      }
    }
  }
}
