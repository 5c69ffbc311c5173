export { TEST_FINISHER_BASE, TestFinisher } from './test-finisher.js';
export type { TestFinisherOptions } from './test-finisher.js';
export { UART_BASE, Uart16550 } from './uart-16550.js';
export type { Uart16550Options } from './uart-16550.js';
