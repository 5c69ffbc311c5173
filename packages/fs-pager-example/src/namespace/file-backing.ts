import { closeSync, readSync, readv, readvSync } from 'node:fs';
import type { ByteRange, VmoBacking } from '@faultline/pager-sdk';

/** `sync`: read in place, without a promise; `async`: in the host's thread pool, so that a slow disk stops nobody else. */
export type FileIo = 'sync' | 'async';

/**
 * Reads pages of an open file straight into the frames that will hold them.
 *
 * A file that has shrunk reads short, which fails the request with ZX_ERR_IO_DATA_INTEGRITY: its missing part is never shown as zeros.
 * One whose name was removed goes on being readable, since the descriptor keeps it.
 *
 * Life: owns `descriptor` from construction until `close`.
 */
export class FileBacking implements VmoBacking {
  /** Bytes read from the file so far, counted here and nowhere else. */
  bytesRead = 0;
  /** Reads made of the host. */
  reads = 0;
  private closed = false;

  constructor(
    private readonly descriptor: number,
    private readonly io: FileIo = 'sync',
  ) {}

  /** @returns bytes filled: fewer than asked for when the file ends before */
  read(range: ByteRange, into: readonly Uint8Array[]): number | Promise<number> {
    return this.io === 'sync' ? this.readNow(range, into) : this.readLater(range, into);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.descriptor);
  }

  private readNow(range: ByteRange, into: readonly Uint8Array[]): number {
    let views = into;
    let done = 0;
    for (;;) {
      const first = views[0];
      const position = range.offset + done;
      const count =
        views.length === 1
          ? readSync(this.descriptor, first, 0, first.length, position)
          : readvSync(this.descriptor, views, position);
      this.count(count);
      done += count;
      if (count === 0 || done === range.length) return done;
      views = after(views, count);
    }
  }

  private async readLater(range: ByteRange, into: readonly Uint8Array[]): Promise<number> {
    let views = into;
    let done = 0;
    for (;;) {
      const count = await readvPromise(this.descriptor, views, range.offset + done);
      this.count(count);
      done += count;
      if (count === 0 || done === range.length) return done;
      views = after(views, count);
    }
  }

  private count(bytes: number): void {
    this.reads += 1;
    this.bytesRead += bytes;
  }
}

/** The views without their first `count` bytes. */
function after(views: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  const rest: Uint8Array[] = [];
  for (const view of views) {
    if (skip >= view.length) {
      skip -= view.length;
      continue;
    }
    rest.push(skip === 0 ? view : view.subarray(skip));
    skip = 0;
  }
  return rest;
}

function readvPromise(descriptor: number, views: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    readv(descriptor, views, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
