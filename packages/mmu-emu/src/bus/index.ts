export { Bus } from './bus.js';
export type { AccessWidth, Device } from './bus.js';
export type { DeviceHost, Timer } from './device-host.js';
export { GuestMemory } from './guest-memory.js';
