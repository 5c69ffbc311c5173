/** Machines for many short runs, one after the other. */
import { Machine, type MachineOptions } from '@faultline/mmu-emu';

/** Each fixture writes its threads' code into the same frame again, and the translator leaves a frame whose code has changed more than eight times to the interpreter. */
const USES = 8;

export class MachineSupply {
  private machine: Machine | null = null;
  private uses = 0;

  constructor(private readonly options: MachineOptions) {}

  /** A machine for a fixture; the one before must be done with. Its RAM is not cleared. */
  async next(): Promise<Machine> {
    if (this.machine === null || this.uses === USES) {
      this.machine = await Machine.create(this.options);
      this.uses = 0;
    }
    this.uses += 1;
    return this.machine;
  }
}
