/**
 * Accesses that share a look-up in the TLB: those at constant distances from each other, as of fields of a structure or the
 * slots of a stack frame.
 *
 * The first of a group, its *leader*, looks up the page that it is in, and finds out whether all others are in it too; then
 * each of them is one load or store at a constant offset from the host address of the group's beginning. Nothing in a region
 * changes the TLB, so what a look-up has found stays true until the region is left.
 *
 * Loads share with loads, and stores with stores: the TLB may know a page for one and not for the other, or, as long as the
 * guest has not fenced a change, other frames for each. Every access finds what it would find alone.
 *
 * Every way to an access leads through its leader: they are in one block, or in blocks with one way in that follow from it,
 * without a loop between them. Where the group reaches over the end of the page, the region is left at the leader.
 */

import type { Value } from '../isa/semantics.js';
import { DISPATCHER } from './flow.js';
import type { RegionGraph } from './region-graph.js';
import type { RegionInstruction } from './region.js';
import { isAccess } from './shape.js';
import type { Access } from './shape.js';

/** Bytes that a group may reach over: the more, the more often it is in two pages. */
const MOST_BYTES = 512;
/** Groups that are looked through for one that an access fits. */
const MOST_OPEN = 8;

/** Some accesses. Offsets are from a value that does not change. */
export interface AccessGroup {
  /** Whether they store, or load. */
  readonly stores: boolean;
  /** Offset of the first byte, aligned as `width` is, and one past the last byte. */
  readonly start: number;
  readonly end: number;
  /** Of the widest, in bytes. */
  readonly width: number;
  /** Number among the groups that are open at once. */
  readonly number: number;
}

/** An access of a group. */
export interface GroupedAccess {
  readonly group: AccessGroup;
  readonly leads: boolean;
  /** Bytes from the beginning of the group. */
  readonly offset: number;
}

/** Grouped accesses of a node by the index of their instruction; the others are absent. */
export type AccessesOfNode = ReadonlyMap<number, GroupedAccess>;

/** A value as a sum: what it is relative to, and how far. */
interface Linear {
  readonly root: number;
  readonly offset: number;
}

/** What constants, and what is relative to the pc, are relative to. */
const ZERO = 0;
const PAGE = 1;

class OpenGroup implements AccessGroup {
  readonly root: number;
  readonly node: number;
  readonly members: { readonly node: number; readonly index: number; readonly offset: number }[] = [];
  readonly stores: boolean;
  first: number;
  end: number;
  width: number;
  number = 0;
  /** Offset of one of the widest. */
  #anchor: number;

  constructor(root: number, node: number, offset: number, { kind, width }: Access) {
    this.root = root;
    this.node = node;
    this.stores = kind !== 'load';
    this.first = offset;
    this.end = offset + width;
    this.width = width;
    this.#anchor = offset;
  }

  get start(): number {
    return this.first - ((((this.first - this.#anchor) % this.width) + this.width) % this.width);
  }

  /** Whether an access of a node can be one of the group; then it is. */
  take(root: number, node: number, index: number, offset: number, { kind, width }: Access): boolean {
    if (root !== this.root || (kind !== 'load') !== this.stores) return false;
    if ((offset - this.#anchor) % Math.min(width, this.width) !== 0) return false;
    // Elsewhere than in the leader's block it may never be reached: it must not ask for more than the leader does.
    if (node !== this.node && width > this.width) return false;
    const [first, end] = [Math.min(this.first, offset), Math.max(this.end, offset + width)];
    if (end - first > MOST_BYTES) return false;
    [this.first, this.end] = [first, end];
    if (width > this.width) [this.width, this.#anchor] = [width, offset];
    this.members.push({ node, index, offset });
    return true;
  }
}

class Grouping {
  readonly #graph: RegionGraph;
  readonly #found: Map<number, GroupedAccess>[];
  #nextRoot = PAGE + 1;
  /** All groups since the last node that several ways lead to. */
  #groups: OpenGroup[] = [];

  constructor(graph: RegionGraph) {
    this.#graph = graph;
    this.#found = graph.blocks.map(() => new Map<number, GroupedAccess>());
  }

  run(): readonly AccessesOfNode[] {
    for (const node of this.#graph.flow.sequence) {
      if (node === DISPATCHER || !this.#begins(node)) continue;
      this.#groups = [];
      const values = Array.from({ length: 32 }, (_, x) => (x === 0 ? constant(0) : this.#unknown()));
      this.#follow(node, values, []);
      this.#number();
    }
    return this.#found;
  }

  /** Whether nothing is known where a node begins. */
  #begins(node: number): boolean {
    return this.#graph.flow.isMerge(node) || this.#graph.flow.isLoop(node);
  }

  #unknown(): Linear {
    return { root: this.#nextRoot++, offset: 0 };
  }

  /** @param values of registers. @param open the groups that lead here, the newest last. Both are the node's own. */
  #follow(node: number, values: Linear[], open: OpenGroup[]): void {
    this.#graph.blocks[node]?.instructions.forEach((instruction, index) => {
      for (const statement of instruction.shape.description.statements) {
        if (isAccess(statement)) {
          const address = linear(statement.address, instruction, values);
          if (address !== null) this.#place(node, index, address, statement, open);
        } else if (statement.kind === 'writeRd' && instruction.rd !== 0) {
          values[instruction.rd] = linear(statement.value, instruction, values) ?? this.#unknown();
        }
      }
    });
    for (const child of this.#graph.flow.children(node)) {
      if (!this.#begins(child)) this.#follow(child, [...values], [...open]);
    }
  }

  #place(node: number, index: number, { root, offset }: Linear, access: Access, open: OpenGroup[]): void {
    for (let at = open.length - 1; at >= Math.max(0, open.length - MOST_OPEN); at -= 1) {
      if (open[at].take(root, node, index, offset, access)) return;
    }
    const group = new OpenGroup(root, node, offset, access);
    group.take(root, node, index, offset, access);
    open.push(group);
    this.#groups.push(group);
  }

  /** Groups of more than one become what is found. */
  #number(): void {
    let number = 0;
    for (const group of this.#groups) {
      if (group.members.length < 2) continue;
      group.number = number++;
      group.members.forEach(({ node, index, offset }, at) => {
        this.#found[node].set(index, { group, leads: at === 0, offset: offset - group.start });
      });
    }
  }
}

const constant = (offset: number): Linear => ({ root: ZERO, offset });

/** A value as a sum; null when it is none. */
function linear(value: Value, instruction: RegionInstruction, values: readonly Linear[]): Linear | null {
  if (value.kind === 'const') {
    const offset = Number(BigInt.asIntN(64, value.value));
    return Number.isSafeInteger(offset) ? constant(offset) : null;
  }
  if (value.kind === 'operand') {
    if (value.name === 'rs1' || value.name === 'rs2') return values[instruction[value.name]];
    if (value.name === 'imm') return constant(instruction.imm);
    if (value.name === 'pc') return { root: PAGE, offset: instruction.offset };
    return null;
  }
  if (value.kind !== 'op' || value.op !== 'i64.add') return null;
  const [a, b] = value.args.map((arg) => linear(arg, instruction, values));
  if (a === null || b === null || (a.root !== ZERO && b.root !== ZERO)) return null;
  const offset = a.offset + b.offset;
  return Number.isSafeInteger(offset) ? { root: a.root === ZERO ? b.root : a.root, offset } : null;
}

/** Groups the accesses of a region, by node. */
export const groupAccesses = (graph: RegionGraph): readonly AccessesOfNode[] => new Grouping(graph).run();
