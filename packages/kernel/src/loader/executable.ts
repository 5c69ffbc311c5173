import { ElfError, findNote, parseElf, type ElfImage } from '@faultline/mmu-emu';
import { ZX_OK, type Status } from '../abi/status.js';
import { ZX_USER_ASPACE_SIZE } from '../abi/vm.js';
import type { HostProcess } from '../host/host-process.js';
import type { WaitOptions } from '../host/host-caller.js';
import { KernelError } from '../kernel-error.js';

/** What the headers of a program say. */
export interface Executable {
  readonly image: ElfImage;
  /** The program knows about pagers: its system calls may wait for one. */
  readonly mayWaitForPagers: boolean;
}

/** Read first; the headers of most programs are in it. */
const HEAD_BYTES = 4096;
/** A program whose headers are not within this is refused. */
const LONGEST_HEAD = 65_536;
const NOTE_OWNER = 'Faultline';
const NOTE_TYPE = 1;
const NOTE_MAY_WAIT = 1;

/**
 * Reads and checks the headers of a program, and no more of it.
 *
 * @throws {KernelError} `bad-executable`, with the field of the file that is wrong; `cannot-start`, when it cannot be read
 */
export async function readExecutable(host: HostProcess, vmo: number, wait: WaitOptions): Promise<Executable> {
  const { status, size } = host.vmoGetStreamSize(vmo);
  if (status !== ZX_OK) throw cannotRead(status);
  for (let length = HEAD_BYTES; ; length *= 4) {
    const head = new Uint8Array(Math.min(length, size));
    const read = await host.vmoRead(vmo, head, 0, { ...wait, mayWaitForPager: true });
    if (read.status !== ZX_OK) throw cannotRead(read.status);
    try {
      return check(head, size);
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
      if (error.code === 'head-too-short' && length < Math.min(LONGEST_HEAD, size)) continue;
      throw new KernelError('bad-executable', error.message, { field: error.field, cause: error });
    }
  }
}

function check(head: Uint8Array, fileBytes: number): Executable {
  const image = parseElf(head, { fileBytes });
  if (image.type !== 'dyn') {
    throw new ElfError(
      'unsupported',
      'e_type',
      'the program is linked to fixed addresses; a static PIE is needed',
    );
  }
  if (image.endVaddr > ZX_USER_ASPACE_SIZE / 2) {
    throw new ElfError('does-not-fit', 'p_memsz', 'the program is larger than half of the address space');
  }
  const writableCode = image.segments.findIndex((segment) => segment.writable && segment.executable);
  if (writableCode >= 0) {
    throw new ElfError(
      'unsupported',
      `p_flags[${writableCode}]`,
      'a segment is both writable and executable',
    );
  }
  const note = findNote(head, image, NOTE_OWNER, NOTE_TYPE);
  return { image, mayWaitForPagers: note !== undefined && ((note[0] ?? 0) & NOTE_MAY_WAIT) !== 0 };
}

function cannotRead(status: Status): KernelError {
  return new KernelError('cannot-start', `the executable cannot be read: status ${status}`, { status });
}
