/**
 * A region as one WebAssembly function.
 *
 * ```
 *   (hart, left, page, records, entry) -> left * 64 + exit
 * ```
 *
 * `left` is what the slice still may retire, `page` the virtual address of the page, `records` the address of its first
 * record, `entry` the number of an entry. On return the pc and the registers are in the hart's state. `exit` says why
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

import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../assembler/registers.js';
import { MSTATUS_FS } from '../hart/mstatus.js';
import { HART_DATA_BANK, HART_F, HART_FCSR, HART_MSTATUS, HART_PC, HART_X } from '../hart/state.js';
import { REGION_PARAMETERS } from '../interpreter/imports.js';
import type { RegionExit } from '../interpreter/region-exits.js';
import { RECORD_ENTRIES } from '../interpreter/record.js';
import { block, br, get, i32c, i64c, load, loop, op, seq, set, store, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import type { WasmType } from '../wasm/opcodes.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { layEntrances } from './entrances.js';
import type { Entrances, Gate } from './entrances.js';
import { DISPATCHER, orderFlow } from './flow.js';
import type { Flow } from './flow.js';
import { lowerInstruction } from './lower-instruction.js';
import type { InstructionExits, RegionLocals } from './lower-instruction.js';
import { isCall, isComputed } from './region.js';
import type { Refusal, Region, RegionBlock } from './region.js';
import { pcAtStop, resultOfStop, stopOf } from './region-stop.js';
import { NO_REGISTERS, planRegisters, readsOf, same, union, without, wordsOf, writesOf } from './register-plan.js'; // prettier-ignore
import type { RegisterPlan, RegisterSet } from './register-plan.js';
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
  /** By node; the dispatcher and gates have none. */
  readonly #blocks: readonly (RegionBlock | null)[];
  readonly #nodes = new Map<number, number>();
  readonly #flow: Flow;
  readonly #entrances: Entrances;
  /** Numbers of entries, by node. */
  readonly #entryOf = new Map<number, number>();
  /** Most instructions that can retire from the start of a node until the budget is looked at again, by node. */
  readonly #bounds: readonly number[];
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
  readonly #entry = 4;
  readonly #records = 3;

  constructor(region: Region, number: number, body: FunctionBody) {
    this.#f = body;
    this.#number = number;
    this.#refusals = region.refusals;
    const blocks = [...region.blocks.values()];
    blocks.forEach((found, index) => this.#nodes.set(found.start, index + 1));
    const nodesOf = (offsets: readonly number[]): number[] => [
      ...new Set(offsets.map((offset) => this.#nodes.get(offset)).filter((node) => node !== undefined)),
    ];
    const returns = new Map<number, number>();
    blocks.forEach(({ instructions, end }, index) => {
      const [last, back] = [instructions.at(-1), this.#nodes.get(end)];
      if (last !== undefined && back !== undefined && isCall(last)) returns.set(index + 1, back);
    });
    this.#entrances = layEntrances(
      [[], ...blocks.map(({ targets }) => nodesOf(targets))],
      returns,
      nodesOf(region.entries),
    );
    const { successors, gates, copies } = this.#entrances;
    this.#blocks = successors.map((_, node) =>
      node === DISPATCHER || gates.has(node) ? null : blocks[(copies.get(node) ?? node) - 1],
    );
    this.#flow = orderFlow(successors);
    // Besides those of the region, what was irreducible all the same.
    const entries = new Set([...this.#entrances.entries, ...this.#flow.successors[DISPATCHER]]);
    for (const node of entries) this.#entryOf.set(node, this.#entryOf.size);
    this.#bounds = this.#findBounds();

    const f = this.#f;
    this.#plan = planRegisters(this.#flow, this.#blocks, (node) => {
      const last = this.#blocks[node]?.instructions.at(-1);
      if (last?.shape.ending !== 'indirect') return null;
      return region.holdsCalls || isComputed(last) ? 'near' : 'away';
    });
    const instructions = blocks.flatMap((found) => found.instructions);
    this.#usesFloat = instructions.some(
      ({ shape: { reads, description } }) =>
        reads.has('fcsr') || description.statements.some(({ kind }) => kind === 'requireFloat'),
    );
    const used = instructions
      .map((instruction) => union(readsOf(instruction), writesOf(instruction)))
      .reduce(union, NO_REGISTERS);
    const registers = new Map(wordsOf(used).map((word) => [word, f.local('i64', registerName(word))]));
    const temporaries: Record<WasmType, number[]> = { i32: [], i64: [], f32: [], f64: [] };
    this.#locals = {
      hart: 0,
      left: 1,
      page: 2,
      bank: f.local('i32', 'bank'),
      pc: f.local('i64', 'pc'),
      address: f.local('i64', 'address'),
      tag: f.local('i64', 'tag'),
      entry: f.local('i32', 'tlbEntry'),
      registers,
      isFloatReady: f.local('i32', 'isFloatReady'),
      fcsr: f.local('i64', 'fcsr'),
      temporary: (type, index) => (temporaries[type][index] ??= f.local(type, `${type}_${index}`)),
    };
    this.#base = f.local('i64', 'base');
    this.#stop = f.local('i32', 'stop');
  }

  lower(): RegionFunction {
    const l = this.#locals;
    seq(
      set(l.bank, load('i32.load', get(l.hart), HART_DATA_BANK * 4)),
      this.#usesFloat ? this.#loadFloatState() : seq(),
      set(this.#base, get(l.page)),
      this.#loadRegisters(this.#plan.held(DISPATCHER)),
      block('exit', this.#tree(DISPATCHER)),
      store('i64.store', get(l.hart), pcAtStop(get(this.#base), get(this.#stop)), HART_PC * 4),
      resultOfStop(get(l.left), get(this.#stop)),
    )(this.#f);
    const { gates } = this.#entrances;
    const entries = [...this.#entryOf.keys()].map(
      (node) => (this.#blocks[gates.get(node)?.header ?? node] as RegionBlock).start,
    );
    return { body: this.#f, entries };
  }

  /** A node and all that it dominates. */
  #tree(node: number): Code {
    const merges = this.#flow.children(node).filter((child) => this.#flow.isMerge(child));
    const code = this.#within(node, merges);
    return node === DISPATCHER || this.#flow.isLoop(node) ? loop(`loop${node}`, code) : code;
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
    const labels = [...this.#entryOf.keys()].map((node) => `node${this.#entrances.first.get(node) ?? node}`);
    return (f) => {
      get(this.#entry)(f);
      f.branchTable(labels, labels[0]);
    };
  }

  /** A node, in a block behind which the registers are written that are dirty when it begins. */
  #withExit(node: number): Code {
    const dirty = this.#plan.dirty(node);
    const around = this.#around(node);
    const found = this.#blocks[node];
    const code = (): Code => (found === null ? this.#gate(node) : this.#block(node, found));
    // What encloses the node writes the same registers.
    if (same(dirty, around === null ? NO_REGISTERS : this.#plan.dirtyAfter(around))) {
      this.#exits[node] = around === null ? 'exit' : this.#exitsAfter[around];
      return code();
    }
    const label = `exit${node}`;
    this.#exits[node] = label;
    const write: Code = (f) => {
      if (this.#used.has(label)) seq(this.#storeRegisters(dirty), br('exit'))(f);
    };
    return seq(block(label, code()), write);
  }

  /** On to an entry inside the loop, or to where it begins; either way nobody is under way to an entry then. */
  #gate(node: number): Code {
    const { gates } = this.#entrances;
    const { header, ways } = gates.get(node) as Gate;
    this.#exitsAfter[node] = this.#exits[node];
    const arrived = set(this.#entry, i32c(NO_ENTRY));
    const inwards = [...ways].map(([next, entries]) =>
      when(
        entries
          .map((entry) => op('i32.eq', get(this.#entry), i32c(this.#entryOf.get(entry) as number)))
          .reduce((a, b) => op('i32.or', a, b)),
        seq(gates.has(next) ? seq() : arrived, this.#follow(node, next)),
      ),
    );
    return seq(
      when(op('i32.ne', get(this.#entry), i32c(NO_ENTRY)), seq(...inwards, arrived)),
      this.#follow(node, header),
    );
  }

  /** The node that has its code around that of this one; null when the dispatcher has. */
  #around(node: number): number | null {
    return this.#flow.isMerge(node) ? null : this.#flow.predecessor(node);
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
    if (this.#isTested(node)) {
      const leave = this.#leave(exitHere(), start, 'budget', 0);
      parts.push(when(op('i32.lt_u', get(l.left), i32c(this.#bounds[node])), leave));
    }
    parts.push(set(l.left, op('i32.sub', get(l.left), i32c(instructions.length))));
    let isFloatChecked = false;
    let words = 0;
    instructions.forEach((instruction, index) => {
      const { shape, offset } = instruction;
      const exit = shape.mayGiveUp ? exitHere() : '';
      pending = union(pending, writesOf(instruction));
      const exits: InstructionExits = {
        isFloatChecked,
        words,
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
        this.#storeRegisters(registers)(f);
        this.#used.add(steps[index - 1]?.label ?? this.#exits[node]);
      }
    };
    return [open, code, close, br(this.#exits[node])];
  }

  /** Behind the last instruction of a node that does not jump. */
  #fallThrough(node: number, end: number): Code {
    if (this.#nodes.has(end) || end >= PAGE_SIZE) return this.#go(node, end);
    return this.#leave(this.#exitsAfter[node], end, this.#refusals.get(end)?.exit ?? 'regionLimit', 0);
  }

  /** From the end of a node to an offset of the page, or outside it. */
  #go(from: number, offset: number): Code {
    const to = this.#nodes.get(offset);
    if (to === undefined) {
      if (offset >= 0 && offset < PAGE_SIZE)
        return this.#leave(this.#exitsAfter[from], offset, 'otherRegion', 0);
      return this.#jumpAway(from, op('i64.add', get(this.#locals.page), i64c(offset)), 'otherPage');
    }
    return this.#follow(from, this.#entrances.gateOf.get(to) ?? to);
  }

  /** Along an edge: what is not dirty there is written before. */
  #follow(from: number, to: number): Code {
    const stores = this.#storeRegisters(without(this.#plan.dirtyAfter(from), this.#plan.dirty(to)));
    return seq(stores, this.#branch(from, to));
  }

  #branch(from: number, to: number): Code {
    if (!this.#flow.isBackward(from, to)) return this.#flow.isMerge(to) ? br(`node${to}`) : this.#tree(to);
    if (this.#flow.dominates(to, from)) return br(`loop${to}`);
    return seq(set(this.#entry, i32c(this.#entryOf.get(to) as number)), br(`loop${DISPATCHER}`));
  }

  /** To the address in `pc`: an entry of this region, or outside it. */
  #indirect(node: number): Code {
    const l = this.#locals;
    const plan = this.#plan;
    const offset = op('i32.and', op('i32.wrap_i64', get(l.pc)), i32c(4095));
    return seq(
      when(
        op('i64.eq', op('i64.and', get(l.pc), i64c(-4096)), get(l.page)),
        seq(
          set(
            this.#entry,
            load(
              'i32.load',
              op('i32.add', get(this.#records), op('i32.shl', offset, i32c(1))),
              RECORD_ENTRIES,
            ),
          ),
          when(
            op('i32.eq', op('i32.shr_u', get(this.#entry), i32c(16)), i32c(this.#number)),
            seq(
              set(this.#entry, op('i32.and', get(this.#entry), i32c(0xffff))),
              this.#storeRegisters(without(plan.dirtyAfter(node), plan.dirty(DISPATCHER))),
              this.#loadRegisters(without(plan.held(DISPATCHER), plan.heldAfter(node))),
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

  #storeRegisters(registers: RegisterSet): Code {
    const l = this.#locals;
    return seq(
      ...wordsOf(registers).map((word) =>
        store('i64.store', get(l.hart), get(l.registers.get(word) as number), word * 4),
      ),
    );
  }

  #loadFloatState(): Code {
    const l = this.#locals;
    return seq(
      set(l.fcsr, load('i64.load32_u', get(l.hart), HART_FCSR * 4)),
      set(
        l.isFloatReady,
        op(
          'i32.eq',
          op('i32.and', load('i32.load', get(l.hart), HART_MSTATUS * 4), i32c(MSTATUS_FS)),
          i32c(MSTATUS_FS),
        ),
      ),
    );
  }

  #loadRegisters(registers: RegisterSet): Code {
    const l = this.#locals;
    return seq(
      ...wordsOf(registers).map((word) =>
        set(l.registers.get(word) as number, load('i64.load', get(l.hart), word * 4)),
      ),
    );
  }

  /** Whether the budget is looked at when the node begins. */
  #isTested(node: number): boolean {
    const { gates, gateOf } = this.#entrances;
    if (gates.has(node)) return false;
    return this.#entryOf.has(node) || gateOf.has(node) || this.#flow.isLoop(node);
  }

  #findBounds(): number[] {
    const bounds = this.#blocks.map((found) => found?.instructions.length ?? 0);
    for (const node of [...this.#flow.sequence].reverse()) {
      if (node === DISPATCHER) continue;
      let most = 0;
      for (const to of this.#flow.successors[node]) {
        if (!this.#flow.isBackward(node, to) && !this.#isTested(to)) most = Math.max(most, bounds[to]);
      }
      bounds[node] += most;
    }
    return bounds;
  }
}

/** Name of the register at a word of the hart's state. */
function registerName(word: number): string {
  return word >= HART_F ? FLOAT_REGISTERS[(word - HART_F) / 2] : INTEGER_REGISTERS[(word - HART_X) / 2];
}

/** Lowers a region. `number` is its place in the table of regions; `body` is where the code goes. */
export function lowerRegion(
  region: Region,
  number: number,
  body: FunctionBody = new FunctionBody(REGION_PARAMETERS.length),
): RegionFunction {
  return new RegionLowering(region, number, body).lower();
}
