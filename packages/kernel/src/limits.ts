/** Bounds on everything that a guest can make grow. Each has a status when it is reached. */
export interface KernelLimits {
  /** Handles of one process: ZX_ERR_NO_RESOURCES. */
  readonly handlesPerProcess: number;
  /** Handles of all processes: ZX_ERR_NO_RESOURCES. */
  readonly handles: number;
  /** Processes alive: ZX_ERR_NO_RESOURCES. */
  readonly processes: number;
  /** Threads of one process: ZX_ERR_NO_RESOURCES. */
  readonly threadsPerProcess: number;
  /** Kernel objects alive in all: ZX_ERR_NO_MEMORY. */
  readonly objects: number;
  /** User packets queued on one port: ZX_ERR_SHOULD_WAIT. */
  readonly portPackets: number;
  /** User packets queued on all ports: ZX_ERR_NO_MEMORY. */
  readonly packets: number;
  /** Asynchronous waits on one port, from `zx_object_wait_async` until their packet is read: ZX_ERR_NO_RESOURCES. */
  readonly observersPerPort: number;
  /** Asynchronous waits in all: ZX_ERR_NO_RESOURCES. */
  readonly observers: number;
  /** Messages queued in one direction of a channel: ZX_ERR_SHOULD_WAIT. */
  readonly channelMessages: number;
  /** Bytes queued in one direction of a channel: ZX_ERR_SHOULD_WAIT. */
  readonly channelBytes: number;
  /** Bytes queued in all channels, and 256 for each message and 64 for each handle in it: ZX_ERR_NO_MEMORY. */
  readonly messageBytes: number;
  /** Mappings and sub-regions of one address space: ZX_ERR_NO_RESOURCES. */
  readonly mappingsPerProcess: number;
  /** Mappings and sub-regions of all address spaces: ZX_ERR_NO_RESOURCES. */
  readonly mappings: number;
  /** Frames of page tables of one address space: ZX_ERR_NO_MEMORY. */
  readonly pageTableFrames: number;
  /** Nodes of page lists in all (one covers up to 16 pages): ZX_ERR_NO_MEMORY. */
  readonly pageListNodes: number;
  /** Ranges of zeros without pages, of all pagers' VMOs: ZX_ERR_NO_MEMORY. */
  readonly zeroRanges: number;
  /** Observers on one object: ZX_ERR_NO_RESOURCES. */
  readonly observersPerObject: number;
  /** Records kept in the debug log; the oldest go first. */
  readonly logRecords: number;
  /** Frames lent to backings in all: ZX_ERR_NO_RESOURCES. */
  readonly lentFrames: number;
  /** Frames pinned in all: ZX_ERR_UNAVAILABLE. */
  readonly pinnedFrames: number;
  /** Fewer free frames than these: clean pages of pagers' VMOs are evicted, by age. 0: one frame in 64, at least 32. */
  readonly evictBelowFrames: number;
  /** Eviction goes on until so many frames are free. 0: twice `evictBelowFrames`. */
  readonly evictToFrames: number;
}

export const DEFAULT_LIMITS: KernelLimits = {
  handlesPerProcess: 65_536,
  handles: 1_048_576,
  processes: 1_024,
  threadsPerProcess: 16_384,
  objects: 1_048_576,
  portPackets: 4_096,
  packets: 262_144,
  observersPerPort: 16_384,
  observers: 262_144,
  channelMessages: 3_500,
  channelBytes: 16 * 1024 * 1024,
  messageBytes: 256 * 1024 * 1024,
  mappingsPerProcess: 65_536,
  mappings: 1_048_576,
  pageTableFrames: 16_384,
  pageListNodes: 4_194_304,
  zeroRanges: 262_144,
  observersPerObject: 16_384,
  logRecords: 4_096,
  lentFrames: 16_384,
  pinnedFrames: 65_536,
  evictBelowFrames: 0,
  evictToFrames: 0,
};
