/**
 * Where a region's registers are, at the beginning of each of its nodes: in memory, in their locals, or in both.
 *
 * A register is *held* at a node when its local has its value there, and *dirty* when, besides, the hart's state may have
 * an older one. Whoever leaves the region writes the dirty ones. What a node reads before it writes it is held, and so is
 * what nodes behind it do; what nobody reads again goes to memory where ways meet, so that a loop carries round only what
 * it uses. A loop does not carry as dirty what it does not write: that is written before it.
 *
 * Sets of registers are pairs of u32, a bit a register: x at `2 * node`, f at `2 * node + 1`.
 */

import { HART_F, HART_X } from '../hart/state.js';
import { DISPATCHER } from './flow.js';
import type { Flow } from './flow.js';
import type { RegionBlock, RegionInstruction } from './region.js';

/** Loops that use no more registers than this carry all of them: the host has registers for them. */
const MOST_CARRIED = 9;

/** A set of registers. */
export interface RegisterSet {
  readonly x: number;
  readonly f: number;
}

/** No register. */
export const NO_REGISTERS: RegisterSet = { x: 0, f: 0 };

/** Those of either. */
export const union = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x | b.x, f: a.f | b.f });
/** Those of the first that the second has not. */
export const without = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x & ~b.x, f: a.f & ~b.f });
const both = (a: RegisterSet, b: RegisterSet): RegisterSet => ({ x: a.x & b.x, f: a.f & b.f });
/** Whether two sets are the same. */
export const same = (a: RegisterSet, b: RegisterSet): boolean => a.x === b.x && a.f === b.f;

/** The words of the hart's state that a set's registers have. */
export function wordsOf({ x, f }: RegisterSet): number[] {
  const out: number[] = [];
  for (let index = 0; index < 32; index += 1) {
    if ((x >>> index) & 1) out.push(HART_X + 2 * index);
    if ((f >>> index) & 1) out.push(HART_F + 2 * index);
  }
  return out;
}

/** Registers that an instruction reads; x0 is none. */
export function readsOf(instruction: RegionInstruction): RegisterSet {
  let [x, f] = [0, 0];
  for (const name of instruction.shape.reads) {
    if (name === 'rs1' || name === 'rs2') x |= 1 << instruction[name];
    else if (name === 'frs1') f |= 1 << instruction.rs1;
    else if (name === 'frs2') f |= 1 << instruction.rs2;
    else if (name === 'frs3') f |= 1 << instruction.rs3;
  }
  return { x: x & ~1, f };
}

/** The register that an instruction writes, if it writes one. */
export function writesOf({ shape, rd }: RegionInstruction): RegisterSet {
  return { x: shape.writes === 'x' ? (1 << rd) & ~1 : 0, f: shape.writes === 'f' ? 1 << rd : 0 };
}

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

class Planning implements RegisterPlan {
  readonly #flow: Flow;
  readonly #jumps: (node: number) => Jump | null;
  /** By node: read before it is written, written, live at the beginning, held, dirty. */
  readonly #reads: RegisterSet[];
  readonly #writes: RegisterSet[];
  readonly #live: RegisterSet[];
  readonly #held: RegisterSet[];
  readonly #dirty: RegisterSet[];
  readonly #predecessors: number[][];
  /** Of nodes where loops begin: what the loop writes. */
  readonly #loopWrites = new Map<number, RegisterSet>();

  constructor(flow: Flow, blocks: readonly (RegionBlock | null)[], jumps: (node: number) => Jump | null) {
    this.#flow = flow;
    this.#jumps = jumps;
    this.#writes = blocks.map((block) =>
      (block?.instructions ?? []).map(writesOf).reduce(union, NO_REGISTERS),
    );
    this.#reads = blocks.map((block) => {
      let [read, written] = [NO_REGISTERS, NO_REGISTERS];
      for (const instruction of block?.instructions ?? []) {
        read = union(read, without(readsOf(instruction), written));
        written = union(written, writesOf(instruction));
      }
      return read;
    });
    this.#predecessors = flow.successors.map(() => []);
    for (const from of flow.sequence) {
      for (const to of flow.successors[from]) this.#predecessors[to].push(from);
    }
    this.#findLoops(blocks);
    this.#live = blocks.map(() => NO_REGISTERS);
    this.#findLive();
    this.#held = [...this.#live];
    this.#dirty = blocks.map(() => NO_REGISTERS);
    this.#findDirty();
  }

  held(node: number): RegisterSet {
    return this.#held[node];
  }

  dirty(node: number): RegisterSet {
    return this.#dirty[node];
  }

  heldAfter(node: number): RegisterSet {
    return union(this.#held[node], this.#writes[node]);
  }

  dirtyAfter(node: number): RegisterSet {
    return union(this.#dirty[node], this.#writes[node]);
  }

  #isEntry(node: number): boolean {
    return this.#flow.successors[DISPATCHER].includes(node);
  }

  /** What the nodes of each loop write; short of registers, it is also read there. */
  #findLoops(blocks: readonly (RegionBlock | null)[]): void {
    const flow = this.#flow;
    for (const header of flow.sequence) {
      if (header === DISPATCHER || !flow.isLoop(header)) continue;
      const nodes = [...flow.loop(header)];
      const written = nodes.map((node) => this.#writes[node]).reduce(union);
      this.#loopWrites.set(header, written);
      const used = nodes
        .flatMap((node) => blocks[node]?.instructions ?? [])
        .map((instruction) => union(readsOf(instruction), writesOf(instruction)))
        .reduce(union);
      if (wordsOf(used).length <= MOST_CARRIED) {
        this.#reads[header] = union(this.#reads[header], written);
      }
    }
  }

  #findLive(): void {
    const live = this.#live;
    const backwards = [...this.#flow.sequence].reverse();
    for (let changed = true; changed;) {
      changed = false;
      for (const node of backwards) {
        let after = this.#flow.successors[node].map((to) => live[to]).reduce(union, NO_REGISTERS);
        if (this.#jumps(node) === 'near') after = union(after, live[DISPATCHER]);
        let before = union(this.#reads[node], without(after, this.#writes[node]));
        if (this.#isEntry(node)) before = union(before, live[DISPATCHER]);
        if (same(before, live[node])) continue;
        live[node] = before;
        changed = true;
      }
    }
  }

  #findDirty(): void {
    const [flow, held, dirty] = [this.#flow, this.#held, this.#dirty];
    for (let changed = true; changed;) {
      changed = false;
      for (const node of flow.sequence) {
        const from = this.#predecessors[node];
        let found: RegisterSet;
        if (node === DISPATCHER) {
          found = flow.sequence
            .filter((other) => this.#jumps(other) !== null)
            .map((other) => both(this.dirtyAfter(other), held[node]))
            .reduce(union, NO_REGISTERS);
        } else if (flow.isMerge(node) || flow.isLoop(node)) {
          found = from.map((other) => both(this.dirtyAfter(other), held[node])).reduce(union, NO_REGISTERS);
          const written = this.#loopWrites.get(node);
          // An entry has to take what the dispatcher brings.
          const brought = this.#isEntry(node) ? dirty[DISPATCHER] : NO_REGISTERS;
          if (written !== undefined) found = both(found, union(written, brought));
        } else {
          // One way in: what is dirty stays as it is, and may be written again before anybody must know.
          found = from.map((other) => this.dirtyAfter(other)).reduce(union, NO_REGISTERS);
          held[node] = union(this.#live[node], found);
        }
        if (same(found, dirty[node])) continue;
        dirty[node] = union(found, dirty[node]);
        changed = true;
      }
    }
  }
}
