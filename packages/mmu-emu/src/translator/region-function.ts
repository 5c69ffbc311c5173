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
 * 1. At every instruction that may give up, the locals hold the registers as they are before it, and `left` counts it and
 *    what follows in its block as done: giving up adds that back. So traps, budgets and instret are exact.
 * 2. `left` is at least what can be retired until it is looked at again, which happens at every entry and every loop.
 * 3. mstatus.FS is Dirty wherever a floating-point instruction is done, and none of those sets a flag that was not set: so
 *    neither mstatus nor fcsr changes.
 * 4. There is no call in the function. It writes to memory only by stores of the guest, and at its end.
 */

import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../assembler/registers.js';
import { MSTATUS_FS } from '../hart/mstatus.js';
import { HART_DATA_BANK, HART_F, HART_FCSR, HART_MSTATUS, HART_PC, HART_X } from '../hart/state.js';
import { REGION_PARAMETERS } from '../interpreter/imports.js';
import { REGION_EXIT_BITS, regionExitNumber } from '../interpreter/region-exits.js';
import type { RegionExit } from '../interpreter/region-exits.js';
import { RECORD_ENTRIES } from '../interpreter/record.js';
import { block, br, get, i32c, i64c, load, loop, op, seq, set, store, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { Code } from '../wasm/function-body.js';
import type { WasmType } from '../wasm/opcodes.js';
import { PAGE_SIZE } from '../mmu/pte.js';
import { DISPATCHER, orderFlow } from './flow.js';
import type { Flow } from './flow.js';
import { lowerInstruction } from './lower-instruction.js';
import type { RegionLocals } from './lower-instruction.js';
import type { Refusal, Region, RegionBlock } from './region.js';

/** A function, and the offsets of the page at which it can be entered: entry i at `entries[i]`. */
export interface RegionFunction {
  readonly body: FunctionBody;
  readonly entries: readonly number[];
}

class RegionLowering {
  readonly #f: FunctionBody;
  readonly #number: number;
  /** By node; node 0 has none. */
  readonly #blocks: readonly (RegionBlock | null)[];
  readonly #nodes = new Map<number, number>();
  readonly #flow: Flow;
  readonly #entryOf = new Map<number, number>();
  /** Most instructions that can retire from the start of a node until the budget is looked at again, by node. */
  readonly #bounds: readonly number[];
  readonly #locals: RegionLocals;
  readonly #exit: number;
  readonly #refusals: ReadonlyMap<number, Refusal>;
  readonly #entry = 4;
  readonly #records = 3;
  readonly #written = new Set<number>();

  constructor(region: Region, number: number, body: FunctionBody) {
    this.#f = body;
    this.#number = number;
    this.#refusals = region.refusals;
    const blocks = [...region.blocks.values()];
    this.#blocks = [null, ...blocks];
    blocks.forEach((found, index) => this.#nodes.set(found.start, index + 1));
    const nodesOf = (offsets: readonly number[]): number[] => [
      ...new Set(offsets.map((offset) => this.#nodes.get(offset)).filter((node) => node !== undefined)),
    ];
    this.#flow = orderFlow([nodesOf(region.entries), ...blocks.map(({ targets }) => nodesOf(targets))]);
    this.#flow.successors[DISPATCHER].forEach((node, index) => this.#entryOf.set(node, index));
    this.#bounds = this.#findBounds();

    const f = this.#f;
    const registers = new Map<number, number>();
    const use = (word: number): void => {
      if (word !== HART_X && !registers.has(word)) registers.set(word, f.local('i64', registerName(word)));
    };
    for (const instruction of blocks.flatMap(({ instructions }) => instructions)) {
      const { reads, writes } = instruction.shape;
      for (const name of reads) {
        if (name === 'rs1' || name === 'rs2') use(HART_X + 2 * instruction[name]);
        else if (name === 'frs1') use(HART_F + 2 * instruction.rs1);
        else if (name === 'frs2') use(HART_F + 2 * instruction.rs2);
        else if (name === 'frs3') use(HART_F + 2 * instruction.rs3);
      }
      if (writes === null) continue;
      const word = (writes === 'f' ? HART_F : HART_X) + 2 * instruction.rd;
      use(word);
      if (registers.has(word)) this.#written.add(word);
    }
    const temporaries: Record<WasmType, number[]> = { i32: [], i64: [], f32: [], f64: [] };
    this.#locals = {
      hart: 0,
      left: 1,
      page: 2,
      bank: f.local('i32', 'bank'),
      pc: f.local('i64', 'pc'),
      address: f.local('i64', 'address'),
      entry: f.local('i32', 'tlbEntry'),
      registers,
      isFloatReady: f.local('i32', 'isFloatReady'),
      fcsr: f.local('i64', 'fcsr'),
      temporary: (type, index) => (temporaries[type][index] ??= f.local(type, `${type}_${index}`)),
    };
    this.#exit = f.local('i32', 'exit');
  }

  lower(): RegionFunction {
    const l = this.#locals;
    seq(
      set(l.bank, load('i32.load', get(l.hart), HART_DATA_BANK * 4)),
      set(l.fcsr, load('i64.load32_u', get(l.hart), HART_FCSR * 4)),
      set(
        l.isFloatReady,
        op(
          'i32.eq',
          op('i32.and', load('i32.load', get(l.hart), HART_MSTATUS * 4), i32c(MSTATUS_FS)),
          i32c(MSTATUS_FS),
        ),
      ),
      ...[...l.registers].map(([word, local]) => set(local, load('i64.load', get(l.hart), word * 4))),
      block('exit', this.#tree(DISPATCHER)),
      ...[...this.#written].map((word) =>
        store('i64.store', get(l.hart), get(l.registers.get(word) as number), word * 4),
      ),
      store('i64.store', get(l.hart), get(l.pc), HART_PC * 4),
      op('i32.or', op('i32.shl', get(l.left), i32c(REGION_EXIT_BITS)), get(this.#exit)),
    )(this.#f);
    const entries = this.#flow.successors[DISPATCHER].map(
      (node) => (this.#blocks[node] as RegionBlock).start,
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
    const found = this.#blocks[node];
    return found === null ? this.#dispatch() : this.#block(node, found);
  }

  #dispatch(): Code {
    const labels = this.#flow.successors[DISPATCHER].map((node) => `node${node}`);
    return (f) => {
      get(this.#entry)(f);
      f.branchTable(labels, labels[0]);
    };
  }

  #block(node: number, { instructions, start, end, targets }: RegionBlock): Code {
    const l = this.#locals;
    const last = instructions.at(-1)?.shape.ending;
    const parts: Code[] = [];
    if (this.#isTested(node)) {
      parts.push(
        when(op('i32.lt_u', get(l.left), i32c(this.#bounds[node])), this.#leave(start, 'budget', 0)),
      );
    }
    parts.push(set(l.left, op('i32.sub', get(l.left), i32c(instructions.length))));
    let isFloatChecked = false;
    instructions.forEach((instruction, index) => {
      parts.push(
        (f) => f.mark(instruction.offset),
        lowerInstruction(l, instruction, {
          isFloatChecked,
          giveUp: (exit) => this.#leave(instruction.offset, exit, instructions.length - index),
          taken: () => this.#go(node, targets[0]),
          next: () => this.#go(node, end),
          indirect: () => this.#indirect(),
        }),
      );
      isFloatChecked ||= instruction.shape.description.statements[0]?.kind === 'requireFloat';
    });
    if (last === 'none') {
      parts.push(this.#nodes.has(end) ? this.#go(node, end) : this.#leave(end, this.#refusalAt(end), 0));
    }
    return seq(...parts);
  }

  /** To an offset of the page, or outside it. */
  #go(from: number, offset: number): Code {
    const to = this.#nodes.get(offset);
    if (to === undefined) {
      const inPage = offset >= 0 && offset < PAGE_SIZE;
      return this.#leave(offset, inPage ? 'otherRegion' : 'otherPage', 0);
    }
    if (!this.#flow.isBackward(from, to)) return this.#flow.isMerge(to) ? br(`node${to}`) : this.#tree(to);
    if (this.#flow.dominates(to, from)) return br(`loop${to}`);
    return seq(set(this.#entry, i32c(this.#entryOf.get(to) as number)), br(`loop${DISPATCHER}`));
  }

  /** To the address in `pc`: an entry of this region, or outside it. */
  #indirect(): Code {
    const l = this.#locals;
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
            seq(set(this.#entry, op('i32.and', get(this.#entry), i32c(0xffff))), br(`loop${DISPATCHER}`)),
          ),
        ),
      ),
      this.#leaveFor('computedJump'),
      br('exit'),
    );
  }

  /** Says why the region is left. */
  #leaveFor(exit: RegionExit): Code {
    return seq((f) => f.note(`leaves: ${exit}`), set(this.#exit, i32c(regionExitNumber(exit))));
  }

  /** Why straight-line code ends there. */
  #refusalAt(offset: number): RegionExit {
    return offset >= PAGE_SIZE ? 'otherPage' : (this.#refusals.get(offset)?.exit ?? 'regionLimit');
  }

  /** Leaves for an offset of the page or outside it; `undone` instructions were counted that have not retired. */
  #leave(offset: number, exit: RegionExit, undone: number): Code {
    const l = this.#locals;
    return seq(
      set(l.pc, op('i64.add', get(l.page), i64c(offset))),
      undone === 0 ? seq() : set(l.left, op('i32.add', get(l.left), i32c(undone))),
      this.#leaveFor(exit),
      br('exit'),
    );
  }

  /** Whether the budget is looked at when the node begins. */
  #isTested(node: number): boolean {
    return this.#entryOf.has(node) || this.#flow.isLoop(node);
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
