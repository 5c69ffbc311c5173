/**
 * What the debugging variant of the interpreter does more, as WebAssembly: it asks before an instruction whose place in
 * its page is marked, around an access to a marked part of a page, and tells of each exception before it is taken.
 *
 * Marks are coarse, by the lowest 12 bits of addresses, which virtual and physical ones have in common: whoever is asked
 * compares exactly. They lie in the first page of the machine's memory:
 *
 * ```
 *   DEBUG_INSTRUCTIONS   2048 bytes, one a halfword of a page: not 0 to ask
 *   DEBUG_ACCESSES       u64, a bit for each 64 bytes of a page: 1 to ask
 * ```
 */

import { HART_DEFERRED, HART_LEFT, HART_PC } from '../hart/state.js';
import type { Statement, Value } from '../isa/semantics.js';
import { DEBUG_ACCESSES, DEBUG_INSTRUCTIONS } from '../memory-layout.js';
import { call, get, i32c, i64c, load, op, seq, set, store, tee, when } from '../wasm/code.js';
import type { Code } from '../wasm/function-body.js';
import type { DebugIndices } from './imports.js';
import type { RunLocals } from './lower.js';
import { RECORD_HANDLER } from './record.js';

/** What an access does; both for an atomic one. */
export const DEBUG_READ = 1;
export const DEBUG_WRITE = 2;

const BLOCK_BYTES = 64;

/**
 * Before the instruction at `rec`, which `left` still counts; `stop` ends the slice there. A record that is not decoded yet
 * leads to the fetch, and back here.
 */
export function beforeInstruction(debug: DebugIndices, l: RunLocals, pc: Code, stop: Code): Code {
  const low = op('i32.add', op('i32.wrap_i64', get(l.pcBase)), op('i32.shr_u', get(l.rec), i32c(3)));
  const halfword = op('i32.and', op('i32.shr_u', low, i32c(1)), i32c(2047));
  return when(
    load('i32.load8_u', halfword, DEBUG_INSTRUCTIONS),
    when(
      load('i32.load16_u', get(l.rec), RECORD_HANDLER),
      seq(
        store('i64.store', get(l.hart), pc, HART_PC * 4),
        store('i32.store', get(l.hart), get(l.left), HART_LEFT * 4),
        when(call(debug.instruction, get(l.hart)), stop),
      ),
    ),
  );
}

/** An access of a description: where, how much, what it does, and afterwards its value and whether it happened. */
interface Access {
  readonly address: Code;
  readonly bytes: number;
  readonly kind: number;
  readonly value: Code;
  readonly happened: Code | null;
}

/** How the parts of a description become code. */
export interface DescriptionCode {
  value(value: Value): Code;
  local(index: number): Code;
}

function accessOf(statement: Statement, code: DescriptionCode): Access | null {
  switch (statement.kind) {
    case 'load': {
      const { address, width, local } = statement;
      const value = code.local(local);
      return { address: code.value(address), bytes: width, kind: DEBUG_READ, value, happened: null };
    }
    case 'store': {
      const { address, width } = statement;
      const value = code.value(statement.value);
      return { address: code.value(address), bytes: width, kind: DEBUG_WRITE, value, happened: null };
    }
    case 'storeConditional': {
      const { address, width } = statement;
      const value = code.value(statement.value);
      const happened = op('i64.eqz', code.local(statement.local));
      return { address: code.value(address), bytes: width, kind: DEBUG_WRITE, value, happened };
    }
    case 'atomic': {
      const { address, width, replacement } = statement;
      // From the old value, which the access has left in its local.
      const value = code.value(replacement);
      const kind = DEBUG_READ | DEBUG_WRITE;
      return { address: code.value(address), bytes: width, kind, value, happened: null };
    }
    case 'cacheBlock': {
      if (statement.operation !== 'zero') return null;
      const address = op('i64.and', code.value(statement.address), i64c(-BLOCK_BYTES));
      return { address, bytes: BLOCK_BYTES, kind: DEBUG_WRITE, value: i64c(0), happened: null };
    }
    default:
      return null;
  }
}

/** A statement, asked about before and told about after; a trap leaves in between. The slice ends when it shall. */
export function aroundAccess(
  debug: DebugIndices,
  l: RunLocals,
  statement: Statement,
  plain: Code,
  code: DescriptionCode,
): Code {
  const access = accessOf(statement, code);
  if (access === null) return plain;
  const { bytes, kind, value, happened } = access;
  const marked = (last: number): Code =>
    op(
      'i64.shr_u',
      load('i64.load', i32c(0), DEBUG_ACCESSES),
      op('i64.shr_u', op('i64.add', access.address, i64c(last)), i64c(6)),
    );
  const either = op('i32.wrap_i64', op('i64.or', marked(0), marked(bytes - 1)));
  const asked = set(l.observed, call(debug.access, get(l.hart), access.address, i32c(bytes), i32c(kind)));
  const endSlice = when(
    get(l.left),
    seq(store('i32.store', get(l.hart), get(l.left), HART_DEFERRED * 4), set(l.left, i32c(0))),
  );
  const told = when(call(debug.accessed, get(l.hart), value), endSlice);
  return seq(
    when(tee(l.observed, op('i32.and', either, i32c(1))), asked),
    plain,
    when(get(l.observed), happened === null ? told : when(happened, told)),
  );
}
