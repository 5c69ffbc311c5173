import { INSTRUCTIONS, instructionByName } from '../isa/table.js';
import type { InstructionSpec } from '../isa/instruction.js';
import { SemanticsBuilder } from '../isa/semantics.js';
import { FIRST_HANDLER } from './record.js';

/** A handler of the interpreter: one instruction, of one length, with one way of reaching its target. */
export interface Handler {
  readonly spec: InstructionSpec;
  readonly length: 2 | 4;
  /** The target is known to be in the same page. */
  readonly near: boolean;
}

/** What a handler does. Made when it is asked for: to decode, only the handlers' numbers are needed. */
export function descriptionOf({ spec }: Handler): SemanticsBuilder {
  const builder = new SemanticsBuilder();
  spec.semantics!(builder);
  return builder;
}

const expanded = new Set(INSTRUCTIONS.map((spec) => spec.expansion?.name));

/** Every handler; its number is its index plus FIRST_HANDLER. */
export const HANDLERS: readonly Handler[] = INSTRUCTIONS.filter((spec) => spec.semantics).flatMap((spec) => {
  const hasTarget = spec.operands.some(({ kind }) => kind === 'target');
  const lengths: readonly (2 | 4)[] = expanded.has(spec.name) ? [4, 2] : [4];
  return lengths.flatMap((length) =>
    (hasTarget ? [false, true] : [false]).map((near) => ({ spec, length, near })),
  );
});

/** Numbers of an instruction's handlers. `near` is the same as `far` for one without a target. */
export interface HandlerNumbers {
  readonly far: number;
  readonly near: number;
}

const numbers = new Map<string, HandlerNumbers>();
HANDLERS.forEach((handler, index) => {
  if (handler.near) return;
  const next = HANDLERS[index + 1];
  const far = FIRST_HANDLER + index;
  numbers.set(`${handler.spec.name}/${handler.length}`, { far, near: next?.near ? far + 1 : far });
});

/** The handlers of an encoding's instruction, compressed or not. */
export function handlersOf(spec: InstructionSpec): HandlerNumbers {
  const target = spec.expansion ? instructionByName(spec.expansion.name)! : spec;
  return numbers.get(`${target.name}/${spec.length}`)!;
}
