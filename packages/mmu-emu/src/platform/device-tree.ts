import { CLINT_BASE, CLINT_BYTES } from '../devices/clint.js';
import { RAM_BASE } from '../ram.js';
import { cells, flattenTree } from './flattened-tree.js';
import type { TreeNode } from './flattened-tree.js';
import { isaExtensions, isaString } from './isa-string.js';

/** Handles by which nodes refer to each other. */
export const PLIC_HANDLE = 1;
const FIRST_HART_HANDLE = 2;

/** Interrupt numbers at a hart, as its interrupt controller's cells have them. */
const MACHINE_SOFTWARE = 3;
const MACHINE_TIMER = 7;
const SUPERVISOR_EXTERNAL = 9;
const MACHINE_EXTERNAL = 11;

/** Of the cache-block operations. */
const CACHE_BLOCK_BYTES = 64;

/** What a device tree tells of. */
export interface DeviceTreeOptions {
  readonly harts: number;
  readonly ramBytes: number;
  readonly timebaseHz: number;
  /** Nodes of devices, below `/soc`. */
  readonly devices: readonly TreeNode[];
  /** Nodes beside it. */
  readonly others?: readonly TreeNode[];
  /** Command line of an operating system. */
  readonly bootargs?: string;
  /** Where its first file system is: `[start, end)`. */
  readonly initrd?: { readonly start: number; readonly end: number };
  /** Path of the console's node. */
  readonly console?: string;
}

const hex = (value: number): string => value.toString(16);

/** A device's `reg`: one window. */
export const window = (base: number, bytes: number): readonly number[] => [...cells(base), ...cells(bytes)];

function hartNode(hart: number): TreeNode {
  return {
    name: `cpu@${hart}`,
    properties: {
      device_type: 'cpu',
      reg: [hart],
      status: 'okay',
      compatible: 'riscv',
      'riscv,isa': isaString(),
      'riscv,isa-base': 'rv64i',
      'riscv,isa-extensions': isaExtensions(),
      'mmu-type': 'riscv,sv57',
      'riscv,cbom-block-size': [CACHE_BLOCK_BYTES],
      'riscv,cbop-block-size': [CACHE_BLOCK_BYTES],
      'riscv,cboz-block-size': [CACHE_BLOCK_BYTES],
    },
    children: [
      {
        name: 'interrupt-controller',
        properties: {
          '#interrupt-cells': [1],
          'interrupt-controller': true,
          compatible: 'riscv,cpu-intc',
          phandle: [FIRST_HART_HANDLE + hart],
        },
      },
    ],
  };
}

/** For each hart, its handle and an interrupt of it, for two interrupts. */
function hartInterrupts(harts: number, first: number, second: number): readonly number[] {
  return Array.from({ length: harts }, (_, hart) => [
    FIRST_HART_HANDLE + hart,
    first,
    FIRST_HART_HANDLE + hart,
    second,
  ]).flat();
}

/** Node of the CLINT at its usual place. */
export function clintNode(harts: number): TreeNode {
  return {
    name: `clint@${hex(CLINT_BASE)}`,
    properties: {
      compatible: ['sifive,clint0', 'riscv,clint0'],
      reg: window(CLINT_BASE, CLINT_BYTES),
      'interrupts-extended': hartInterrupts(harts, MACHINE_SOFTWARE, MACHINE_TIMER),
    },
  };
}

/** Node of the interrupt controller. */
export function plicNode(harts: number, base: number, bytes: number, sources: number): TreeNode {
  return {
    name: `plic@${hex(base)}`,
    properties: {
      compatible: ['sifive,plic-1.0.0', 'riscv,plic0'],
      reg: window(base, bytes),
      '#interrupt-cells': [1],
      '#address-cells': [0],
      'interrupt-controller': true,
      'interrupts-extended': hartInterrupts(harts, MACHINE_EXTERNAL, SUPERVISOR_EXTERNAL),
      'riscv,ndev': [sources],
      phandle: [PLIC_HANDLE],
    },
  };
}

/** The flattened device tree of a machine. */
export function deviceTree(options: DeviceTreeOptions): Uint8Array {
  const { harts, ramBytes, timebaseHz, bootargs, initrd, console } = options;
  return flattenTree({
    name: '',
    properties: {
      '#address-cells': [2],
      '#size-cells': [2],
      compatible: 'riscv-virtio',
      model: 'faultline,mmu-emu',
    },
    children: [
      {
        name: 'chosen',
        properties: {
          ...(bootargs === undefined ? {} : { bootargs }),
          ...(console === undefined ? {} : { 'stdout-path': console }),
          ...(initrd === undefined
            ? {}
            : { 'linux,initrd-start': cells(initrd.start), 'linux,initrd-end': cells(initrd.end) }),
        },
      },
      {
        name: `memory@${hex(RAM_BASE)}`,
        properties: { device_type: 'memory', reg: window(RAM_BASE, ramBytes) },
      },
      {
        name: 'cpus',
        properties: { '#address-cells': [1], '#size-cells': [0], 'timebase-frequency': [timebaseHz] },
        children: Array.from({ length: harts }, (_, hart) => hartNode(hart)),
      },
      {
        name: 'soc',
        properties: { '#address-cells': [2], '#size-cells': [2], compatible: 'simple-bus', ranges: true },
        children: options.devices,
      },
      ...(options.others ?? []),
    ],
  });
}
