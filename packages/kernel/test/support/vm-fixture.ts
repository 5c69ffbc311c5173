/** A kernel's memory management with a host process over it, on a real machine's RAM. */
import type { Hart, VirtualClock } from '@faultline/mmu-emu';
import { Machine } from '@faultline/mmu-emu';
import { expect } from 'vitest';
import { HostProcess } from '../../src/host/host-process.js';
import { KernelState, reportEvictions, type KernelParts } from '../../src/kernel-state.js';
import { DEFAULT_LIMITS, type KernelLimits } from '../../src/limits.js';
import { Handle } from '../../src/object/handle-table.js';
import { CALL_TABLE } from '../../src/syscall/table.js';
import type { AddressSpace } from '../../src/vm/address-space.js';
import type { OvertimeLimits } from '../../src/vm/request-overtime.js';
import { VmSystem } from '../../src/vm/vm-system.js';
import { OBJECTS_OF_DRIVER, completeState, createSpace, destroySpace } from './guest-thread.js';
import { HARTS } from './harts.js';

export const PAGE = 4096;

export interface FixtureOptions {
  /** One that an earlier fixture is done with: its RAM is not cleared. */
  readonly machine?: Machine;
  readonly ramBytes?: number;
  readonly limits?: Partial<KernelLimits>;
  readonly aslr?: boolean;
  readonly pagerBlocking?: 'allow' | 'fail';
  readonly overtime?: OvertimeLimits;
  readonly onLog?: KernelParts['onLog'];
}

export class VmFixture {
  readonly clock: VirtualClock;
  readonly state: KernelState;
  readonly host: HostProcess;
  private readonly freeFrames: number;
  private readonly spaces: AddressSpace[] = [];
  private turns = 0;

  private constructor(
    readonly machine: Machine,
    options: FixtureOptions,
  ) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.clock = machine.clock as VirtualClock;
    let random = 1;
    this.state = new KernelState({
      machine,
      vm: new VmSystem(machine, limits, options.aslr ?? false),
      clock: machine.clock,
      limits,
      rng: { next: () => (random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0) },
      calls: CALL_TABLE,
      onLog: options.onLog ?? null,
      ...(options.overtime === undefined ? {} : { overtime: options.overtime }),
    });
    reportEvictions(this.state);
    completeState(this.state);
    this.host = new HostProcess(this.state, 'test', { pagerBlocking: options.pagerBlocking ?? 'allow' });
    this.freeFrames = this.physical.freeCount;
  }

  static async create(options: FixtureOptions = {}): Promise<VmFixture> {
    const ramBytes = options.ramBytes ?? 8 * 2 ** 20;
    const machine = options.machine ?? (await Machine.create({ mode: 'hosted', ramBytes, harts: HARTS }));
    for (const hart of machine.harts) hart.sfenceVma();
    return new VmFixture(machine, options);
  }

  get physical(): VmSystem['physical'] {
    return this.state.vm.physical;
  }

  /** The hart whose turn it is: what threads do is spread over all. */
  nextHart(): Hart {
    const { harts } = this.machine;
    this.turns += 1;
    return harts[this.turns % harts.length];
  }

  /** An address space, and a handle to its root region in the host process. */
  space(): { readonly space: AddressSpace; readonly vmar: number } {
    const space = createSpace(this.state);
    this.spaces.push(space);
    const { rootVmar } = space;
    return { space, vmar: this.host.handles.add(new Handle(rootVmar, rootVmar.defaultRights)) };
  }

  /** A second handle of the host process to an object, with other rights, whatever the first has. */
  withRights(handle: number, rights: number): number {
    const dispatcher = this.host.handles.get(handle)?.dispatcher;
    if (dispatcher === undefined) throw new Error('no such handle');
    return this.host.handles.add(new Handle(dispatcher, rights));
  }

  /** Runs host calls that were woken, and lets their promises settle. */
  async turn(): Promise<void> {
    this.state.work.settle();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Closes everything; nothing may be left. */
  expectNoLeaks(): void {
    for (const space of this.spaces) destroySpace(space);
    this.host.close();
    const { physical, nodes } = this.state.vm;
    expect({
      objects: this.state.liveObjects,
      frames: physical.freeCount,
      nodes: nodes.size,
      lent: physical.lentCount,
      waiting: this.state.work.waiting.size,
    }).toEqual({ objects: OBJECTS_OF_DRIVER, frames: this.freeFrames, nodes: 0, lent: 0, waiting: 0 });
  }
}
