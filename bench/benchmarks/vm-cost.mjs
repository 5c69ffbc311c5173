/**
 * How the cost of an operation grows with what it should not depend on: each is timed with little and with much of that, interleaved,
 * and the figure is the quotient. 1 is what is aimed at; a target of 2 leaves room for a logarithm and for caches.
 */
import {
  Kernel,
  PAGE_SIZE,
  ZX_VMO_CHILD_SNAPSHOT,
  ZX_VMO_OP_COMMIT,
  ZX_VMO_OP_DECOMMIT,
  ZX_VMO_OP_ZERO,
  ZX_VM_CAN_MAP_READ,
  ZX_VM_COMPACT,
  ZX_VM_MAP_RANGE,
  ZX_VM_PERM_READ,
  ZX_VM_SPECIFIC,
} from '@faultline/kernel';
import { ok } from '../guests/asm-process.mjs';
import { median, summarize } from '../statistics.mjs';

/** CPU time shorter than this is not told apart from none. */
const LEAST_MICROSECONDS = 20_000;
const MAPPED_AT = 0x40_0000_0000 >> 1;

export async function run({ rounds }) {
  const kernel = await Kernel.create({ ramBytes: 512 << 20, limits: { mappingsPerProcess: 200_000 } });
  try {
    const host = kernel.createHostProcess('bench', { pagerBlocking: 'allow' });
    const rows = [];
    const notes = [];
    for (const [what, make, little, much] of OPERATIONS) {
      const few = await make(host, little);
      const many = await make(host, much);
      const ratios = [];
      /** @type {[number[], number[]]} */
      const times = [[], []];
      for (let round = -1; round < rounds; round += 1) {
        const a = time(few);
        const b = time(many);
        if (round < 0) continue;
        ratios.push(b / a);
        times[0].push(a);
        times[1].push(b);
      }
      rows.push({ what, unit: 'times', ours: summarize(ratios), target: 2 });
      notes.push(`${what}: ${times.map((list) => `${median(list).toFixed(2)} us`).join(', ')}`);
    }
    return { rows, notes };
  } finally {
    kernel.close();
  }
}

/** Microseconds of CPU time that one call takes. */
function time(operation) {
  const { parts = 1 } = operation;
  for (let calls = parts > 1 ? 1 : 64; ; calls *= 4) {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call += 1) operation(call);
    const { user, system } = process.cpuUsage(before);
    if (user + system >= LEAST_MICROSECONDS) return (user + system) / (calls * parts);
  }
}

/** A VMO with `resident` pages at its start. */
async function vmoWith(host, pages, resident) {
  const vmo = ok(host.vmoCreate(pages * PAGE_SIZE, 0)).handle;
  ok(await host.vmoOpRange(vmo, ZX_VMO_OP_COMMIT, 0, resident * PAGE_SIZE));
  return vmo;
}

async function snapshots(host, resident) {
  const vmo = await vmoWith(host, resident, resident);
  return () =>
    host.handleClose(ok(host.vmoCreateChild(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, resident * PAGE_SIZE)).handle);
}

/** Of the mapping 64 pages are in page tables. */
async function unmapping(host, pages) {
  const vmo = await vmoWith(host, pages, 64);
  const { vmar } = ok(host.processCreate(host.rootJob().handle, 'unmapping', 0));
  const options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE;
  return () => {
    const { address } = ok(host.vmarMap(vmar, options, MAPPED_AT, vmo, 0, pages * PAGE_SIZE));
    ok(host.vmarUnmap(vmar, address, pages * PAGE_SIZE));
  };
}

/** One page is mapped and unmapped between `mappings` others of as many VMOs. */
async function mapping(host, mappings) {
  const { vmar } = ok(host.processCreate(host.rootJob().handle, 'mapping', 0));
  const options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC;
  const vmo = ok(host.vmoCreate(PAGE_SIZE, 0)).handle;
  for (let index = 0; index < mappings; index += 1) {
    const other = ok(host.vmoCreate(PAGE_SIZE, 0)).handle;
    ok(host.vmarMap(vmar, options, MAPPED_AT + 2 * index * PAGE_SIZE, other, 0, PAGE_SIZE));
    host.handleClose(other);
  }
  const place = (call) => MAPPED_AT + (2 * ((call * 31) % mappings) + 1) * PAGE_SIZE;
  return (call) => {
    const { address } = ok(host.vmarMap(vmar, options, place(call), vmo, 0, PAGE_SIZE));
    ok(host.vmarUnmap(vmar, address, PAGE_SIZE));
  };
}

/** Pages are supplied one after the other behind `resident` others. */
async function supplying(host, resident) {
  const pager = ok(host.pagerCreate(0)).handle;
  const port = ok(host.portCreate(0)).handle;
  const chunk = 1_024;
  const aux = ok(host.vmoCreate(chunk * PAGE_SIZE, 0)).handle;
  const vmo = ok(host.pagerCreateVmo(pager, 0, port, 1n, 2 ** 50)).handle;
  const supply = (page, count) => {
    ok(host.pagerSupplyPages(pager, vmo, page * PAGE_SIZE, count * PAGE_SIZE, aux, 0));
  };
  for (let page = 0; page < resident; page += chunk) {
    const count = Math.min(chunk, resident - page);
    ok(await host.vmoOpRange(aux, ZX_VMO_OP_COMMIT, 0, count * PAGE_SIZE));
    supply(page, count);
  }
  let page = resident;
  // What is supplied from empty pages is zero, and takes no frame.
  return () => supply((page += 1), 1);
}

/** A page is made and given up in a VMO that is mapped page by page, `mappings` times. */
async function changing(host, mappings) {
  const { vmar } = ok(host.processCreate(host.rootJob().handle, 'changing', 0));
  const vmo = ok(host.vmoCreate(mappings * PAGE_SIZE, 0)).handle;
  const options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC;
  for (let page = 0; page < mappings; page += 1)
    ok(host.vmarMap(vmar, options, MAPPED_AT + 2 * page * PAGE_SIZE, vmo, page * PAGE_SIZE, PAGE_SIZE));
  const byte = new Uint8Array(1);
  return (call) => {
    const offset = ((call * 31) % mappings) * PAGE_SIZE;
    done(host.call('vmo_write', vmo, byte, offset, 1));
    done(host.call('vmo_op_range', vmo, ZX_VMO_OP_DECOMMIT, offset, PAGE_SIZE, 0, 0));
  };
}

/** A place is found for one page more in a region without gaps that has `mappings` already. */
async function placing(host, mappings) {
  const { vmar: root } = ok(host.processCreate(host.rootJob().handle, 'placing', 0));
  const options = ZX_VM_COMPACT | ZX_VM_CAN_MAP_READ;
  const { handle: vmar } = ok(host.vmarAllocate(root, options, 0, 2 * mappings * PAGE_SIZE));
  const vmo = ok(host.vmoCreate(PAGE_SIZE, 0)).handle;
  const map = () => ok(host.vmarMap(vmar, ZX_VM_PERM_READ, 0, vmo, 0, PAGE_SIZE)).address;
  for (let index = 0; index < mappings; index += 1) map();
  return () => ok(host.vmarUnmap(vmar, map(), PAGE_SIZE));
}

/** A page is zeroed and written among `ranges` other ranges of zeros of a pager's VMO. */
async function zeroing(host, ranges) {
  const pager = ok(host.pagerCreate(0)).handle;
  const port = ok(host.portCreate(0)).handle;
  const vmo = ok(host.pagerCreateVmo(pager, 0, port, 1n, (2 * ranges + 2) * PAGE_SIZE)).handle;
  const zero = (page) =>
    done(host.call('vmo_op_range', vmo, ZX_VMO_OP_ZERO, page * PAGE_SIZE, PAGE_SIZE, 0, 0));
  for (let range = 0; range < ranges; range += 1) zero(2 * range);
  const byte = new Uint8Array(1);
  return (call) => {
    const page = 2 * ((call * 31) % ranges);
    done(host.call('vmo_write', vmo, byte, page * PAGE_SIZE, 1));
    zero(page);
  };
}

/** All of `resident` pages are mapped at once; the time of one page. */
async function mappingResident(host, resident) {
  const vmo = await vmoWith(host, resident, resident);
  const { vmar } = ok(host.processCreate(host.rootJob().handle, 'resident', 0));
  const options = ZX_VM_PERM_READ | ZX_VM_SPECIFIC | ZX_VM_MAP_RANGE;
  const operation = () => {
    const { address } = ok(host.vmarMap(vmar, options, MAPPED_AT, vmo, 0, resident * PAGE_SIZE));
    ok(host.vmarUnmap(vmar, address, resident * PAGE_SIZE));
  };
  operation.parts = resident;
  return operation;
}

function done(status) {
  if (status !== 0) throw new Error(`status ${status}`);
}

/** @type {[what: string, make: (host: any, size: number) => Promise<any>, little: number, much: number][]} */
const OPERATIONS = [
  ['making and closing a snapshot of 16,384 pages, against 64', snapshots, 64, 16_384],
  ['mapping and unmapping 64 pages in a mapping of 2^20, against 64', unmapping, 64, 1 << 20],
  ['mapping and unmapping a page beside 60,000 mappings, against 60', mapping, 60, 60_000],
  ['supplying a page of a VMO that has 65,536, against 64', supplying, 64, 65_536],
  ['a page comes and goes in a VMO with 60,000 mappings, against 60', changing, 60, 60_000],
  ['finding a place for a page beside 60,000 mappings, against 60', placing, 60, 60_000],
  ['zeroing and writing a page among 60,000 ranges of zeros, against 60', zeroing, 60, 60_000],
  ['mapping 8,192 pages that are there, a page, against 64', mappingResident, 64, 8_192],
];
