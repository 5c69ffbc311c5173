/** The generated part of the headers for guests: prototypes of all calls, and the list of names that the vDSO is searched for. */
import { CALL_TABLE } from './table.js';
import { UNSUPPORTED_CALLS, type CallDeclaration } from './unsupported.js';
import { VDSO_FUNCTIONS } from './vdso-functions.js';

const NOTICE =
  '/* Generated from the table of system calls (packages/kernel/src/syscall/table.ts) by npm run guests. */\n';

/** Every call that programs can name: those of the kernel, those of the vDSO, and those that are refused. */
export function guestCalls(): readonly CallDeclaration[] {
  const offered: CallDeclaration[] = [
    ...CALL_TABLE.filter((call) => call.internal !== true),
    ...VDSO_FUNCTIONS,
  ];
  const names = new Set(offered.map((call) => call.name));
  return [...offered, ...UNSUPPORTED_CALLS.filter((call) => !names.has(call.name))];
}

/** One prototype: `extern zx_status_t zx_handle_close(zx_handle_t handle);` */
export function prototypeOf(call: CallDeclaration): string {
  const args = call.args.length === 0 ? 'void' : call.args.join(', ');
  const attribute = call.noreturn === true ? ' __attribute__((__noreturn__))' : '';
  return `extern ${call.returns} zx_${call.name}(${args})${attribute};`;
}

/** The files of `guest/include/zircon/generated/`, by name. Calls are in alphabetical order, so that a new one changes one line. */
export function guestHeaders(): Readonly<Record<string, string>> {
  const calls = [...guestCalls()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    'syscalls.inc': `${NOTICE}${calls.map((call) => `${prototypeOf(call)}\n`).join('')}`,
    'vdso-calls.inc': `${NOTICE}${calls.map((call) => `VDSO_CALL(zx_${call.name})\n`).join('')}`,
  };
}
