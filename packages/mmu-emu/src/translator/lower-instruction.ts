/**
 * Lowers an instruction's description to straight-line code of a region.
 *
 * Registers are locals and operands are constants. There is no call: whatever a look-up in the TLB does not answer, and
 * whatever else is slow, leaves the region at the pc of the instruction, which the interpreter then runs.
 */

import { HART_F, HART_RESERVATION, HART_X } from '../hart/state.js';
import { pageOffset } from '../interpreter/places.js';
import type { RegionExit } from '../interpreter/region-exits.js';
import { DYNAMIC_MODE, LAST_MODE } from '../interpreter/lower.js';
import type { Statement, Value, ValueType } from '../isa/semantics.js';
import { TLB_LOADS, TLB_STORES, TLB_TARGETS } from '../mmu/tlb.js';
import { tlbTag } from '../mmu/translate.js';
import { block, br, brIf, choose, get, i32c, i64c, load, op, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import type { Code, FunctionBody } from '../wasm/function-body.js';
import { LOAD_NAMES, STORE_NAMES } from '../wasm/opcodes.js';
import type { AccessGroup, GroupedAccess } from './access-groups.js';
import type { RegionLocals } from './region-locals.js';
import type { RegionInstruction } from './region.js';
import type { Access } from './shape.js';
import { isBitwiseOfWords, isWord } from './word-values.js';

/** What control flow is made of; the region knows how. */
export interface InstructionExits {
  /** Leaves, so that this instruction is run by the interpreter. */
  giveUp(exit: RegionExit): Code;
  /** Whether an instruction before it in the block has found mstatus.FS as it must be. */
  readonly isFloatChecked: boolean;
  /** Integer registers that hold 32-bit numbers, a bit each. */
  readonly words: number;
  /** Its access to memory, when that shares a look-up with others. */
  readonly access: GroupedAccess | undefined;
  /** After a branch: taken, and not. */
  taken(): Code;
  next(): Code;
  /** After an indirect jump, with the target in `pc`. */
  indirect(): Code;
}

class InstructionLowering {
  readonly #l: RegionLocals;
  readonly #instruction: RegionInstruction;
  readonly #exits: InstructionExits;
  readonly #locals: number[];

  constructor(locals: RegionLocals, instruction: RegionInstruction, exits: InstructionExits) {
    this.#l = locals;
    this.#instruction = instruction;
    this.#exits = exits;
    const used: Record<ValueType, number> = { i32: 0, i64: 0, f32: 0, f64: 0 };
    this.#locals = instruction.shape.description.locals.map((type) => locals.temporary(type, used[type]++));
  }

  lower(): Code {
    return seq(
      ...this.#instruction.shape.description.statements.map((statement) => this.#statement(statement)),
    );
  }

  #register(word: number): Code {
    const local = this.#l.registers.get(word);
    return local === undefined ? i64c(0) : get(local);
  }

  #pagePlus(offset: number): Code {
    return op('i64.add', get(this.#l.page), i64c(offset));
  }

  /** The value, when it is known now. */
  #constant(value: Value): bigint | undefined {
    if (value.kind === 'const') return value.value;
    if (value.kind !== 'operand') return undefined;
    const { rs1, rs2, rd, imm, bits } = this.#instruction;
    switch (value.name) {
      case 'rs1':
        return rs1 === 0 ? 0n : undefined;
      case 'rs2':
        return rs2 === 0 ? 0n : undefined;
      case 'imm':
        return BigInt(imm);
      case 'bits':
        return BigInt(bits);
      case 'rs1Index':
        return BigInt((bits >>> 15) & 31);
      case 'rdIndex':
        return BigInt(rd);
      default:
        return undefined;
    }
  }

  #operand(name: string): Code {
    const { rs1, rs2, rs3, offset, length } = this.#instruction;
    switch (name) {
      case 'rs1':
        return this.#register(HART_X + 2 * rs1);
      case 'rs2':
        return this.#register(HART_X + 2 * rs2);
      case 'frs1':
        return this.#register(HART_F + 2 * rs1);
      case 'frs2':
        return this.#register(HART_F + 2 * rs2);
      case 'frs3':
        return this.#register(HART_F + 2 * rs3);
      case 'fcsr':
        return get(this.#l.fcsr);
      case 'pc':
        return this.#pagePlus(offset);
      case 'nextPc':
        return this.#pagePlus(offset + length);
      default:
        throw new Error(`no operand ${name}`);
    }
  }

  #value(value: Value): Code {
    const constant = this.#constant(value);
    if (constant !== undefined) return value.type === 'i32' ? i32c(Number(constant)) : i64c(constant);
    switch (value.kind) {
      case 'const':
        throw new Error('a constant is known');
      case 'operand':
        return this.#operand(value.name);
      case 'local':
        return get(this.#locals[value.index]);
      case 'op':
        return this.#operation(value);
      case 'choose':
        return choose(
          value.type,
          this.#value(value.condition),
          this.#value(value.then),
          this.#value(value.otherwise),
        );
    }
  }

  /** What a compiler's output is full of is made simpler: sums with zero, what is relative to the pc, and 32-bit numbers. */
  #operation(value: Value & { readonly kind: 'op' }): Code {
    const { op: name, args } = value;
    const [left] = args;
    if (name === 'i32.wrap_i64' && left !== undefined) {
      const constant = this.#constant(left);
      if (constant !== undefined) return i32c(Number(BigInt.asIntN(32, constant)));
    }
    if (name === 'i64.extend_i32_s' && left !== undefined) {
      const same = this.#wordPlusZero(left);
      if (same !== undefined) return this.#value(same);
    }
    if (isBitwiseOfWords(value, this.#instruction, this.#exits.words)) {
      const narrow = args.map((arg) => this.#narrow(arg));
      return op('i64.extend_i32_s', op(name.replace('i64', 'i32'), ...narrow));
    }
    if (name === 'i64.add') return this.#sum(value, 0);
    return op(name, ...args.map((arg) => this.#value(arg)));
  }

  /** A value plus a number. */
  #sum(value: Value, more: number): Code {
    const constant = this.#constant(value);
    if (constant !== undefined) return i64c(BigInt.asIntN(64, constant + BigInt(more)));
    if (value.kind === 'op' && value.op === 'i64.add') {
      const [left, right] = value.args;
      const [a, b] = [this.#constant(left), this.#constant(right)];
      if (b !== undefined && isSmall(b)) return this.#sum(left, more + Number(b));
      if (a !== undefined && isSmall(a)) return this.#sum(right, more + Number(a));
      return plus(op('i64.add', this.#value(left), this.#value(right)), more);
    }
    if (value.kind === 'operand' && value.name === 'pc')
      return this.#pagePlus(this.#instruction.offset + more);
    return plus(this.#value(value), more);
  }

  /** The low 32 bits of a value. */
  #narrow(value: Value): Code {
    const constant = this.#constant(value);
    if (constant !== undefined) return i32c(Number(BigInt.asIntN(32, constant)));
    return op('i32.wrap_i64', this.#value(value));
  }

  /** What a sum of 32 bits is made from, if that is a 32-bit number and zero. */
  #wordPlusZero(sum: Value): Value | undefined {
    if (sum.kind !== 'op' || sum.op !== 'i32.add') return undefined;
    const [left, right] = sum.args.map((arg) =>
      arg.kind === 'op' && arg.op === 'i32.wrap_i64' ? arg.args[0] : undefined,
    );
    if (left === undefined || right === undefined || this.#constant(right) !== 0n) return undefined;
    return isWord(left, this.#instruction, this.#exits.words) ? left : undefined;
  }

  /** Statement: goes to `doubt` unless a condition, 0 or 1, holds; a branch for each part, so that none becomes a number. */
  #unless(condition: Value): Code {
    const constant = this.#constant(condition);
    if (constant !== undefined) return constant === 0n ? br('doubt') : seq();
    if (condition.kind === 'op' && condition.op === 'i32.and')
      return seq(...condition.args.map((arg) => this.#unless(arg)));
    if (condition.kind === 'choose') {
      return when(
        this.#value(condition.condition),
        this.#unless(condition.then),
        this.#unless(condition.otherwise),
      );
    }
    return brIf('doubt', op('i32.eqz', this.#value(condition)));
  }

  #write(file: number, value: Value): Code {
    const local = this.#l.registers.get(file + 2 * this.#instruction.rd);
    return local === undefined ? seq() : set(local, this.#value(value));
  }

  #roundingMode(local: number): Code {
    const mode = (this.#instruction.bits >>> 12) & 7;
    if (mode !== DYNAMIC_MODE) return set(local, i64c(mode));
    return seq(
      set(local, op('i64.shr_u', get(this.#l.fcsr), i64c(5))),
      when(op('i64.gt_u', get(local), i64c(LAST_MODE)), this.#exits.giveUp('roundingMode')),
    );
  }

  /**
   * Statement: makes it certain that an access is allowed, or gives up; behind it, `#host` has what it moves.
   */
  #reach({ kind, address, width }: Access): Code {
    const cache = cacheOf(kind);
    const { access } = this.#exits;
    if (access === undefined)
      return seq(set(this.#l.address, this.#value(address)), this.#lookUp(cache, width));
    return access.leads ? this.#lead(access.group, this.#sum(address, -access.offset)) : seq();
  }

  /** Finds out where a group begins, and that it is in one page. */
  #lead(group: AccessGroup, address: Code): Code {
    const l = this.#l;
    const cache = group.stores ? TLB_STORES : TLB_LOADS;
    const last = 4096 - (group.end - group.start);
    return seq(
      set(l.address, address),
      this.#lookUp(cache, group.width),
      when(op('i32.gt_u', pageOffset(get(l.address)), i32c(last)), this.#exits.giveUp('severalPages')),
      set(l.host(group.number), this.#hostAddress(cache)),
    );
  }

  /** Expression: where what an access moves is, but for `#offset`. */
  #host(kind: Access['kind']): Code {
    const { access } = this.#exits;
    if (access !== undefined) return get(this.#l.host(access.group.number));
    return this.#hostAddress(cacheOf(kind));
  }

  /** Expression: where what an access moves is. */
  #place(kind: Access['kind']): Code {
    return this.#offset === 0 ? this.#host(kind) : op('i32.add', this.#host(kind), i32c(this.#offset));
  }

  get #offset(): number {
    return this.#exits.access?.offset ?? 0;
  }

  /** Gives up unless the TLB holds an aligned access of this width to `address`; sets `entry`. */
  #lookUp(cache: number, width: number): Code {
    const l = this.#l;
    return when(
      op(
        'i64.ne',
        tee(l.tag, op('i64.and', get(l.address), i64c(-4096 | (width - 1)))),
        load('i64.load', tee(l.entry, tlbTag(get(l.bank), get(l.tag))), cache),
      ),
      this.#exits.giveUp('lookUp'),
    );
  }

  #hostAddress(cache: number): Code {
    const l = this.#l;
    return op(
      'i32.add',
      op('i32.wrap_i64', get(l.address)),
      load('i32.load', get(l.entry), cache + TLB_TARGETS),
    );
  }

  #statement(statement: Statement): Code {
    const l = this.#l;
    switch (statement.kind) {
      case 'let':
        return set(this.#locals[statement.local], this.#value(statement.value));
      case 'writeRd':
        return this.#write(HART_X, statement.value);
      case 'writeFd':
        return this.#write(HART_F, statement.value);
      case 'requireFloat':
        // Off is an exception; where it is not Dirty yet, the interpreter makes it so.
        return this.#exits.isFloatChecked
          ? seq()
          : when(op('i32.eqz', get(l.isFloatReady)), this.#exits.giveUp('floatState'));
      case 'roundingMode':
        return this.#roundingMode(this.#locals[statement.local]);
      case 'compute': {
        const { shortcut } = statement;
        if (shortcut === undefined) throw new Error('a routine is not translated');
        return seq(
          block(
            'certain',
            block('doubt', this.#unless(shortcut.condition), br('certain')),
            this.#exits.giveUp(statement.routine),
          ),
          set(this.#locals[statement.local], this.#value(shortcut.value)),
        );
      }
      case 'load': {
        const { width, signed, reserve } = statement;
        const value = load(LOAD_NAMES[`${width}${signed ? 's' : 'u'}`], this.#host('load'), this.#offset);
        return seq(
          this.#reach(statement),
          reserve ? store('i32.store', get(l.hart), this.#place('load'), HART_RESERVATION * 4) : seq(),
          set(this.#locals[statement.local], value),
        );
      }
      case 'store': {
        const { width, value } = statement;
        return seq(
          this.#reach(statement),
          store(STORE_NAMES[width], this.#host('store'), this.#value(value), this.#offset),
        );
      }
      case 'storeConditional': {
        const { width, value } = statement;
        const result = this.#locals[statement.local];
        return seq(
          this.#reach(statement),
          set(l.entry, this.#place('storeConditional')),
          set(result, i64c(1)),
          when(
            op('i32.eq', get(l.entry), load('i32.load', get(l.hart), HART_RESERVATION * 4)),
            seq(store(STORE_NAMES[width], get(l.entry), this.#value(value)), set(result, i64c(0))),
          ),
          store('i32.store', get(l.hart), i32c(0), HART_RESERVATION * 4),
        );
      }
      case 'atomic': {
        const { width } = statement;
        return seq(
          this.#reach(statement),
          set(l.entry, this.#place('atomic')),
          set(this.#locals[statement.local], load(LOAD_NAMES[`${width}s`], get(l.entry))),
          store(STORE_NAMES[width], get(l.entry), this.#value(statement.replacement)),
        );
      }
      case 'branch':
        return seq(when(this.#value(statement.condition), this.#exits.taken()), this.#exits.next());
      case 'jump':
        return seq(set(l.pc, this.#value(statement.target)), this.#exits.indirect());
      case 'jumpRelative':
        return this.#exits.taken();
      default:
        throw new Error(`${statement.kind} is not translated`);
    }
  }
}

/** Offset in a bank of what an access is looked up in. */
const cacheOf = (kind: Access['kind']): number => (kind === 'load' ? TLB_LOADS : TLB_STORES);

/** Whether sums of a number and of others like it are exact in JavaScript. */
const isSmall = (value: bigint): boolean => BigInt.asIntN(48, value) === value;

/** A number added, if it is one. */
const plus = (value: Code, more: number): Code => (more === 0 ? value : op('i64.add', value, i64c(more)));

/** Code of one instruction. Its last statement goes on elsewhere when the shape says so. */
export function lowerInstruction(
  locals: RegionLocals,
  instruction: RegionInstruction,
  exits: InstructionExits,
): Code {
  const code = new InstructionLowering(locals, instruction, exits).lower();
  return (body: FunctionBody) => code(body);
}
