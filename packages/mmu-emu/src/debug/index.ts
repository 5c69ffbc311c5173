export { Debugger } from './debugger.js';
export type { DebugStop } from './debugger.js';
export type {
  TracedAccess,
  TracedInstruction,
  TracedRegister,
  TracedTrap,
  TraceEvent,
} from './instruction-trace.js';
export type { AddressKind, Breakpoint, WatchedAccess, Watchpoint } from './points.js';
export { readRegister, writeRegister } from './registers.js';
export { GdbSession } from './gdb/gdb-session.js';
export type { GdbSessionState } from './gdb/gdb-session.js';
