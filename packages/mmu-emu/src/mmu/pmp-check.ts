/**
 * Physical memory protection, as WebAssembly: whether an access may be made.
 *
 * The entries that match anything are a list in the hart's state, in order of priority, made anew when one of the
 * registers changes (hart/pmp.ts):
 *
 * ```
 *   i64 first address   i64 address after the last   i32 permissions   i32 unused
 *   permissions: bits 0 to 2 R, W, X below machine mode; bits 3 to 5 the same in machine mode
 * ```
 *
 * @see The RISC-V Instruction Set Manual, Volume II, "Physical Memory Protection"
 */

import { HART_PMP_COUNT, HART_PMP_TABLE } from '../hart/state.js';
import { brIf, get, i32c, load, loop, op, ret, seq, set, tee, when } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';

/** The permissions are not there. */
export const PMP_DENIED = 0;
export const PMP_ALLOWED = 1;
/** The first entry that matches a byte of the range does not match all of it. A denial, if the range is one access. */
export const PMP_MIXED = 2;

/** How far the permissions of machine mode are from the others. */
export const PMP_MACHINE_SHIFT = 3;
/** Bytes of an entry of the list, and where in one the permissions are. */
export const PMP_ENTRY_BYTES = 24;
const PERMISSIONS = 16;

/**
 * `pmpCheck(hart, paddr, bytes, need)`: PMP_ALLOWED, PMP_DENIED or PMP_MIXED. `need` is a set of permissions of one kind.
 */
export function buildPmpCheck(): FunctionBody {
  const f = new FunctionBody(4);
  const [hart, first, bytes, need] = [get(0), get(1), get(2), get(3)];
  const end = f.local('i64');
  const entry = f.local('i32');
  const left = f.local('i32');
  seq(
    set(end, op('i64.add', first, bytes)),
    set(entry, op('i32.add', hart, i32c(HART_PMP_TABLE * 4))),
    set(left, load('i32.load', hart, HART_PMP_COUNT * 4)),
    loop(
      'entry',
      when(
        get(left),
        seq(
          when(
            op(
              'i32.and',
              op('i64.lt_u', load('i64.load', get(entry)), get(end)),
              op('i64.lt_u', first, load('i64.load', get(entry), 8)),
            ),
            seq(
              when(
                op(
                  'i32.or',
                  op('i64.gt_u', load('i64.load', get(entry)), first),
                  op('i64.gt_u', get(end), load('i64.load', get(entry), 8)),
                ),
                ret(i32c(PMP_MIXED)),
              ),
              ret(op('i32.eq', op('i32.and', load('i32.load', get(entry), PERMISSIONS), need), need)),
            ),
          ),
          set(entry, op('i32.add', get(entry), i32c(PMP_ENTRY_BYTES))),
          brIf('entry', tee(left, op('i32.sub', get(left), i32c(1)))),
        ),
      ),
    ),
    // What no entry matches, machine mode may do, and nobody else.
    op('i32.ge_u', need, i32c(1 << PMP_MACHINE_SHIFT)),
  )(f);
  return f;
}
