/**
 * Finds what a region is made of: the blocks of one page of code that can be reached from its entries without leaving
 * the page.
 *
 * Everything is relative to the page, so that a region is right at every virtual address where the frame is mapped.
 */

import { decodeOperands } from '../interpreter/decoder.js';
import type { DecodedInstruction } from '../interpreter/decoder.js';
import type { RegionExit } from '../interpreter/region-exits.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { readsOf, writesOf } from './register-set.js';
import type { RegisterSet } from './register-set.js';
import { refusalOf, shapeOf } from './shape.js';
import type { Shape } from './shape.js';

/** One instruction of a block. */
export interface RegionInstruction extends DecodedInstruction {
  /** Offset in the page. */
  readonly offset: number;
  readonly shape: Shape;
  /** Registers that it reads, and the one that it writes, if it writes one. */
  readonly reads: RegisterSet;
  readonly writes: RegisterSet;
}

/** Straight-line code: one way in, at the top. */
export interface RegionBlock {
  /** Offset of the first instruction. */
  readonly start: number;
  /** The last one may be a branch or a jump. */
  readonly instructions: readonly RegionInstruction[];
  /** Offset of what follows the last instruction. */
  readonly end: number;
  /** Offsets that it can go on at; those without a block are outside the region. */
  readonly targets: readonly number[];
}

/** Why straight-line code was not followed any further. */
export interface Refusal {
  /** Name of an instruction that is not translated; `illegal`, `crosses the page` or `region limit`. */
  readonly what: string;
  /** How a region is left there. */
  readonly exit: RegionExit;
}

/** Blocks by offset, and which of them can be entered from outside. */
export interface Region {
  readonly blocks: ReadonlyMap<number, RegionBlock>;
  /** Offsets, in the order of their numbers. */
  readonly entries: readonly number[];
  readonly instructions: number;
  /** By offset, what straight-line code that belongs to no block was refused for. */
  readonly refusals: ReadonlyMap<number, Refusal>;
  /** Has a jump to a computed address that is no return: a switch, say. Where it leads is found out by watching. */
  readonly computesTargets: boolean;
  /** A function that is called is part of it, so that returns may stay in it. */
  readonly holdsCalls: boolean;
  /** Neighbouring accesses share look-ups in the TLB: see access-groups.ts. */
  readonly sharesLookUps: boolean;
}

/** What is kept of a region that was made: enough to make it again from the bytes of its page. */
export interface RegionOutline extends Omit<Region, 'blocks'> {
  /** Where its blocks begin and end, one after the other. */
  readonly bounds: Uint16Array;
}

/** Limits that keep the time which the host's compiler needs in bounds: it grows faster than the code. */
export interface RegionLimits {
  readonly blocks: number;
  readonly instructions: number;
  /** A function that is called is part of the region when it is no longer than this. */
  readonly calledInstructions: number;
}

/** Registers that calls leave the return address in. */
const LINKS = new Set([1, 5]);

/**
 * Discovers a region.
 *
 * @param page the bytes of the page.
 * @param seeds offsets to begin at, the most important first.
 * @param hasRun whether code at an offset ever ran; where it did not, the region ends. Jumps there leave it, and become hot
 * like others, should they be taken after all.
 * @returns without blocks when nothing at the first seed can be translated.
 */
export function discoverRegion(
  page: DataView,
  seeds: readonly number[],
  limits: RegionLimits,
  hasRun: (offset: number) => boolean = () => true,
): Region {
  const search = new RegionSearch(page, limits, hasRun);
  for (const seed of seeds) search.follow(seed);
  search.followCalls();
  return search.region(seeds);
}

/** The outline of a region. */
export function outlineOf({ blocks, ...others }: Region): RegionOutline {
  return {
    ...others,
    bounds: Uint16Array.from([...blocks.values()].flatMap(({ start, end }) => [start, end])),
  };
}

/** The region of an outline. @param page as it was when the region was discovered, in its blocks. */
export function regionOf(page: DataView, { bounds, ...others }: RegionOutline): Region {
  const blocks = new Map<number, RegionBlock>();
  for (let index = 0; index < bounds.length; index += 2) {
    const [start, end] = [bounds[index], bounds[index + 1]];
    const instructions: RegionInstruction[] = [];
    for (let at = start; at < end; at += instructions[instructions.length - 1].length) {
      const instruction = instructionAt(page, at);
      if ('exit' in instruction) throw new Error('the page of a region has changed');
      instructions.push(instruction);
    }
    blocks.set(start, { start, instructions, end, targets: targetsOf(instructions, end) });
  }
  return { ...others, blocks };
}

class RegionSearch {
  readonly #page: DataView;
  readonly #limits: RegionLimits;
  readonly #hasRun: (offset: number) => boolean;
  readonly #found = new Map<number, RegionInstruction>();
  readonly #leaders = new Set<number>();
  readonly #entries = new Set<number>();
  readonly #called = new Set<number>();
  readonly #pending: number[] = [];
  readonly #refusals = new Map<number, Refusal>();
  /** Something was left out because a limit was reached. */
  #isCut = false;

  constructor(page: DataView, limits: RegionLimits, hasRun: (offset: number) => boolean) {
    this.#page = page;
    this.#limits = limits;
    this.#hasRun = hasRun;
  }

  /** Finds all that one place leads to. */
  follow(seed: number): void {
    this.#lead(seed);
    for (let at = this.#pending.shift(); at !== undefined; at = this.#pending.shift()) this.#walk(at);
  }

  /** Finds the functions that are called, as far as they are short. */
  followCalls(): void {
    // Grows on the way, by what those call.
    for (const target of this.#called) {
      if (target < 0 || target >= PAGE_SIZE || this.#leaders.has(target)) continue;
      const room = Math.min(this.#limits.calledInstructions, this.#limits.instructions - this.#found.size);
      const alone = new RegionSearch(this.#page, { ...this.#limits, instructions: room }, this.#hasRun);
      alone.follow(target);
      if (alone.#isCut) continue;
      this.follow(target);
      // Others call it too, and through its address.
      this.#entries.add(target);
    }
  }

  region(seeds: readonly number[]): Region {
    const blocks = new Map<number, RegionBlock>();
    for (const leader of this.#leaders) {
      const block = blockAt(this.#found, this.#leaders, leader);
      if (block !== null) blocks.set(leader, block);
    }
    const first = seeds[0];
    const entries =
      first === undefined || !blocks.has(first)
        ? []
        : [...seeds, ...this.#entries].filter((offset) => blocks.has(offset));
    return reachable(blocks, [...new Set(entries)], this.#refusals);
  }

  #lead(offset: number): void {
    if (offset < 0 || offset >= PAGE_SIZE || this.#leaders.has(offset) || !this.#hasRun(offset)) return;
    if (this.#leaders.size >= this.#limits.blocks) {
      this.#isCut = true;
      return;
    }
    this.#leaders.add(offset);
    this.#pending.push(offset);
  }

  /** Straight on from a leader. */
  #walk(leader: number): void {
    for (let offset = leader; offset < PAGE_SIZE && !this.#found.has(offset);) {
      if (this.#found.size >= this.#limits.instructions) {
        this.#isCut = true;
        this.#refusals.set(offset, { what: 'region limit', exit: 'regionLimit' });
        return;
      }
      const instruction = instructionAt(this.#page, offset);
      if ('exit' in instruction) {
        this.#refusals.set(offset, instruction);
        return;
      }
      this.#found.set(offset, instruction);
      offset += instruction.length;
      const { ending } = instruction.shape;
      if (ending === 'none') continue;
      const target = instruction.offset + instruction.imm;
      if (ending === 'branch' || !LINKS.has(instruction.rd)) {
        if (ending !== 'indirect') {
          this.#lead(target);
          // Where a loop begins is where the interpreter comes back after it was asked for help.
          if (target <= instruction.offset) this.#entries.add(target);
        }
        if (ending === 'branch') this.#lead(offset);
        return;
      }
      if (ending === 'jump') this.#called.add(target);
      this.#lead(offset);
      this.#entries.add(offset);
      return;
    }
  }
}

/** Whether an instruction jumps to a computed address, and not back or to a function: as a switch does. */
export function isComputed({ shape, rd, rs1 }: RegionInstruction): boolean {
  return shape.ending === 'indirect' && rd === 0 && !LINKS.has(rs1);
}

/** Whether an instruction is a call. */
export function isCall({ shape, rd }: RegionInstruction): boolean {
  return (shape.ending === 'jump' || shape.ending === 'indirect') && LINKS.has(rd);
}

function instructionAt(page: DataView, offset: number): RegionInstruction | Refusal {
  const low = page.getUint16(offset, true);
  const long = (low & 3) === 3;
  if (long && offset === PAGE_SIZE - 2) return { what: 'crosses the page', exit: 'pageCrossing' };
  const found = translatable(long ? page.getInt32(offset, true) : low);
  return 'exit' in found ? found : placed(found, offset);
}

/** An instruction, wherever it stands. */
type UnplacedInstruction = Omit<RegionInstruction, 'offset'>;

/** All instructions are objects of one shape, so that what reads them is compiled once. */
const placed = (
  { spec, length, rd, rs1, rs2, rs3, imm, bits, shape, reads, writes }: UnplacedInstruction,
  offset: number,
): RegionInstruction => ({ spec, length, rd, rs1, rs2, rs3, imm, bits, shape, reads, writes, offset });

/** Instructions by their encodings: programs have few that are different. */
const known = new Map<number, UnplacedInstruction | Refusal>();
const MOST_KNOWN = 4096;

/** @param encoding its 32 bits as a signed number. */
function translatable(encoding: number): UnplacedInstruction | Refusal {
  let found = known.get(encoding);
  if (found !== undefined) return found;
  found = translatableAnew(encoding);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(encoding, found);
  return found;
}

function translatableAnew(encoding: number): UnplacedInstruction | Refusal {
  const decoded = decodeOperands(encoding);
  if (decoded === undefined) return { what: 'illegal', exit: 'illegal' };
  const shape = shapeOf(decoded.spec);
  if (shape === null) return { what: decoded.spec.name, exit: refusalOf(decoded.spec) };
  const { spec, length, rd, rs1, rs2, rs3, imm, bits } = decoded;
  const [reads, writes] = [readsOf(shape, decoded), writesOf(shape, decoded)];
  return { spec, length, rd, rs1, rs2, rs3, imm, bits, shape, reads, writes };
}

function blockAt(
  found: ReadonlyMap<number, RegionInstruction>,
  leaders: ReadonlySet<number>,
  start: number,
): RegionBlock | null {
  const instructions: RegionInstruction[] = [];
  let at = start;
  for (;;) {
    const instruction = found.get(at);
    if (instruction === undefined) break;
    instructions.push(instruction);
    at += instruction.length;
    if (instruction.shape.ending !== 'none' || leaders.has(at)) break;
  }
  if (instructions.length === 0) return null;
  return { start, instructions, end: at, targets: targetsOf(instructions, at) };
}

/** Where a block with these instructions goes on, that ends there. */
function targetsOf(instructions: readonly RegionInstruction[], end: number): number[] {
  const last = instructions[instructions.length - 1];
  const target = last.offset + last.imm;
  switch (last.shape.ending) {
    case 'none':
      return [end];
    case 'branch':
      return [target, end];
    case 'jump':
      return [target];
    case 'indirect':
      return [];
  }
}

/** Leaves out what no entry leads to. */
function reachable(
  blocks: ReadonlyMap<number, RegionBlock>,
  entries: readonly number[],
  refusals: ReadonlyMap<number, Refusal>,
): Region {
  const kept = new Map<number, RegionBlock>();
  const pending = [...entries];
  let instructions = 0;
  let computesTargets = false;
  let holdsCalls = false;
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const block = blocks.get(at);
    if (block === undefined || kept.has(at)) continue;
    kept.set(at, block);
    instructions += block.instructions.length;
    const last = block.instructions.at(-1);
    if (last !== undefined && isComputed(last)) computesTargets = true;
    if (last?.shape.ending === 'jump' && LINKS.has(last.rd) && blocks.has(block.targets[0]))
      holdsCalls = true;
    pending.push(...block.targets);
  }
  return { blocks: kept, entries, instructions, refusals, computesTargets, holdsCalls, sharesLookUps: true };
}
