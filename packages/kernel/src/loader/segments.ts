import { PAGE_SIZE } from '@faultline/mmu-emu';
import type { ElfImage, ElfSegment } from '@faultline/mmu-emu';
import {
  ZX_VM_ALLOW_FAULTS,
  ZX_VM_CAN_MAP_EXECUTE,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_CAN_MAP_SPECIFIC,
  ZX_VM_CAN_MAP_WRITE,
  ZX_VM_PERM_EXECUTE,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
  ZX_VM_SPECIFIC,
  ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE,
  ZX_VMO_OP_ZERO,
} from '../abi/vm.js';
import type { WaitOptions } from '../host/host-caller.js';
import type { HostProcess } from '../host/host-process.js';
import type { HandleBag } from './handle-bag.js';
import { require } from './requirement.js';

const REGION_OPTIONS =
  ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_EXECUTE | ZX_VM_CAN_MAP_SPECIFIC;

/** Where a program's segments are to go. */
export interface SegmentTarget {
  readonly host: HostProcess;
  /** Handles to close in the end. */
  readonly bag: HandleBag;
  /** The root VMAR of the process. */
  readonly vmar: number;
  /** The file, with READ, MAP, EXECUTE and DUPLICATE. */
  readonly file: number;
  readonly wait: WaitOptions;
}

const pagesUp = (bytes: number): number => Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
const pagesDown = (bytes: number): number => bytes - (bytes % PAGE_SIZE);

/**
 * Maps the segments of a program into a region of its own, at a place of the region's choice. Code and constants are the file's own
 * pages; what can be written is a clone of them; what the file does not have is anonymous. Nothing is read, save the last page
 * of a segment whose rest has to be zero.
 *
 * @returns what to add to the addresses in the file
 * @throws {KernelError} `cannot-start`
 */
export async function mapSegments(target: SegmentTarget, image: ElfImage): Promise<number> {
  const { host, bag, vmar } = target;
  const low = pagesDown(image.lowestVaddr);
  const region = host.vmarAllocate(vmar, REGION_OPTIONS, 0, pagesUp(image.endVaddr) - low);
  require(region.status, 'room for the program');
  bag.add(region.handle);
  for (const segment of image.segments) await mapSegment(target, region.handle, low, segment);
  return region.address - low;
}

async function mapSegment(
  target: SegmentTarget,
  region: number,
  low: number,
  segment: ElfSegment,
): Promise<void> {
  const { host, bag, file } = target;
  const start = pagesDown(segment.vaddr);
  const lead = segment.vaddr - start;
  const fileStart = pagesDown(segment.fileOffset);
  const fileEnd = segment.fileBytes === 0 ? 0 : lead + segment.fileBytes;
  const filePart = pagesUp(fileEnd);
  const memoryPart = pagesUp(lead + segment.memoryBytes);
  const hasZeros = segment.memoryBytes > segment.fileBytes && fileEnd < filePart;
  const options =
    ZX_VM_SPECIFIC |
    ZX_VM_ALLOW_FAULTS |
    ZX_VM_PERM_READ |
    (segment.writable ? ZX_VM_PERM_WRITE : 0) |
    (segment.executable ? ZX_VM_PERM_EXECUTE : 0);
  const map = (vmo: number, offset: number, at: number, length: number): void => {
    require(host.vmarMap(region, options, at - low, vmo, offset, length).status, 'mapping a segment');
  };

  if (filePart > 0) {
    if (!segment.writable && !hasZeros) {
      map(file, fileStart, start, filePart);
    } else {
      const clone = host.vmoCreateChild(file, ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, fileStart, filePart);
      require(clone.status, 'a clone of the data');
      bag.add(clone.handle);
      if (hasZeros) {
        const wait = { ...target.wait, mayWaitForPager: true };
        const zero = await host.vmoOpRange(clone.handle, ZX_VMO_OP_ZERO, fileEnd, filePart - fileEnd, wait);
        require(zero.status, 'zeros after the data');
      }
      // A clone cannot be executed; the rest of such a page is not code.
      map(segment.executable ? executableClone(target, clone.handle) : clone.handle, 0, start, filePart);
    }
  }
  if (memoryPart > filePart) {
    const zeros = host.vmoCreate(memoryPart - filePart, 0);
    require(zeros.status, 'zeroed memory');
    bag.add(zeros.handle);
    map(
      segment.executable ? executableClone(target, zeros.handle) : zeros.handle,
      0,
      start + filePart,
      memoryPart - filePart,
    );
  }
}

function executableClone({ host, bag }: SegmentTarget, vmo: number): number {
  const executable = host.vmoReplaceAsExecutable(vmo);
  bag.forget(vmo);
  require(executable.status, 'executable memory');
  bag.add(executable.handle);
  return executable.handle;
}
