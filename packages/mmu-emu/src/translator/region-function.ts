/**
 * A region as one WebAssembly function.
 *
 * ```
 *   (hart) -> left * 64 + exit
 * ```
 *
 * In the hart's state are, besides the registers, `left`, what the slice still may retire (HART_LEFT), the virtual address of the
 * page, the address of its first record and the number of an entry (HART_REGION_*). On return the pc and the registers are there.
 * `exit` says why
 * it was left (interpreter/region-exits.ts), and so whether the interpreter has to run the instruction at the pc, or the pc
 * is wherever a jump led.
 *
 * Invariants:
 * 1. At every instruction that may give up, registers are as they are before it, in their locals where the plan
 *    (`register-plan.ts`) says that they are dirty and in the hart's state otherwise, and `left` counts it and what follows
 *    in its block as done: giving up adds that back. So traps, budgets and instret are exact.
 * 2. `left` is at least what can be retired until it is looked at again, which happens at every entry and every loop.
 * 3. mstatus.FS is Dirty wherever a floating-point instruction is done, and none of those sets a flag that was not set: so
 *    neither mstatus nor fcsr changes.
 * 4. There is no call in the function.
 */

import { HART_DATA_BANK, HART_LEFT, HART_PC, HART_REGION_ENTRY, HART_REGION_PAGE, HART_REGION_RECORDS } from '../hart/state.js'; // prettier-ignore
import { REGION_PARAMETERS } from '../interpreter/imports.js';
import { wordOf } from '../interpreter/places.js';
import { RECORD_ENTRIES } from '../interpreter/record.js';
import type { RegionExit } from '../interpreter/region-exits.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { block, br, get, i32c, i64c, load, loop, op, seq, set, store, tee, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import { groupAccesses } from './access-groups.js';
import type { AccessesOfNode } from './access-groups.js';
import type { Gate } from './entrances.js';
import { DISPATCHER } from './flow.js';
import { lowerInstruction } from './lower-instruction.js';
import type { InstructionExits } from './lower-instruction.js';
import { isComputed } from './region.js';
import { RegionGraph } from './region-graph.js';
import {
  loadFloatState,
  loadRegisters,
  makeLocals,
  storeRegisters,
  usesFloatState,
} from './region-locals.js';
import type { RegionLocals } from './region-locals.js';
import type { Refusal, Region, RegionBlock } from './region.js';
import { pcAtStop, resultOfStop, stopOf } from './region-stop.js';
import { planRegisters } from './register-plan.js';
import type { RegisterPlan } from './register-plan.js';
import { NO_REGISTERS, same, union, without } from './register-set.js';
import type { RegisterSet } from './register-set.js';
import { wordsAfter } from './word-values.js';

/** In place of an entry's number: under way to none. */
const NO_ENTRY = -1;

/** A function, and the offsets of the page at which it can be entered: entry i at `entries[i]`. */
export interface RegionFunction {
  readonly body: FunctionBody;
  readonly entries: readonly number[];
}

class RegionLowering {
  readonly #f: FunctionBody;
  readonly #number: number;
  readonly #graph: RegionGraph;
  readonly #accesses: readonly (AccessesOfNode | undefined)[];
  readonly #locals: RegionLocals;
  /** Some instruction needs `isFloatReady` or `fcsr`. */
  readonly #usesFloat: boolean;
  /** Where the pc is when the region is left, without an offset in the page: the page, or a jump's target. */
  readonly #base: number;
  /** How it is left, in one constant: see region-stop.ts. */
  readonly #stop: number;
  readonly #refusals: ReadonlyMap<number, Refusal>;
  readonly #plan: RegisterPlan;
  /** By node: the block around it behind which the registers are written that are dirty at its beginning, or at its end. */
  readonly #exits: string[] = [];
  readonly #exitsAfter: string[] = [];
  /** Labels of such blocks that are branched to. */
  readonly #used = new Set<string>();
  /** Number of the entry that is under way. */
  readonly #entry: number;

  constructor(region: Region, number: number, body: FunctionBody) {
    this.#f = body;
    this.#number = number;
    this.#refusals = region.refusals;
    this.#graph = new RegionGraph(region);
    this.#accesses = region.sharesLookUps ? groupAccesses(this.#graph) : [];
    this.#plan = planRegisters(this.#graph.flow, this.#graph.blocks, (node) => {
      const last = this.#graph.blocks[node]?.instructions.at(-1);
      if (last?.shape.ending !== 'indirect') return null;
      return region.holdsCalls || isComputed(last) ? 'near' : 'away';
    });
    const instructions = [...region.blocks.values()].flatMap((found) => found.instructions);
    this.#usesFloat = usesFloatState(instructions);
    this.#locals = makeLocals(body, instructions);
    this.#entry = body.local('i32', 'entry');
    this.#base = body.local('i64', 'base');
    this.#stop = body.local('i32', 'stop');
  }

  lower(): RegionFunction {
    const l = this.#locals;
    seq(
      set(l.bank, load('i32.load', get(l.hart), HART_DATA_BANK * 4)),
      this.#usesFloat ? loadFloatState(l) : seq(),
      set(l.left, load('i32.load', get(l.hart), HART_LEFT * 4)),
      set(this.#base, tee(l.page, load('i64.load', get(l.hart), HART_REGION_PAGE * 4))),
      set(this.#entry, load('i32.load', get(l.hart), HART_REGION_ENTRY * 4)),
      loadRegisters(l, this.#plan.held(DISPATCHER)),
      block('exit', this.#tree(DISPATCHER)),
      store('i64.store', get(l.hart), pcAtStop(get(this.#base), get(this.#stop)), HART_PC * 4),
      resultOfStop(get(l.left), get(this.#stop)),
    )(this.#f);
    const { gates } = this.#graph.entrances;
    const entries = [...this.#graph.entryOf.keys()].map(
      (node) => (this.#graph.blocks[gates.get(node)?.header ?? node] as RegionBlock).start,
    );
    return { body: this.#f, entries };
  }

  /** A node and all that it dominates. */
  #tree(node: number): Code {
    const merges = this.#graph.flow.children(node).filter((child) => this.#graph.flow.isMerge(child));
    const code = this.#within(node, merges);
    return node === DISPATCHER || this.#graph.flow.isLoop(node) ? loop(`loop${node}`, code) : code;
  }

  /** A node, and after it those of the nodes that it dominates which several ways lead to, the last one outermost. */
  #within(node: number, merges: readonly number[]): Code {
    const last = merges.at(-1);
    if (last === undefined) return this.#node(node);
    return seq(block(`node${last}`, this.#within(node, merges.slice(0, -1))), this.#tree(last));
  }

  #node(node: number): Code {
    return node === DISPATCHER ? this.#dispatch() : this.#withExit(node);
  }

  #dispatch(): Code {
    const labels = [...this.#graph.entryOf.keys()].map(
      (node) => `node${this.#graph.entrances.first.get(node) ?? node}`,
    );
    return (f) => {
      get(this.#entry)(f);
      f.branchTable(labels, labels[0]);
    };
  }

  /** A node, in a block behind which the registers are written that are dirty when it begins. */
  #withExit(node: number): Code {
    const dirty = this.#plan.dirty(node);
    const around = this.#graph.around(node);
    const found = this.#graph.blocks[node];
    const code = (): Code => (found === null ? this.#gate(node) : this.#block(node, found));
    // What encloses the node writes the same registers.
    if (same(dirty, around === null ? NO_REGISTERS : this.#plan.dirtyAfter(around))) {
      this.#exits[node] = around === null ? 'exit' : this.#exitsAfter[around];
      return code();
    }
    const label = `exit${node}`;
    this.#exits[node] = label;
    const write: Code = (f) => {
      if (this.#used.has(label)) seq(storeRegisters(this.#locals, dirty), br('exit'))(f);
    };
    return seq(block(label, code()), write);
  }

  /** On to an entry inside the loop, or to where it begins; either way nobody is under way to an entry then. */
  #gate(node: number): Code {
    const { gates } = this.#graph.entrances;
    const { header, ways } = gates.get(node) as Gate;
    this.#exitsAfter[node] = this.#exits[node];
    const arrived = set(this.#entry, i32c(NO_ENTRY));
    const inwards = [...ways].map(([next, entries]) =>
      when(
        this.#isUnderWayTo(entries.map((entry) => this.#graph.entryOf.get(entry) as number)),
        seq(gates.has(next) ? seq() : arrived, this.#follow(node, next)),
      ),
    );
    return seq(
      when(op('i32.ne', get(this.#entry), i32c(NO_ENTRY)), seq(...inwards, arrived)),
      this.#follow(node, header),
    );
  }

  /** Expression: whether the entry that is under way is one of these. */
  #isUnderWayTo(entries: readonly number[]): Code {
    if (entries.length > 2 && this.#graph.entryOf.size <= 64) {
      const mask = entries.reduce((bits, entry) => bits | (1n << BigInt(entry)), 0n);
      const bit = op('i64.shr_u', i64c(BigInt.asIntN(64, mask)), op('i64.extend_i32_u', get(this.#entry)));
      return op('i32.and', op('i32.wrap_i64', bit), i32c(1));
    }
    return entries
      .map((entry) => op('i32.eq', get(this.#entry), i32c(entry)))
      .reduce((a, b) => op('i32.or', a, b));
  }

  /**
   * Instructions of a node. What they write has to be in the hart's state wherever the region is left after that, so they
   * are in blocks, one in the other: behind each those registers are written that were when its label came into use, and
   * behind the outermost follow those of the node's exit.
   */
  #block(node: number, { instructions, start, end, targets }: RegionBlock): Code {
    const l = this.#locals;
    const parts: Code[] = [];
    const steps: { readonly label: string; readonly registers: RegisterSet }[] = [];
    let pending = NO_REGISTERS;
    let known = this.#plan.dirty(node);
    const exitHere = (): string => {
      const registers = without(pending, known);
      pending = NO_REGISTERS;
      if (!same(registers, NO_REGISTERS)) {
        known = union(known, registers);
        steps.push({ label: `exit${node}_${steps.length + 1}`, registers });
      }
      return steps.at(-1)?.label ?? this.#exits[node];
    };
    if (this.#graph.isTested(node)) {
      const leave = this.#leave(exitHere(), start, 'budget', 0);
      parts.push(when(op('i32.lt_u', get(l.left), i32c(this.#graph.bounds[node])), leave));
    }
    parts.push(set(l.left, op('i32.sub', get(l.left), i32c(instructions.length))));
    let isFloatChecked = false;
    let words = 0;
    instructions.forEach((instruction, index) => {
      const { shape, offset } = instruction;
      const access = this.#accesses[node]?.get(index);
      const isSure = access?.leads === false && shape.onlyAccesses;
      const exit = shape.mayGiveUp && !isSure ? exitHere() : '';
      pending = union(pending, instruction.writes);
      const exits: InstructionExits = {
        isFloatChecked,
        words,
        access,
        giveUp: (reason) => this.#leave(exit, offset, reason, instructions.length - index),
        taken: () => this.#go(node, targets[0]),
        next: () => this.#go(node, end),
        indirect: () => this.#indirect(node),
      };
      // Its code is made when it is appended: what is garbage young is soon forgotten.
      parts.push((f) => {
        f.mark(offset);
        lowerInstruction(l, instruction, exits)(f);
      });
      words = wordsAfter(instruction, words);
      isFloatChecked ||= shape.description.statements[0]?.kind === 'requireFloat';
    });
    this.#exitsAfter[node] = exitHere();
    if (instructions.at(-1)?.shape.ending === 'none') parts.push((f) => this.#fallThrough(node, end)(f));
    return seq(...this.#inSteps(node, steps, seq(...parts)));
  }

  /** Code in blocks, the first step outermost. */
  #inSteps(
    node: number,
    steps: readonly { readonly label: string; readonly registers: RegisterSet }[],
    code: Code,
  ): Code[] {
    if (steps.length === 0) return [code];
    const open: Code = (f) => steps.forEach(({ label }) => f.open('block', label));
    const close: Code = (f) => {
      for (let index = steps.length - 1; index >= 0; index -= 1) {
        const { label, registers } = steps[index];
        f.close();
        if (!this.#used.has(label)) continue;
        storeRegisters(this.#locals, registers)(f);
        this.#used.add(steps[index - 1]?.label ?? this.#exits[node]);
      }
    };
    return [open, code, close, br(this.#exits[node])];
  }

  /** Behind the last instruction of a node that does not jump. */
  #fallThrough(node: number, end: number): Code {
    if (this.#graph.nodeAt(end) !== undefined || end >= PAGE_SIZE) return this.#go(node, end);
    return this.#leave(this.#exitsAfter[node], end, this.#refusals.get(end)?.exit ?? 'regionLimit', 0);
  }

  /** From the end of a node to an offset of the page, or outside it. */
  #go(from: number, offset: number): Code {
    const to = this.#graph.nodeAt(offset);
    if (to === undefined) {
      if (offset >= 0 && offset < PAGE_SIZE)
        return this.#leave(this.#exitsAfter[from], offset, 'otherRegion', 0);
      return this.#jumpAway(from, op('i64.add', get(this.#locals.page), i64c(offset)), 'otherPage');
    }
    return this.#follow(from, this.#graph.entrances.gateOf.get(to) ?? to);
  }

  /** Along an edge: what is not dirty there is written before. */
  #follow(from: number, to: number): Code {
    const stores = storeRegisters(this.#locals, without(this.#plan.dirtyAfter(from), this.#plan.dirty(to)));
    return seq(stores, this.#branch(from, to));
  }

  #branch(from: number, to: number): Code {
    if (!this.#graph.flow.isBackward(from, to))
      return this.#graph.flow.isMerge(to) ? br(`node${to}`) : this.#tree(to);
    if (this.#graph.flow.dominates(to, from)) return br(`loop${to}`);
    return seq(set(this.#entry, i32c(this.#graph.entryOf.get(to) as number)), br(`loop${DISPATCHER}`));
  }

  /** To the address in `pc`: an entry of this region, or outside it. */
  #indirect(node: number): Code {
    const l = this.#locals;
    const plan = this.#plan;
    return seq(
      when(
        op('i64.eq', op('i64.and', get(l.pc), i64c(-4096)), get(l.page)),
        seq(
          set(
            this.#entry,
            load(
              'i32.load',
              wordOf(load('i32.load', get(l.hart), HART_REGION_RECORDS * 4), l.pc),
              RECORD_ENTRIES,
            ),
          ),
          when(
            op('i32.eq', op('i32.shr_u', get(this.#entry), i32c(16)), i32c(this.#number)),
            seq(
              set(this.#entry, op('i32.and', get(this.#entry), i32c(0xffff))),
              storeRegisters(l, without(plan.dirtyAfter(node), plan.dirty(DISPATCHER))),
              loadRegisters(l, without(plan.held(DISPATCHER), plan.heldAfter(node))),
              br(`loop${DISPATCHER}`),
            ),
          ),
        ),
      ),
      this.#jumpAway(node, get(l.pc), 'computedJump'),
    );
  }

  /** From the end of a node to an address outside the region. */
  #jumpAway(node: number, target: Code, exit: RegionExit): Code {
    return seq(set(this.#base, target), this.#leave(this.#exitsAfter[node], 0, exit, 0));
  }

  /** Leaves by one of the blocks of a node, at an offset of the page; `undone` instructions were counted that have not retired. */
  #leave(label: string, offset: number, exit: RegionExit, undone: number): Code {
    return (f) => {
      this.#used.add(label);
      f.note(`leaves: ${exit}`);
      seq(set(this.#stop, i32c(stopOf(offset, undone, exit))), br(label))(f);
    };
  }
}

/** Lowers a region. `number` is its place in the table of regions; `body` is where the code goes. */
export function lowerRegion(
  region: Region,
  number: number,
  body: FunctionBody = new FunctionBody(REGION_PARAMETERS.length),
): RegionFunction {
  return new RegionLowering(region, number, body).lower();
}
