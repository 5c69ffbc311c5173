/**
 * Where a region's registers are, at the beginning of each of its nodes: in memory, in their locals, or in both.
 *
 * A register is *held* at a node when its local has its value there, and *dirty* when, besides, the hart's state may have
 * an older one. Whoever leaves the region writes the dirty ones. What a node reads before it writes it is held, and so is
 * what nodes behind it do; what nobody reads again goes to memory where ways meet, so that a loop carries round only what
 * it uses. A loop does not carry as dirty what it does not write: that is written before it.
 */

import { DISPATCHER } from './flow.js';
import type { Flow } from './flow.js';
import type { RegionBlock } from './region.js';
import { registersIn } from './register-set.js';
import type { RegisterSet } from './register-set.js';

/** Loops that use no more registers than this carry all of them: the host has registers for them. */
const MOST_CARRIED = 9;

/** What is held and dirty, by node. */
export interface RegisterPlan {
  /** At the beginning of a node. Those of the dispatcher are held at every entry. */
  held(node: number): RegisterSet;
  dirty(node: number): RegisterSet;
  /** At the end of a node. */
  heldAfter(node: number): RegisterSet;
  dirtyAfter(node: number): RegisterSet;
}

/**
 * Plans a region.
 *
 * @param blocks by node of the flow; null for those that have no instructions.
 * @param jumps whether a node ends by a jump to an address in a register, and where that probably leads.
 */
export function planRegisters(
  flow: Flow,
  blocks: readonly (RegionBlock | null)[],
  jumps: (node: number) => Jump | null,
): RegisterPlan {
  return new Planning(flow, blocks, jumps);
}

/**
 * A jump to an address in a register: to another entry, probably, as of a switch, or out of the region. Near ones find
 * everything held that entries need, others load it when they lead back all the same.
 */
export type Jump = 'near' | 'away';

/** Files of registers: x, then f. What is found out of one does not depend on the other. */
const FILES = 2;

/** A set for each node, of u32 with a bit a register: x at `FILES * node`, f behind it. */
type Sets = Int32Array;

class Planning implements RegisterPlan {
  readonly #flow: Flow;
  /** Whether the dispatcher leads to a node, and how it jumps. */
  readonly #isEntry: readonly boolean[];
  readonly #jumps: readonly (Jump | null)[];
  /** Read before it is written, written, live at the beginning, held, dirty. */
  readonly #reads: Sets;
  readonly #writes: Sets;
  readonly #live: Sets;
  readonly #held: Sets;
  readonly #dirty: Sets;
  /** Of nodes where loops begin: what the loop writes. */
  readonly #loopWrites: Sets;

  constructor(flow: Flow, blocks: readonly (RegionBlock | null)[], jumps: (node: number) => Jump | null) {
    this.#flow = flow;
    const entries = new Set(flow.successors[DISPATCHER]);
    this.#isEntry = blocks.map((_, node) => entries.has(node));
    this.#jumps = blocks.map((_, node) => jumps(node));
    const sets = (): Sets => new Int32Array(FILES * blocks.length);
    this.#reads = sets();
    this.#writes = sets();
    this.#live = sets();
    this.#dirty = sets();
    this.#loopWrites = sets();
    this.#findUses(blocks);
    this.#findLoops(blocks);
    this.#findLive();
    this.#held = this.#live.slice();
    this.#findDirty();
  }

  held(node: number): RegisterSet {
    return setAt(this.#held, node);
  }

  dirty(node: number): RegisterSet {
    return setAt(this.#dirty, node);
  }

  heldAfter(node: number): RegisterSet {
    return eitherAt(this.#held, this.#writes, node);
  }

  dirtyAfter(node: number): RegisterSet {
    return eitherAt(this.#dirty, this.#writes, node);
  }

  #findUses(blocks: readonly (RegionBlock | null)[]): void {
    const [reads, writes] = [this.#reads, this.#writes];
    for (let node = 0; node < blocks.length; node++) {
      const [x, f] = [FILES * node, FILES * node + 1];
      for (const instruction of blocks[node]?.instructions ?? []) {
        reads[x] |= instruction.reads.x & ~writes[x];
        reads[f] |= instruction.reads.f & ~writes[f];
        writes[x] |= instruction.writes.x;
        writes[f] |= instruction.writes.f;
      }
    }
  }

  /** What the nodes of each loop write; short of registers, it is also read there. */
  #findLoops(blocks: readonly (RegionBlock | null)[]): void {
    const [reads, loopWrites] = [this.#reads, this.#loopWrites];
    for (const header of this.#flow.sequence) {
      if (header === DISPATCHER || !this.#flow.isLoop(header)) continue;
      const used = { x: 0, f: 0 };
      const [x, f] = [FILES * header, FILES * header + 1];
      for (const node of this.#flow.loop(header)) {
        loopWrites[x] |= this.#writes[FILES * node];
        loopWrites[f] |= this.#writes[FILES * node + 1];
        for (const instruction of blocks[node]?.instructions ?? []) {
          used.x |= instruction.reads.x | instruction.writes.x;
          used.f |= instruction.reads.f | instruction.writes.f;
        }
      }
      if (registersIn(used) > MOST_CARRIED) continue;
      reads[x] |= loopWrites[x];
      reads[f] |= loopWrites[f];
    }
  }

  #findLive(): void {
    const live = this.#live;
    const { sequence, successors } = this.#flow;
    for (let changed = true; changed;) {
      changed = false;
      for (let place = sequence.length - 1; place >= 0; place--) {
        const node = sequence[place];
        for (let file = 0; file < FILES; file++) {
          const at = FILES * node + file;
          let after = this.#jumps[node] === 'near' ? live[FILES * DISPATCHER + file] : 0;
          for (const to of successors[node]) after |= live[FILES * to + file];
          let before = this.#reads[at] | (after & ~this.#writes[at]);
          if (this.#isEntry[node]) before |= live[FILES * DISPATCHER + file];
          if (before === live[at]) continue;
          live[at] = before;
          changed = true;
        }
      }
    }
  }

  #findDirty(): void {
    const dirty = this.#dirty;
    for (let changed = true; changed;) {
      changed = false;
      for (const node of this.#flow.sequence) {
        for (let file = 0; file < FILES; file++) {
          const at = FILES * node + file;
          const found = dirty[at] | this.#brought(node, file);
          if (found === dirty[at]) continue;
          dirty[at] = found;
          changed = true;
        }
      }
    }
  }

  /** What is dirty at the beginning of a node, by what is now known to be behind others. */
  #brought(node: number, file: number): number {
    const [flow, held, dirty, writes] = [this.#flow, this.#held, this.#dirty, this.#writes];
    const at = FILES * node + file;
    let found = 0;
    if (node === DISPATCHER) {
      for (const other of flow.sequence) {
        if (this.#jumps[other] !== null) found |= dirty[FILES * other + file] | writes[FILES * other + file];
      }
      return found & held[at];
    }
    for (const from of flow.predecessors[node])
      found |= dirty[FILES * from + file] | writes[FILES * from + file];
    if (!flow.isMerge(node) && !flow.isLoop(node)) {
      // One way in: what is dirty stays as it is, and may be written again before anybody must know.
      held[at] = this.#live[at] | found;
      return found;
    }
    found &= held[at];
    if (!flow.isLoop(node)) return found;
    // An entry has to take what the dispatcher brings.
    const brought = this.#isEntry[node] ? dirty[FILES * DISPATCHER + file] : 0;
    return found & (this.#loopWrites[at] | brought);
  }
}

const setAt = (sets: Sets, node: number): RegisterSet => ({
  x: sets[FILES * node],
  f: sets[FILES * node + 1],
});

const eitherAt = (a: Sets, b: Sets, node: number): RegisterSet => ({
  x: a[FILES * node] | b[FILES * node],
  f: a[FILES * node + 1] | b[FILES * node + 1],
});
