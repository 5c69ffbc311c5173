/** A guest program in a web page, every page of it and of its data supplied by a pager in the same page. */
import {
  Kernel,
  LOG_RECORD_DATA,
  LOG_RECORD_DATALEN,
  PA_HND,
  PA_USER1,
  ZX_LOG_FLAG_READABLE,
  ZX_RIGHT_SAME_RIGHTS,
  ZX_RSRC_SYSTEM_DEBUGLOG_BASE,
} from '@faultline/kernel';
import { PagerError, PagerService } from '@faultline/pager-sdk';

const PAGE = 4096;

/** What pager-client expects (guest/programs/pager-check.h). */
function pattern(key, page) {
  const words = new BigUint64Array(PAGE / 8);
  const seed = key ^ BigInt.asUintN(64, page * 0x9e37_79b9_7f4a_7c15n);
  for (let i = 0; i < words.length; i += 1) words[i] = seed + BigInt(i) * 0xbf58_476d_1ce4_e5b9n;
  words[0] = key;
  words[1] = page;
  return new Uint8Array(words.buffer);
}

/**
 * Runs /pager-client.elf of the server.
 *
 * @param {number} key of its data
 * @param {number} pages of its data; the last one is refused
 */
export async function run(key, pages) {
  const elf = new Uint8Array(await (await fetch('/pager-client.elf')).arrayBuffer());
  const kernel = await Kernel.create({ ramBytes: 16 * 2 ** 20 });
  const host = kernel.createHostProcess('page', { pagerBlocking: 'allow' });
  const service = new PagerService(host);
  const resource = host.systemResource(ZX_RSRC_SYSTEM_DEBUGLOG_BASE).handle;
  const log = host.debuglogCreate(resource, ZX_LOG_FLAG_READABLE).handle;

  const program = service.createVmo(
    {
      async read({ offset, length }) {
        await Promise.resolve();
        return elf.subarray(offset, offset + length);
      },
    },
    { size: elf.length },
  );
  const data = service.createVmo(
    {
      read({ offset }, into) {
        let page = offset / PAGE;
        for (const view of into) {
          for (let at = 0; at < view.length; at += PAGE, page += 1) {
            if (page === pages - 1) throw new PagerError('data-integrity', 'the last page is refused');
            view.set(pattern(BigInt(key), BigInt(page)), at);
          }
        }
      },
    },
    { size: pages * PAGE },
  );
  const executable = host.vmoReplaceAsExecutable(
    host.handleDuplicate(program.handle, ZX_RIGHT_SAME_RIGHTS).handle,
  ).handle;
  const given = host.handleDuplicate(data.handle, ZX_RIGHT_SAME_RIGHTS).handle;
  const started = await kernel.startProcess(host, {
    name: 'client',
    executable,
    arguments: ['client', String(key), String(pages)],
    handles: [{ info: PA_HND(PA_USER1, 0), handle: given }],
  });
  if (started.error !== null) throw started.error;
  const { outcome } = await kernel.run();
  let output = '';
  for (let { record } = host.debuglogRead(log); record !== null; { record } = host.debuglogRead(log)) {
    const length = record[LOG_RECORD_DATALEN] + 256 * record[LOG_RECORD_DATALEN + 1];
    output += `${new TextDecoder().decode(record.subarray(LOG_RECORD_DATA, LOG_RECORD_DATA + length))}\n`;
  }
  const { returnCode } = host.processInfo(started.process);
  const { pagesSupplied } = service.metrics;
  await service.closeAndSettle();
  kernel.close();
  return {
    outcome,
    output,
    returnCode: String(returnCode),
    pagesSupplied,
    programPages: Math.ceil(elf.length / PAGE),
  };
}
