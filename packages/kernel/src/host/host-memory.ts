import { ZX_ERR_NOT_FOUND, ZX_OK, type Status } from '../abi/status.js';
import type { UserMemory } from '../task/user-memory.js';

/** Distance between the starts of two segments: a segment's number is the high word of its addresses. */
const SEGMENT_STRIDE = 0x1_0000_0000;
/** Room for the results of one call that are not buffers of the caller. */
const SCRATCH_BYTES = 512;

/**
 * The memory of a host call: pointers are positions in segments.
 *
 * Segment 1 is a scratch area, where out-parameters live; the segments after it are buffers that the caller gave, and are
 * read and written in place. Address 0 and everything outside the segments is unmapped. Nothing here ever waits.
 */
export class HostMemory implements UserMemory {
  private readonly scratch = new Uint8Array(SCRATCH_BYTES);
  private readonly scratchView = new DataView(this.scratch.buffer);
  private readonly segments: Uint8Array[] = [this.scratch];
  private used = 0;

  /** Forgets everything: the next call begins. */
  reset(): void {
    this.used = 0;
    this.segments.length = 1;
  }

  /** Makes a buffer addressable, in place. @returns its address */
  add(buffer: Uint8Array): number {
    this.segments.push(buffer);
    return this.segments.length * SEGMENT_STRIDE;
  }

  /** Takes `bytes` zeroed bytes of the scratch area, on an 8-byte boundary. @returns their position in it */
  reserve(bytes: number): number {
    const position = this.used;
    if (position + bytes > SCRATCH_BYTES) throw new RangeError('too many results for one call');
    this.used = (position + bytes + 7) & ~7;
    this.scratch.fill(0, position, position + bytes);
    return position;
  }

  /** Address of a position in the scratch area. */
  addressOf(position: number): number {
    return SEGMENT_STRIDE + position;
  }

  u32(position: number): number {
    return this.scratchView.getUint32(position, true);
  }

  i32(position: number): number {
    return this.scratchView.getInt32(position, true);
  }

  u64(position: number): bigint {
    return this.scratchView.getBigUint64(position, true);
  }

  /** A u64 that is known to be below 2^53; larger values are rounded. */
  number(position: number): number {
    return this.u32(position + 4) * 0x1_0000_0000 + this.u32(position);
  }

  setU32(position: number, value: number): void {
    this.scratchView.setUint32(position, value, true);
  }

  setU64(position: number, value: bigint): void {
    this.scratchView.setBigUint64(position, value, true);
  }

  /** The scratch bytes at a position: valid until the call is over. */
  bytes(position: number, length: number): Uint8Array {
    return this.scratch.subarray(position, position + length);
  }

  view(address: number, length: number): Uint8Array | null {
    const segment = this.segments[Math.floor(address / SEGMENT_STRIDE) - 1];
    const offset = address % SEGMENT_STRIDE;
    if (segment === undefined || offset >= segment.length) return null;
    return segment.subarray(offset, Math.min(segment.length, offset + length));
  }

  fault(address: number): Status {
    return this.view(address, 1) === null ? ZX_ERR_NOT_FOUND : ZX_OK;
  }
}
