import type { Hart } from '../../hart/hart.js';
import { countOfHex, numberOfHex } from './hexadecimal.js';

/** What the harts are to do until one stops. A hart that is in neither list stands still. */
export interface Resumption {
  readonly continuing: readonly Hart[];
  /** Each steps once; with a range, for as long as its pc lies in `[from, to)`. */
  readonly stepping: readonly { readonly hart: Hart; readonly range?: { from: bigint; to: bigint } }[];
}

interface Action {
  readonly kind: string;
  readonly range: { readonly from: bigint; readonly to: bigint } | undefined;
  /** undefined for all. */
  readonly hart: Hart | undefined;
}

/** GDB numbers threads from 1. */
export function threadOf(hart: Hart): string {
  return (hart.id + 1).toString(16);
}

/** The hart of a thread's number; 'any' for 0, 'all' for -1, undefined for one that does not exist. */
export function hartOfThread(harts: readonly Hart[], text: string): Hart | 'any' | 'all' | undefined {
  if (text === '-1') return 'all';
  const number = countOfHex(text);
  if (number === 0) return 'any';
  return number === undefined ? undefined : harts[number - 1];
}

/**
 * Reads the actions of a `vCont` packet; for each hart the first that names it counts.
 * @param any the hart that is meant where any will do. @param text what follows `vCont;`.
 * @returns undefined when it cannot be understood.
 */
export function readActions(harts: readonly Hart[], any: Hart, text: string): Resumption | undefined {
  const actions: Action[] = [];
  for (const part of text.split(';')) {
    const action = readAction(harts, any, part);
    if (action === undefined) return undefined;
    actions.push(action);
  }
  const continuing: Hart[] = [];
  const stepping: { hart: Hart; range?: { from: bigint; to: bigint } }[] = [];
  for (const hart of harts) {
    const action = actions.find((candidate) => candidate.hart === undefined || candidate.hart === hart);
    if (action === undefined || action.kind === 't') continue;
    if (action.kind === 'c') continuing.push(hart);
    else stepping.push(action.range === undefined ? { hart } : { hart, range: action.range });
  }
  return { continuing, stepping };
}

function readAction(harts: readonly Hart[], any: Hart, text: string): Action | undefined {
  // A signal of C and S means nothing here: there is nobody to deliver it to.
  const match =
    /^(?:([cst])|([CS])[0-9a-fA-F]{2}|r([0-9a-fA-F]+),([0-9a-fA-F]+))(?::(-?[0-9a-fA-F]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, plain, signalled, from, to, thread] = match as readonly (string | undefined)[];
  const named = thread === undefined ? 'all' : hartOfThread(harts, thread);
  if (named === undefined) return undefined;
  const hart = named === 'all' ? undefined : named === 'any' ? any : named;
  if (from === undefined) {
    return { kind: (plain ?? signalled ?? '').toLowerCase(), range: undefined, hart };
  }
  const [first, end] = [numberOfHex(from), numberOfHex(to)];
  return first === undefined || end === undefined
    ? undefined
    : { kind: 'r', range: { from: first, to: end }, hart };
}
