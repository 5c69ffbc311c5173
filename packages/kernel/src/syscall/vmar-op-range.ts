/** `zx_vmar_op_range`. */
import { ZX_RIGHT_NONE, ZX_RIGHT_OP_CHILDREN } from '../abi/rights.js';
import {
  ZX_ERR_ACCESS_DENIED,
  ZX_ERR_BAD_STATE,
  ZX_ERR_INVALID_ARGS,
  ZX_ERR_NOT_FOUND,
  ZX_ERR_NOT_SUPPORTED,
  ZX_ERR_OUT_OF_RANGE,
  ZX_ERR_SHOULD_WAIT,
  ZX_OK,
  type Status,
} from '../abi/status.js';
import {
  ZX_VMAR_OP_ALWAYS_NEED,
  ZX_VMAR_OP_COMMIT,
  ZX_VMAR_OP_DECOMMIT,
  ZX_VMAR_OP_DONT_NEED,
  ZX_VMAR_OP_MAP_RANGE,
  ZX_VMAR_OP_PREFETCH,
  ZX_VMAR_OP_ZERO,
  ZX_VM_PERM_READ,
  ZX_VM_PERM_WRITE,
} from '../abi/vm.js';
import type { Operation } from '../task/waiter.js';
import type { Permissions, VmMapping } from '../vm/vm-mapping.js';
import type { VmarDispatcher } from '../vm/vmar.js';
import {
  commitAtOnce,
  isAtOnce,
  walkPages,
  zeroRange,
  type PageSpan,
  type WalkKind,
} from '../vm/vmo-range.js';
import { numberArg, pageArg, pageOffsetArg, type Caller, type SystemCall } from './call.js';
import { settle } from './user-values.js';
import { sizeArg, vmarHandle } from './vm-args.js';

interface RangeOperation {
  /** What the mapping must be able to become. */
  readonly needs: Permissions;
  /** Whether mappings in sub-regions take part, given OP_CHILDREN. */
  readonly inSubRegions: boolean;
  /** For those that may wait: what is done with each page, after which it is mapped, unless it was zeroed. */
  readonly walk?: WalkKind | 'zero';
  /** For the others. */
  readonly apply?: (mapping: VmMapping, vpn: number, end: number) => Status;
}

const OPERATIONS = new Map<number, RangeOperation>([
  [ZX_VMAR_OP_COMMIT, { needs: ZX_VM_PERM_WRITE, inSubRegions: false, walk: 'commit' }],
  [ZX_VMAR_OP_PREFETCH, { needs: ZX_VM_PERM_READ, inSubRegions: false, walk: 'fetch' }],
  [ZX_VMAR_OP_ALWAYS_NEED, { needs: 0, inSubRegions: true, walk: 'hint' }],
  [ZX_VMAR_OP_DONT_NEED, { needs: 0, inSubRegions: true, apply: dontNeed }],
  [ZX_VMAR_OP_DECOMMIT, { needs: ZX_VM_PERM_WRITE, inSubRegions: false, apply: decommit }],
  [ZX_VMAR_OP_ZERO, { needs: ZX_VM_PERM_WRITE, inSubRegions: true, walk: 'zero' }],
  [
    ZX_VMAR_OP_MAP_RANGE,
    {
      needs: 0,
      inSubRegions: true,
      apply: (mapping, vpn, end) => {
        mapping.space.mapResident(mapping, vpn, end);
        return ZX_OK;
      },
    },
  ],
]);

function decommit(mapping: VmMapping, vpn: number, end: number): Status {
  const { vmo } = mapping;
  if (vmo.kind !== 'anonymous' || vmo.cow.isClone) return ZX_ERR_NOT_SUPPORTED;
  if (mapping.pageAt(end) > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
  if (vmo.cow.anyHeld(mapping.pageAt(vpn), mapping.pageAt(end))) return ZX_ERR_BAD_STATE;
  vmo.cow.decommit(mapping.pageAt(vpn), mapping.pageAt(end));
  return ZX_OK;
}

function dontNeed(mapping: VmMapping, vpn: number, end: number): Status {
  const { vmo } = mapping;
  if (!vmo.isPagerBacked) return ZX_OK;
  const last = Math.min(mapping.pageAt(end), vmo.pages);
  vmo.cow.markDontNeed(vmo.start + mapping.pageAt(vpn), vmo.start + last);
  return ZX_OK;
}

/** Checks every mapping of the range; ZX_OK, or why nothing is done. */
function check(
  caller: Caller,
  vmar: VmarDispatcher,
  operation: RangeOperation,
  vpn: number,
  end: number,
  children: boolean,
): Status {
  const status = vmar.eachMapping(vpn, end, (mapping) => {
    if (mapping.fixed) return ZX_ERR_ACCESS_DENIED;
    if (mapping.parent !== vmar && !(operation.inSubRegions && children)) return ZX_ERR_INVALID_ARGS;
    if ((operation.needs & ~mapping.most) !== 0) return ZX_ERR_ACCESS_DENIED;
    if (operation.walk === undefined || operation.walk === 'hint') return ZX_OK;
    const { vmo } = mapping;
    if (vmo.isPhysical && operation.walk !== 'fetch') return ZX_ERR_NOT_SUPPORTED;
    const first = mapping.pageAt(Math.max(vpn, mapping.vpn));
    const last = mapping.pageAt(Math.min(end, mapping.endVpn));
    if (last > vmo.pages) return ZX_ERR_OUT_OF_RANGE;
    if (caller.mayWaitForPager) return ZX_OK;
    const { cow, start } = vmo;
    const waits =
      operation.walk === 'zero'
        ? cow.tracking?.asksBeforeZero(start + first, start + last) === true
        : cow.wouldWait(start + first, start + last, operation.walk === 'commit' ? 'commit' : 'read');
    return waits ? ZX_ERR_SHOULD_WAIT : ZX_OK;
  });
  // Of a hole.
  return status === ZX_ERR_NOT_FOUND ? ZX_ERR_BAD_STATE : status;
}

/**
 * COMMIT of mappings of which a pager's VMO, for whose pages the caller may not wait, is one; all of them have been checked.
 *
 * @returns as `commitAtOnce`; null: there is no such mapping
 */
function commitMappings(caller: Caller, vmar: VmarDispatcher, vpn: number, end: number): Status | null {
  const spans: PageSpan[] = [];
  let isNeeded = false;
  vmar.eachMapping(vpn, end, (mapping) => {
    const { vmo } = mapping;
    if (isAtOnce(caller, vmo)) isNeeded = true;
    const page = mapping.pageAt(Math.max(vpn, mapping.vpn));
    spans.push({ vmo, page, end: mapping.pageAt(Math.min(end, mapping.endVpn)) });
    return ZX_OK;
  });
  if (!isNeeded) return null;
  const status = commitAtOnce(caller, spans);
  if (status !== ZX_OK) return status;
  return vmar.eachMapping(vpn, end, (mapping) => {
    mapping.space.mapResident(mapping, Math.max(vpn, mapping.vpn), Math.min(end, mapping.endVpn));
    return ZX_OK;
  });
}

/** One mapping after the other; mappings that change meanwhile are found anew. */
function* walk(
  caller: Caller,
  vmar: VmarDispatcher,
  kind: WalkKind | 'zero',
  vpn: number,
  end: number,
): Operation {
  for (let at = vpn; at < end;) {
    if (!vmar.isAlive) return ZX_ERR_BAD_STATE;
    const mapping = vmar.mappingAt(at);
    if (mapping === null) return ZX_ERR_BAD_STATE;
    const last = Math.min(end, mapping.endVpn);
    const stop = Math.min(mapping.pageAt(last), mapping.vmo.pages);
    const page = mapping.pageAt(at);
    const status = yield* settle(
      kind === 'zero'
        ? zeroRange(caller, mapping.vmo, page, 0, { pages: stop - page, rest: 0 })
        : walkPages(caller, kind, { vmo: mapping.vmo, page, end: stop }),
    );
    if (status !== ZX_OK && kind !== 'hint') return status;
    if (kind !== 'zero' && vmar.isAlive && vmar.mappingAt(at) === mapping)
      mapping.space.mapResident(mapping, at, Math.min(last, mapping.endVpn));
    at = last;
  }
  return ZX_OK;
}

function opRange(caller: Caller, args: Uint32Array): Status | Operation {
  const handle = vmarHandle(caller, args[0], ZX_RIGHT_NONE);
  if (typeof handle === 'number') return handle;
  const operation = OPERATIONS.get(args[2]);
  const pages = sizeArg(args, 3);
  if (numberArg(args, 4) !== 0 || numberArg(args, 5) !== 0) return ZX_ERR_INVALID_ARGS;
  if (pageOffsetArg(args, 2) !== 0 || pages === 0) return ZX_ERR_INVALID_ARGS;
  const vmar = handle.object;
  if (!vmar.isAlive) return ZX_ERR_BAD_STATE;
  const vpn = pageArg(args, 2);
  const end = vpn + pages;
  if (!vmar.encloses(vpn, end)) return ZX_ERR_OUT_OF_RANGE;
  if (operation === undefined) return ZX_ERR_INVALID_ARGS;
  const status = check(caller, vmar, operation, vpn, end, (handle.rights & ZX_RIGHT_OP_CHILDREN) !== 0);
  if (status !== ZX_OK) return status;
  if (operation.walk === 'commit') {
    const committed = commitMappings(caller, vmar, vpn, end);
    if (committed !== null) return committed;
  }
  if (operation.walk !== undefined) return walk(caller, vmar, operation.walk, vpn, end);
  return vmar.eachMapping(vpn, end, (mapping) => {
    const apply = operation.apply as (mapping: VmMapping, vpn: number, end: number) => Status;
    return apply(mapping, Math.max(vpn, mapping.vpn), Math.min(end, mapping.endVpn));
  });
}

export const VMAR_OP_RANGE_CALLS: readonly SystemCall[] = [
  {
    name: 'vmar_op_range',
    returns: 'zx_status_t',
    args: [
      'zx_handle_t handle',
      'uint32_t op',
      'zx_vaddr_t address',
      'size_t size',
      'void* buffer',
      'size_t buffer_size',
    ],
    handler: opRange,
  },
];
