import { describe, expect, it } from 'vitest';
import {
  INFO_MAPS_BASE,
  INFO_MAPS_BYTES,
  INFO_MAPS_SIZE,
  INFO_MAPS_TYPE,
  ZX_INFO_MAPS_TYPE_ASPACE,
  ZX_INFO_MAPS_TYPE_MAPPING,
  ZX_INFO_PROCESS_MAPS,
} from '../../src/abi/info.js';
import { ZX_ERR_BAD_STATE, ZX_OK } from '../../src/abi/status.js';
import { ZX_VM_PERM_READ } from '../../src/abi/vm.js';
import { Kernel } from '../../src/kernel.js';

describe('ZX_INFO_PROCESS_MAPS', () => {
  it('lists the address space first and what is mapped in it, and nothing of a dead process', async () => {
    const kernel = await Kernel.create({ ramBytes: 16 << 20 });
    const host = kernel.createHostProcess('host');
    const { handle: job } = host.rootJob();
    const { status, process, vmar } = host.processCreate(job, 'mapped', 0);
    expect(status).toBe(ZX_OK);
    const { handle: vmo } = host.vmoCreate(8192, 0);
    const { address } = host.vmarMap(vmar, ZX_VM_PERM_READ, 0, vmo, 0, 8192);

    const records = new Uint8Array(3 * INFO_MAPS_BYTES);
    expect(host.objectGetInfo(process, ZX_INFO_PROCESS_MAPS, records)).toMatchObject({
      status: ZX_OK,
      actual: 3,
      available: 3,
    });
    const view = new DataView(records.buffer);
    expect(view.getUint32(INFO_MAPS_TYPE, true)).toBe(ZX_INFO_MAPS_TYPE_ASPACE);
    const last = 2 * INFO_MAPS_BYTES;
    expect(view.getUint32(last + INFO_MAPS_TYPE, true)).toBe(ZX_INFO_MAPS_TYPE_MAPPING);
    expect(view.getBigUint64(last + INFO_MAPS_BASE, true)).toBe(BigInt(address));
    expect(view.getBigUint64(last + INFO_MAPS_SIZE, true)).toBe(8192n);

    host.taskKill(process);
    expect(host.objectGetInfo(process, ZX_INFO_PROCESS_MAPS, records).status).toBe(ZX_ERR_BAD_STATE);
    kernel.close();
  });
});
