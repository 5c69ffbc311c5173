import { PAGE_SIZE } from '@faultline/mmu-emu';
import {
  ZX_RIGHTS_BASIC,
  ZX_RIGHT_EXECUTE,
  ZX_RIGHT_GET_PROPERTY,
  ZX_RIGHT_MAP,
  ZX_RIGHT_READ,
} from '../abi/rights.js';
import type { KernelCore } from '../kernel-core.js';
import { Handle } from '../object/handle-table.js';
import { CALL_TABLE } from '../syscall/table.js';
import { buildVdso, type VdsoImage } from '../syscall/vdso.js';
import type { VdsoFacts } from '../syscall/vdso-functions.js';
import { VmoDispatcher } from '../vm/vm-object.js';

/** The vDSO as an object that processes map: nobody can write to it. */
export interface VdsoObject {
  readonly image: VdsoImage;
  /** The kernel's own handle; others are made from it. */
  readonly handle: Handle;
}

const VDSO_RIGHTS = ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_EXECUTE | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY;

let latest: { readonly facts: VdsoFacts; readonly image: VdsoImage } | null = null;

/** The image for a machine. Nobody writes to it; that of the last machine is kept for the next one like it, since assembling takes a while. */
export function vdsoImage(facts: VdsoFacts): VdsoImage {
  const known = latest?.facts;
  if (
    latest === null ||
    known?.ramBytes !== facts.ramBytes ||
    known.harts !== facts.harts ||
    known.version !== facts.version
  )
    latest = { facts, image: buildVdso(CALL_TABLE, facts) };
  return latest.image;
}

/** Puts the image into a VMO, of which the code is known to the kernel as the place of system calls. */
export function vdsoObject(core: KernelCore, image: VdsoImage): VdsoObject {
  const pages = image.bytes.length / PAGE_SIZE;
  const codePage = image.codeOffset / PAGE_SIZE;
  const vmo = VmoDispatcher.anonymous(core, pages);
  vmo.objectName.set(new TextEncoder().encode('vdso/libzircon.so'));
  const handle = new Handle(vmo, VDSO_RIGHTS);
  for (let page = 0; page < pages; page += 1) {
    const frame = vmo.cow.frameForWrite(page);
    if (frame < 0) throw new Error(`there is no memory for the vDSO: status ${frame}`);
    core.vm.physical.ram.writable(frame).set(image.bytes.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE));
  }
  vmo.fixedCode = { page: codePage, pages: pages - codePage };
  return { image, handle };
}
