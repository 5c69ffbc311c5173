export { Bus } from './bus.js';
export type { AccessWidth, Device } from './bus.js';
