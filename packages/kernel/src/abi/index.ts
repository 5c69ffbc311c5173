/** Every number of Zircon's ABI that the kernel knows, in one place. */
export * from './abi-limits.js';
export * from './channel.js';
export * from './exceptions.js';
export * from './info.js';
export * from './log.js';
export * from './object-types.js';
export * from './pager.js';
export * from './port.js';
export * from './processargs.js';
export * from './properties.js';
export * from './resource.js';
export * from './rights.js';
export * from './signals.js';
export * from './status.js';
export * from './task.js';
export * from './time.js';
export * from './vm.js';
