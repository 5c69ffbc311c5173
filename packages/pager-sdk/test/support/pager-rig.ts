import { Kernel, type HostProcess, type KernelOptions } from '@faultline/kernel';
import type { Clock } from '@faultline/mmu-emu';
import { onTestFinished } from 'vitest';
import {
  PagerService,
  type PagerServiceOptions,
  type PagerVmo,
  type RequestFailure,
} from '../../src/index.js';

export const PAGE = 4096;

/** A clock of the world outside that the test moves. */
export class TestClock implements Clock {
  /** Nanoseconds. */
  time = 0;

  now(): number {
    return this.time;
  }

  retire(): void {}

  skipTo(): boolean {
    return false;
  }
}

/** A kernel with a pager service whose failures are kept. */
export interface PagerRig {
  readonly kernel: Kernel;
  readonly host: HostProcess;
  readonly service: PagerService;
  readonly failures: RequestFailure[];
  /** Reads through `zx_vmo_read`, waiting for the pager. */
  read(vmo: PagerVmo, offset: number, length: number): Promise<{ status: number; bytes: Uint8Array }>;
}

export async function pagerRig(
  options: PagerServiceOptions = {},
  kernelOptions: KernelOptions = {},
): Promise<PagerRig> {
  const kernel = await Kernel.create({ ramBytes: 16 * 2 ** 20, ...kernelOptions });
  onTestFinished(() => kernel.close());
  const host = kernel.createHostProcess('test', { pagerBlocking: 'allow' });
  const failures: RequestFailure[] = [];
  const service = new PagerService(host, { onError: (failure) => failures.push(failure), ...options });
  return {
    kernel,
    host,
    service,
    failures,
    async read(vmo, offset, length) {
      const bytes = new Uint8Array(length).fill(0xee);
      const { status } = await host.vmoRead(vmo.handle, bytes, offset);
      return { status, bytes };
    },
  };
}

/** Bytes that tell where they belong: each 64-bit word holds its VMO's tag and its own position. */
export function tagged(tag: number, offset: number, length: number): Uint8Array {
  const whole = new DataView(new ArrayBuffer(Math.ceil(length / 8) * 8));
  for (let position = 0; position < whole.byteLength; position += 8) {
    whole.setUint32(position, tag, true);
    whole.setUint32(position + 4, offset + position, true);
  }
  return new Uint8Array(whole.buffer, 0, length);
}

/** Fills views with what `tagged` gives. */
export function fillTagged(tag: number, offset: number, into: readonly Uint8Array[]): void {
  let position = offset;
  for (const view of into) {
    view.set(tagged(tag, position, view.length));
    position += view.length;
  }
}

/** Lets everything that is ready happen, promises and host turns alike. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A read of a backing that the test answers when it likes. */
export interface HeldRead {
  readonly offset: number;
  readonly length: number;
  readonly into: readonly Uint8Array[];
  readonly signal: AbortSignal;
  resolve(): void;
  reject(error: unknown): void;
}

/** A backing whose reads wait for the test. */
export function heldBacking(): {
  held: HeldRead[];
  closed: () => boolean;
  backing: import('../../src/index.js').VmoBacking;
} {
  const held: HeldRead[] = [];
  let closed = false;
  return {
    held,
    closed: () => closed,
    backing: {
      read: ({ offset, length }, into, { signal }) =>
        new Promise<void>((resolve, reject) => held.push({ offset, length, into, signal, resolve, reject })),
      close: () => {
        closed = true;
      },
    },
  };
}
