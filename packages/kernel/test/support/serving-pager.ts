/** A pager on the host that answers at once, or when it is told to. */
import { expect } from 'vitest';
import { ZX_PAGER_OP_FAIL } from '../../src/abi/pager.js';
import { ZX_PAGER_VMO_READ } from '../../src/abi/port.js';
import { ZX_OK, type Status } from '../../src/abi/status.js';
import type { HostProcess } from '../../src/host/host-process.js';

const PAGE = 4096;

export class ServingPager {
  readonly pager: number;
  readonly port: number;
  /** Page requests as [first page, pages], in order. */
  readonly requests: [number, number][] = [];
  private stop: (() => void) | null = null;

  constructor(
    private readonly host: HostProcess,
    /** What a page holds in each of its bytes. */
    private readonly fill: (page: number) => number = (page) => page + 1,
  ) {
    this.pager = host.pagerCreate(0).handle;
    this.port = host.portCreate(0).handle;
  }

  createVmo(pages: number): number {
    const { status, handle } = this.host.pagerCreateVmo(this.pager, 0, this.port, 1n, pages * PAGE);
    expect(status).toBe(ZX_OK);
    return handle;
  }

  /** From now on, every request is answered when it comes. */
  serve(vmo: number): void {
    this.stop = this.host.onPortPacket(this.port, () => {
      for (const [page, pages] of this.take()) this.supply(vmo, page, pages);
    });
  }

  /** No request is answered any more. */
  pause(): void {
    this.stop?.();
    this.stop = null;
  }

  /** Requests that lie on the port now. */
  take(): [number, number][] {
    const taken: [number, number][] = [];
    for (;;) {
      const { packet } = this.host.portTryWait(this.port);
      if (packet === null) break;
      if (packet.pageRequest?.command !== ZX_PAGER_VMO_READ) continue;
      taken.push([packet.pageRequest.offset / PAGE, packet.pageRequest.length / PAGE]);
    }
    this.requests.push(...taken);
    return taken;
  }

  supply(vmo: number, page: number, pages: number): void {
    const aux = this.host.vmoCreate(pages * PAGE, 0).handle;
    const bytes = new Uint8Array(pages * PAGE);
    for (let index = 0; index < pages; index += 1)
      bytes.fill(this.fill(page + index), index * PAGE, (index + 1) * PAGE);
    expect(this.host.call('vmo_write', aux, bytes, 0, bytes.length)).toBe(ZX_OK);
    expect(this.host.pagerSupplyPages(this.pager, vmo, page * PAGE, pages * PAGE, aux, 0).status).toBe(ZX_OK);
    this.host.handleClose(aux);
  }

  fail(vmo: number, page: number, pages: number, status: Status): void {
    const { host, pager } = this;
    expect(host.pagerOpRange(pager, ZX_PAGER_OP_FAIL, vmo, page * PAGE, pages * PAGE, status).status).toBe(
      ZX_OK,
    );
  }
}

/** Lets everything that is under way on the host come to rest. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
