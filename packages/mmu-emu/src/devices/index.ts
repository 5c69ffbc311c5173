export { AclintMswi, AclintMtimer, AclintSswi } from './aclint.js';
export { CLINT_BASE, CLINT_BYTES, makeClint } from './clint.js';
export { Plic, PLIC_BASE, PLIC_SOURCES } from './plic.js';
export { TEST_FINISHER_BASE, TestFinisher } from './test-finisher.js';
export type { TestFinisherOptions } from './test-finisher.js';
export { UART_BASE, Uart16550 } from './uart-16550.js';
export type { Uart16550Options } from './uart-16550.js';
