import type { Bus, Device } from './bus/bus.js';
import type { Clock } from './clock.js';
import type { Hart } from './hart/hart.js';
import type { CheckedOptions } from './machine-options.js';
import type { Ram } from './ram.js';
import { MachineSnapshot, restoreParts, saveState } from './snapshot/machine-snapshot.js';
import type { MachineShape, SnapshotPieces } from './snapshot/machine-snapshot.js';
import { clearFrames } from './snapshot/ram-runs.js';
import { SnapshotError } from './snapshot/snapshot-error.js';
import type { SnapshotPart } from './snapshot/snapshot-part.js';

/** What a machine's state is made of. */
export interface StateOwners {
  readonly ram: Ram;
  readonly clock: Clock;
  readonly harts: readonly Hart[];
  readonly bus: Bus;
  readonly code: SnapshotPart;
  /** What runs, and when. */
  readonly run: readonly Pick<SnapshotPart, 'save' | 'restore'>[];
}

/** Saves, restores and resets a machine, at moments at which it does not run. */
export class MachineState {
  readonly #of: StateOwners;
  readonly #options: CheckedOptions;
  readonly #snapshot: MachineSnapshot;
  readonly #included: SnapshotPart[] = [];
  /** States of `#parts` as they were made, for resets; none when a device cannot be saved. */
  readonly #initial: Uint8Array[] = [];
  #running = false;
  #restoring = false;
  /** How often a hart has run: pieces of a snapshot are all of one moment. */
  #runs = 0;

  constructor(owners: StateOwners, options: CheckedOptions) {
    this.#of = owners;
    this.#options = options;
    this.#snapshot = new MachineSnapshot({
      ram: owners.ram,
      shape: () => this.#shape(),
      parts: () => [partOf('clock', owners.clock), ...this.#parts()],
    });
  }

  /** The machine has been made: resets lead back to here. */
  remember(): void {
    if (this.#unsupported === undefined) this.#initial.push(...this.#parts().map(saveState));
  }

  /** A hart runs: snapshots under way are no longer of one moment. */
  ran(): void {
    this.#runs++;
  }

  /** @throws {SnapshotError} `running` while the machine is being restored. */
  whileRunning<T>(run: () => T): T {
    if (this.#restoring) throw new SnapshotError('running', 'a machine that is being restored does not run');
    this.#running = true;
    try {
      return run();
    } finally {
      this.#running = false;
    }
  }

  /** @see Machine.reset */
  reset(): void {
    this.#rest();
    restoreParts(this.#parts(), this.#initial);
    const { ram } = this.#of;
    clearFrames(ram, 0, ram.frameCount);
  }

  /** @see Machine.save */
  save(): Uint8Array<ArrayBuffer> {
    this.#rest();
    return this.#snapshot.save();
  }

  /** @see Machine.saveInPieces */
  saveInPieces(): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    this.#rest();
    return this.#unchanged(this.#snapshot.saveInPieces(), this.#runs);
  }

  /** @see Machine.restore */
  restore(snapshot: Uint8Array): void {
    this.#rest();
    this.#snapshot.restore(snapshot);
  }

  /** @see Machine.restoreFrom @param failed called when RAM is partly written. */
  async restoreFrom(open: () => SnapshotPieces, failed: () => void): Promise<void> {
    this.#rest();
    this.#restoring = true;
    try {
      await this.#snapshot.restoreFrom(open, failed);
    } finally {
      this.#restoring = false;
    }
  }

  /** @see Machine.include */
  include(part: SnapshotPart): void {
    this.#included.push(part);
    this.#initial.push(saveState(part));
  }

  /** @throws {SnapshotError} when the machine cannot be saved or restored now. */
  #rest(): void {
    if (this.#running || this.#restoring)
      throw new SnapshotError('running', 'the machine runs, or is being restored');
    const part = this.#unsupported;
    if (part === undefined) return;
    throw new SnapshotError('unsupported', `${part} can be neither saved nor restored`, { part });
  }

  /** What cannot be saved: a device, or the clock. */
  get #unsupported(): string | undefined {
    const cannot = ({ save, restore }: Pick<Device, 'save' | 'restore'>): boolean =>
      save === undefined || restore === undefined;
    const device = this.#of.bus.devices.find(cannot);
    if (device !== undefined) return `the device ${device.name}`;
    return cannot(this.#of.clock) ? 'the clock' : undefined;
  }

  /** Everything that has a state but RAM and the clock, in the order in which it is restored. */
  #parts(): readonly SnapshotPart[] {
    const { harts, bus, code, run } = this.#of;
    const machine: SnapshotPart = {
      name: 'machine',
      save: (to) => run.forEach((part) => part.save(to)),
      restore: (from) => run.forEach((part) => part.restore(from)),
    };
    const hartParts = harts.map((hart) => partOf(`hart ${hart.id}`, hart));
    const devices = bus.devices.map((device) => partOf(device.name, device));
    return [code, machine, ...hartParts, ...devices, ...this.#included];
  }

  /** What a machine has to have in common with the one whose snapshot it is to take. */
  #shape(): MachineShape {
    const { hosted, hardwareAd, ramBytes, turnInstructions, seed, timebaseHz } = this.#options;
    const { harts, bus } = this.#of;
    return [
      ['mode', hosted ? 'hosted' : 'full-system'],
      ['ramBytes', String(ramBytes)],
      ['harts', String(harts.length)],
      ['turnInstructions', String(turnInstructions)],
      ['seed', seed === undefined ? 'not given' : 'given'],
      ['adUpdate', hardwareAd ? 'hardware' : 'fault'],
      ['timebaseHz', String(timebaseHz)],
      ...bus.devices.map(
        ({ name, base, bytes }) =>
          [`the device at 0x${base.toString(16)}`, `${name} of ${bytes} bytes`] as const,
      ),
      ...this.#included.map(({ name }) => ['another part', name] as const),
    ];
  }

  *#unchanged(
    pieces: Iterable<Uint8Array<ArrayBuffer>>,
    runs: number,
  ): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (const piece of pieces) {
      if (this.#runs !== runs)
        throw new SnapshotError('running', 'the machine ran before its snapshot was complete');
      yield piece;
    }
  }
}

/** Of what has been found to have both methods. */
function partOf(name: string, saved: Pick<Device, 'save' | 'restore'>): SnapshotPart {
  return { name, save: (to) => saved.save?.(to), restore: (from) => saved.restore?.(from) };
}
