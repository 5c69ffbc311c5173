export { VirtioBlock } from './virtio-block.js';
export type { BlockStore } from './virtio-block.js';
export { VirtioConsole } from './virtio-console.js';
export { VIRTIO_BASE, VIRTIO_STRIDE, VirtioMmio } from './virtio-mmio.js';
export type { VirtioFunction, VirtioQueues } from './virtio-mmio.js';
export { VirtioRandom } from './virtio-random.js';
export type { BufferChain } from './virtqueue.js';
