/**
 * Lowers an instruction's description to a handler of the interpreter.
 *
 * Operands come from the record that `rec` points to; registers are in the hart's state. A handler ends by setting
 * `rec` to the next record and branching to `next`, or by setting `pc` and branching to `fetch`.
 */

import { CAUSE_ILLEGAL_INSTRUCTION } from '../hart/causes.js';
import { HELPER_END_SLICE, HELPER_TRAP } from '../hart/helper-result.js';
import { MSTATUS_FS } from '../hart/mstatus.js';
import { HART_ARGUMENTS, HART_BITS, HART_CAUSE, HART_DATA_BANK, HART_DEFERRED, HART_FCSR, HART_LEFT, HART_MSTATUS, HART_PC, HART_PRIVILEGE, HART_RESERVATION, HART_TVAL } from '../hart/state.js'; // prettier-ignore
import type { MemoryWidth, SemanticsBuilder, Statement, Value, ValueType } from '../isa/semantics.js';
import { ACCESS_LOAD, ACCESS_STORE, tlbTag } from '../mmu/translate.js';
import { CACHE_BLOCK_BITS } from '../mmu/cache-block.js';
import { makeFloatStateDirty } from '../softfloat/float-state.js';
import { STATUS_TRAP } from '../mmu/memory-access.js';
import { TLB_LOADS, TLB_STORES, TLB_TARGETS } from '../mmu/tlb.js';
import { br, brIf, call, choose, get, getGlobal, i32c, i64c, load, op, ret, seq, set, store, tee, when } from '../wasm/code.js'; // prettier-ignore
import type { Code, FunctionBody } from '../wasm/function-body.js';
import { LOAD_NAMES, STORE_NAMES } from '../wasm/opcodes.js';
import { aroundAccess } from './debug-hooks.js';
import { descriptionOf } from './handlers.js';
import type { Handler } from './handlers.js';
import type { CoreIndices } from './imports.js';
import { recordOf } from './places.js';
import { RECORD_BITS, RECORD_BYTES, RECORD_IMM, RECORD_RD, RECORD_RS1, RECORD_RS2 } from './record.js';

/** Result of the module's `run`: the budget is used up, or a device ended the slice. */
export const RUN_BUDGET = 0;
/** A trap of a hosted hart. */
export const RUN_TRAP = 1;
/** A helper ended the slice. */
export const RUN_END_SLICE = 2;

/** Locals of `run` that handlers share. */
export interface RunLocals {
  readonly hart: number;
  readonly left: number;
  readonly rec: number;
  /** Data bank of the TLB. */
  readonly bank: number;
  /** pc of a record is `pcBase + (rec >>> 3)`. */
  readonly pcBase: number;
  /** Virtual address of the page that `rec` is in, or 1 for none. */
  readonly page: number;
  /** Address of that page's first record. */
  readonly pageRecords: number;
  readonly pc: number;
  readonly address: number;
  readonly value: number;
  readonly entry: number;
  readonly status: number;
  /** Of the debugging variant: whether somebody wants to know of the access under way. */
  readonly observed: number;
  /** With regions: arrivals are counted while they are below this. 0 where a slice or a trap begins or ends: no jump led there. */
  readonly countBelow: number;
  /** Shared by the locals of descriptions. */
  readonly temporaries: Readonly<Record<ValueType, readonly number[]>>;
}

const SIGN_EXTENSIONS: Readonly<Record<number, string>> = {
  1: 'i64.extend8_s',
  2: 'i64.extend16_s',
  4: 'i64.extend32_s',
};

/** pc of the current record. */
export const currentPc = (l: RunLocals): Code =>
  op('i64.add', get(l.pcBase), op('i64.extend_i32_u', op('i32.shr_u', get(l.rec), i32c(3))));

/** Code that raises an illegal-instruction exception for the current record. */
export const raiseIllegal = (l: RunLocals): Code =>
  seq(
    store('i64.store', get(l.hart), load('i64.load32_u', get(l.rec), RECORD_BITS), HART_TVAL * 4),
    store('i32.store', get(l.hart), i32c(CAUSE_ILLEGAL_INSTRUCTION), HART_CAUSE * 4),
    br('trap'),
  );

/** The rounding mode of an instruction that takes it from fcsr, and the last mode that there is. */
export const DYNAMIC_MODE = 7;
export const LAST_MODE = 4;

class HandlerLowering {
  readonly #l: RunLocals;
  readonly #indices: CoreIndices;
  readonly #handler: Handler;
  readonly #description: SemanticsBuilder;
  readonly #locals: number[] = [];
  /** Where a jump leads: to the look-up of a region, if there are any. */
  readonly #arrive: 'arrive' | 'next';
  /** Where straight-line code goes on. */
  readonly #next: 'arrive' | 'next';
  #callsHelper = false;

  constructor(locals: RunLocals, indices: CoreIndices, handler: Handler) {
    this.#l = locals;
    this.#indices = indices;
    this.#handler = handler;
    this.#description = descriptionOf(handler);
    this.#arrive = indices.regions === null ? 'next' : 'arrive';
    this.#next = indices.regions?.everywhere === true ? 'arrive' : 'next';
    const used: Record<ValueType, number> = { i32: 0, i64: 0, f32: 0, f64: 0 };
    for (const type of this.#description.locals) {
      const local = locals.temporaries[type][used[type]++];
      if (local === undefined) throw new Error(`${handler.spec.name} has too many locals`);
      this.#locals.push(local);
    }
  }

  lower(): Code {
    const { statements } = this.#description;
    const parts = statements.map((statement) => this.#observed(statement));
    return seq(...parts, this.#callsHelper ? this.#finishHelper() : this.#advance());
  }

  /** To the following record. */
  #advance(): Code {
    const step = (this.#handler.length / 2) * RECORD_BYTES;
    return seq(set(this.#l.rec, op('i32.add', get(this.#l.rec), i32c(step))), br(this.#next));
  }

  /** To the address in `pc`. */
  #goToPc(): Code {
    const l = this.#l;
    return seq(
      when(
        op('i64.eq', op('i64.and', get(l.pc), i64c(-4096)), get(l.page)),
        seq(set(l.rec, recordOf(get(l.pageRecords), l.pc)), br(this.#arrive)),
      ),
      br('fetch'),
    );
  }

  /** To pc + imm. A branch forward is no place where a loop or a function begins: no `always`. */
  #goToTarget(always: boolean): Code {
    const l = this.#l;
    if (this.#handler.near) {
      const distance = op('i32.shl', load('i32.load', get(l.rec), RECORD_IMM), i32c(3));
      const move = set(l.rec, op('i32.add', get(l.rec), tee(l.entry, distance)));
      if (this.#arrive === this.#next || always) return seq(move, br(this.#arrive));
      return seq(move, brIf('arrive', op('i32.lt_s', get(l.entry), i32c(0))), br('next'));
    }
    return seq(set(l.pc, op('i64.add', currentPc(l), this.#operand('imm'))), this.#goToPc());
  }

  #operand(name: string): Code {
    const l = this.#l;
    const field = (offset: number): Code => load('i32.load16_u', get(l.rec), offset);
    const bits = load('i32.load', get(l.rec), RECORD_BITS);
    const slice = (shift: number, mask: number): Code =>
      op('i64.extend_i32_u', op('i32.and', op('i32.shr_u', bits, i32c(shift)), i32c(mask)));
    switch (name) {
      case 'rs1':
      case 'frs1':
        return load('i64.load', op('i32.add', get(l.hart), field(RECORD_RS1)));
      case 'rs2':
      case 'frs2':
        return load('i64.load', op('i32.add', get(l.hart), field(RECORD_RS2)));
      case 'frs3':
        return load('i64.load', op('i32.add', get(l.hart), load('i32.load', get(l.rec), RECORD_IMM)));
      case 'fcsr':
        return load('i64.load32_u', get(l.hart), HART_FCSR * 4);
      case 'imm':
        return load('i64.load32_s', get(l.rec), RECORD_IMM);
      case 'pc':
        return currentPc(l);
      case 'nextPc':
        return op('i64.add', currentPc(l), i64c(this.#handler.length));
      case 'bits':
        return load('i64.load32_u', get(l.rec), RECORD_BITS);
      case 'csr':
        return slice(20, 0xfff);
      case 'rs1Index':
        return slice(15, 31);
      case 'rdIndex':
        return slice(7, 31);
      default:
        throw new Error(`no operand ${name}`);
    }
  }

  #value(value: Value): Code {
    switch (value.kind) {
      case 'const':
        return value.type === 'i32' ? i32c(Number(value.value)) : i64c(value.value);
      case 'operand':
        return this.#operand(value.name);
      case 'local':
        return get(this.#locals[value.index]);
      case 'op':
        return op(value.op, ...value.args.map((arg) => this.#value(arg)));
      case 'choose':
        return choose(
          value.type,
          this.#value(value.condition),
          this.#value(value.then),
          this.#value(value.otherwise),
        );
    }
  }

  /** After a slow access: leave on a trap; give the rest of the budget away when the slice shall end. */
  #checkStatus(): Code {
    const l = this.#l;
    const { status } = this.#indices;
    return when(
      getGlobal(status),
      seq(
        brIf('trap', op('i32.eq', getGlobal(status), i32c(STATUS_TRAP))),
        store('i32.store', get(l.hart), get(l.left), HART_DEFERRED * 4),
        set(l.left, i32c(0)),
      ),
    );
  }

  /** Sets `value` and `entry`; gives whether the tag is that of an aligned access of this width to `address`. */
  #tlbHit(cache: number, width: MemoryWidth): Code {
    const l = this.#l;
    return op(
      'i64.eq',
      tee(l.value, op('i64.and', get(l.address), i64c(-4096 | (width - 1)))),
      load('i64.load', tee(l.entry, tlbTag(get(l.bank), get(l.value))), cache),
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

  #load(statement: Statement & { readonly kind: 'load' }): Code {
    const l = this.#l;
    const { width, signed } = statement;
    const result = this.#locals[statement.local];
    const name = LOAD_NAMES[`${width}${signed ? 's' : 'u'}`];
    if (statement.reserve) {
      return seq(
        this.#atomicAddress(statement.address, width, ACCESS_LOAD),
        store('i32.store', get(l.hart), get(l.entry), HART_RESERVATION * 4),
        set(result, load(name, get(l.entry))),
      );
    }
    const slow = call(this.#indices.slowLoad, get(l.hart), get(l.address), i32c(width));
    const extension = signed ? SIGN_EXTENSIONS[width] : undefined;
    return seq(
      set(l.address, this.#value(statement.address)),
      when(
        this.#tlbHit(TLB_LOADS, width),
        set(result, load(name, this.#hostAddress(TLB_LOADS))),
        seq(this.#keepLeft(), set(result, extension ? op(extension, slow) : slow), this.#checkStatus()),
      ),
    );
  }

  #store(statement: Statement & { readonly kind: 'store' }): Code {
    const l = this.#l;
    const { width } = statement;
    const value = this.#value(statement.value);
    return seq(
      set(l.address, this.#value(statement.address)),
      when(
        this.#tlbHit(TLB_STORES, width),
        store(STORE_NAMES[width], this.#hostAddress(TLB_STORES), value),
        seq(
          this.#keepLeft(),
          call(this.#indices.slowStore, get(l.hart), get(l.address), i32c(width), value),
          this.#checkStatus(),
        ),
      ),
    );
  }

  /** A device may ask what time it is. */
  #keepLeft(): Code {
    const { hart, left } = this.#l;
    return store('i32.store', get(hart), op('i32.add', get(left), i32c(1)), HART_LEFT * 4);
  }

  /** Host address of an atomic access into `entry`. */
  #atomicAddress(address: Value, width: MemoryWidth, access: number): Code {
    const l = this.#l;
    return brIf(
      'trap',
      op(
        'i32.eqz',
        tee(
          l.entry,
          call(this.#indices.atomicAddress, get(l.hart), this.#value(address), i32c(width), i32c(access)),
        ),
      ),
    );
  }

  #observed(statement: Statement): Code {
    const code = this.#statement(statement);
    const { debug } = this.#indices;
    if (debug === null) return code;
    return aroundAccess(debug, this.#l, statement, code, {
      value: (value) => this.#value(value),
      local: (index) => get(this.#locals[index]),
    });
  }

  #statement(statement: Statement): Code {
    const l = this.#l;
    switch (statement.kind) {
      case 'let':
        return set(this.#locals[statement.local], this.#value(statement.value));
      case 'writeRd':
        return this.#writeRegister(statement.value);
      case 'writeFd':
        return seq(this.#writeRegister(statement.value), makeFloatStateDirty(l.hart));
      case 'requireFloat':
        return when(
          op('i32.eqz', op('i32.and', load('i32.load', get(l.hart), HART_MSTATUS * 4), i32c(MSTATUS_FS))),
          raiseIllegal(l),
        );
      case 'roundingMode':
        return this.#roundingMode(this.#locals[statement.local]);
      case 'load':
        return this.#load(statement);
      case 'store':
        return this.#store(statement);
      case 'storeConditional': {
        const result = this.#locals[statement.local];
        return seq(
          this.#atomicAddress(statement.address, statement.width, ACCESS_STORE),
          set(result, i64c(1)),
          when(
            op('i32.eq', get(l.entry), load('i32.load', get(l.hart), HART_RESERVATION * 4)),
            seq(
              store(STORE_NAMES[statement.width], get(l.entry), this.#value(statement.value)),
              set(result, i64c(0)),
            ),
          ),
          store('i32.store', get(l.hart), i32c(0), HART_RESERVATION * 4),
        );
      }
      case 'atomic': {
        const { width } = statement;
        return seq(
          this.#atomicAddress(statement.address, width, ACCESS_STORE),
          set(this.#locals[statement.local], load(LOAD_NAMES[`${width}s`], get(l.entry))),
          store(STORE_NAMES[width], get(l.entry), this.#value(statement.replacement)),
        );
      }
      case 'compute': {
        const args = statement.args.map((arg) => this.#value(arg));
        const result = call(this.#indices.routines[statement.routine], get(l.hart), ...args);
        const { shortcut } = statement;
        return set(
          this.#locals[statement.local],
          shortcut === undefined
            ? result
            : choose('i64', this.#value(shortcut.condition), this.#value(shortcut.value), result),
        );
      }
      case 'cacheBlock':
        return brIf(
          'trap',
          op(
            'i32.eqz',
            call(
              this.#indices.cacheBlock,
              get(l.hart),
              this.#value(statement.address),
              i32c(CACHE_BLOCK_BITS[statement.operation]),
              load('i32.load', get(l.rec), RECORD_BITS),
            ),
          ),
        );
      case 'branch':
        return when(this.#value(statement.condition), this.#goToTarget(false));
      case 'jump':
        return seq(set(l.pc, this.#value(statement.target)), this.#goToPc());
      case 'jumpRelative':
        return this.#goToTarget(true);
      case 'trap':
        return seq(
          store('i64.store', get(l.hart), this.#value(statement.tval), HART_TVAL * 4),
          store('i32.store', get(l.hart), this.#cause(statement.cause), HART_CAUSE * 4),
          br('trap'),
        );
      case 'helper':
        return this.#helper(statement);
    }
  }

  #writeRegister(value: Value): Code {
    const l = this.#l;
    const address = op('i32.add', get(l.hart), load('i32.load16_u', get(l.rec), RECORD_RD));
    return store('i64.store', address, this.#value(value));
  }

  #roundingMode(local: number): Code {
    const l = this.#l;
    const field = op('i64.shr_u', load('i64.load32_u', get(l.rec), RECORD_BITS), i64c(12));
    return when(
      op('i64.eq', tee(local, op('i64.and', field, i64c(7))), i64c(DYNAMIC_MODE)),
      when(
        op(
          'i64.gt_u',
          tee(local, op('i64.shr_u', load('i64.load32_u', get(l.hart), HART_FCSR * 4), i64c(5))),
          i64c(LAST_MODE),
        ),
        raiseIllegal(l),
      ),
    );
  }

  /** Environment calls have the causes 8, 9 and 11: 8 plus the privilege. */
  #cause(cause: Value): Code {
    if (cause.kind === 'const' && cause.value >= 0n) return i32c(Number(cause.value));
    return op('i32.add', load('i32.load', get(this.#l.hart), HART_PRIVILEGE * 4), i32c(8));
  }

  #helper(statement: Statement & { readonly kind: 'helper' }): Code {
    const l = this.#l;
    this.#callsHelper = true;
    const result = statement.local === undefined ? undefined : this.#locals[statement.local];
    return seq(
      ...statement.args.map((arg, i) =>
        store('i64.store', get(l.hart), this.#value(arg), (HART_ARGUMENTS + 2 * i) * 4),
      ),
      store('i32.store', get(l.hart), load('i32.load', get(l.rec), RECORD_BITS), HART_BITS * 4),
      store('i64.store', get(l.hart), currentPc(l), HART_PC * 4),
      store('i32.store', get(l.hart), op('i32.add', get(l.left), i32c(1)), HART_LEFT * 4),
      set(l.status, call(this.#indices.helpers[statement.helper], get(l.hart))),
      brIf('trap', op('i32.eq', get(l.status), i32c(HELPER_TRAP))),
      result === undefined ? seq() : set(result, load('i64.load', get(l.hart), HART_ARGUMENTS * 4)),
    );
  }

  #finishHelper(): Code {
    const l = this.#l;
    return seq(
      when(
        get(l.status),
        seq(
          set(l.pc, load('i64.load', get(l.hart), HART_PC * 4)),
          set(l.bank, load('i32.load', get(l.hart), HART_DATA_BANK * 4)),
          set(l.countBelow, i32c(0)),
          when(
            op('i32.eq', get(l.status), i32c(HELPER_END_SLICE)),
            seq(store('i32.store', get(l.hart), get(l.left), HART_LEFT * 4), ret(i32c(RUN_END_SLICE))),
          ),
          br('fetch'),
        ),
      ),
      this.#advance(),
    );
  }
}

/** Code of a handler, to be placed where `next`, `arrive` (with regions), `fetch` and `trap` are labels. */
export function lowerHandler(locals: RunLocals, indices: CoreIndices, handler: Handler): Code {
  // Made when it is written out: hundreds of these alive at a time keep the garbage collector busy.
  return (body: FunctionBody) => new HandlerLowering(locals, indices, handler).lower()(body);
}
