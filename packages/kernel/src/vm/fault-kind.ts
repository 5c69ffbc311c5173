/** What an access wants. Also the index of the counts of faults. */
export const FAULT_READ = 0;
export const FAULT_WRITE = 1;
export const FAULT_EXECUTE = 2;
/** One of `FAULT_READ`, `FAULT_WRITE`, `FAULT_EXECUTE`. */
export type FaultKind = typeof FAULT_READ | typeof FAULT_WRITE | typeof FAULT_EXECUTE;
