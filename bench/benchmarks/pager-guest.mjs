/**
 * Page faults that a guest process answers for another: it waits on its port, tags pages of an auxiliary VMO that it has mapped, and
 * supplies them, one page and sixteen pages at a time.
 */
import {
  Kernel,
  PACKET_REQUEST_COMMAND,
  PACKET_REQUEST_OFFSET,
  PAGE_SIZE,
  ZX_PAGER_VMO_READ,
  ZX_RIGHT_SAME_RIGHTS,
} from '@faultline/kernel';
import { AsmProcess, DATA, FREE, ok, vdsoEntries } from '../guests/asm-process.mjs';
import { tagPage, touchPages } from '../guests/touching-pages.mjs';
import { summarize } from '../statistics.mjs';

const PAGES = 16_384;
const WARM_UP_ROUNDS = 6;
const CASES = [{ pages: 1, target: 100_000 }, { pages: 16 }];

/** Where in its page of data the pager has its handles, and the packet. */
const HANDLES = DATA;
const PACKET = DATA + 64;
const ACTUAL = DATA + 128;
/** Counts requests, for the host to see. */
const REQUESTS = 256;

const SOURCE = (pages) => `
    li   a1, 0
    li   a2, 0
    li   a3, ${HANDLES}
    li   a4, 0
    li   a5, 4
    li   a6, ${ACTUAL}
    li   a7, ${ACTUAL + 4}
    call zx_channel_read
    bnez a0, wrong
    li   s0, ${HANDLES}
    lwu  s1, 0(s0)
    lwu  s2, 4(s0)
    lwu  s3, 8(s0)
    lwu  s4, 12(s0)
    li   s5, ${PACKET}
    li   s6, ${PAGE_SIZE}
    li   s9, 0
serve:
    mv   a0, s2
    li   a1, 0x7fffffffffffffff
    mv   a2, s5
    call zx_port_wait
    bnez a0, wrong
    lhu  t0, ${PACKET_REQUEST_COMMAND}(s5)
    li   t1, ${ZX_PAGER_VMO_READ}
    bne  t0, t1, wrong
    addi s9, s9, 1
    sd   s9, ${REQUESTS}(s0)
    ld   s7, ${PACKET_REQUEST_OFFSET}(s5)
    srli t2, s7, 12
    li   t3, ${FREE}
    li   t4, ${pages}
fill:
    ${tagPage('t5', 't2')}
    sd   t5, 0(t3)
    addi t2, t2, 1
    add  t3, t3, s6
    addi t4, t4, -1
    bnez t4, fill
    mv   a0, s1
    mv   a1, s3
    mv   a2, s7
    li   a3, ${pages * PAGE_SIZE}
    mv   a4, s4
    li   a5, 0
    call zx_pager_supply_pages
    beqz a0, serve
wrong:
    call zx_process_exit
`;

export async function run({ rounds }) {
  const kernel = await Kernel.create({ ramBytes: 160 << 20 });
  try {
    const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
    const entries = await vdsoEntries(kernel, host);
    const rows = [];
    for (const { pages, target } of CASES) {
      const ours = [];
      for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
        const time = await serve(kernel, host, entries, pages);
        if (round >= 0) ours.push(PAGES / time.cpu);
      }
      rows.push({
        what: `pages served by another guest, ${pages} a fault`,
        unit: 'pages / CPU s',
        ours: summarize(ours),
        ...(target === undefined ? {} : { target }),
      });
    }
    return {
      rows,
      notes: ['pages come as zeros from the kernel, and the guest pager writes one word of each'],
    };
  } finally {
    kernel.close();
  }
}

async function serve(kernel, host, entries, pages) {
  const pager = ok(host.pagerCreate(0)).handle;
  const port = ok(host.portCreate(0)).handle;
  const vmo = ok(host.pagerCreateVmo(pager, 0, port, 1n, PAGES * PAGE_SIZE)).handle;
  const aux = ok(host.vmoCreate(pages * PAGE_SIZE, 0)).handle;
  const { handles } = ok(host.channelCreate(0));
  const served = ok(host.handleDuplicate(vmo, ZX_RIGHT_SAME_RIGHTS)).handle;
  const server = await AsmProcess.start(kernel, host, entries, SOURCE(pages), {
    name: 'pager',
    argument: handles[1],
    mappings: [{ address: FREE, vmo: aux, bytes: pages * PAGE_SIZE, writable: true }],
  });
  // The handles belong to the pager from here on.
  ok(host.channelWrite(handles[0], 0, new Uint8Array(0), [pager, port, served, aux]));
  const time = await touchPages(kernel, host, entries, vmo, PAGES);
  const requests = await server.word(REQUESTS);
  if (requests !== BigInt(PAGES / pages)) throw new Error(`the pager was asked ${requests} times`);
  server.end();
  for (const handle of [vmo, handles[0]]) host.handleClose(handle);
  return time;
}
