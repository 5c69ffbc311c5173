import type { AccessWidth, Device } from '../bus/bus.js';
import type { DeviceHost } from '../bus/device-host.js';
import type { StateReader } from '../snapshot/state-reader.js';
import type { StateWriter } from '../snapshot/state-writer.js';
import { MIP_MEIP, MIP_SEIP } from './interrupt-bits.js';

/** Where QEMU's `virt` machine has the PLIC. */
export const PLIC_BASE = 0xc00_0000;
/** Interrupt sources 1 to this. */
export const PLIC_SOURCES = 95;

const PENDING = 0x1000;
const ENABLE = 0x2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x20_0000;
const CONTEXT_STRIDE = 0x1000;
const BYTES = 0x60_0000;
const MAXIMUM_PRIORITY = 7;
const WORDS = Math.ceil((PLIC_SOURCES + 1) / 32);

/** Who hears of interrupts: one privilege level of one hart. */
interface Context {
  readonly hart: number;
  readonly mask: number;
  readonly enabled: Uint32Array;
  threshold: number;
}

/**
 * The platform-level interrupt controller: which device interrupts which hart.
 *
 * Context 2 h is machine mode of hart h, context 2 h + 1 supervisor mode. Life of an interrupt, which is level-triggered:
 * 1. The device raises its line: the source is pending, unless it is being served.
 * 2. A context that has it enabled, with a priority above its threshold, sees its external-interrupt bit.
 * 3. Claim gives the pending source of the highest priority (the lowest number among equals); it is served now.
 * 4. Complete ends that; with the line still raised, it is pending again.
 *
 * Priorities are 0 (never) to 7. Registers are 32 bits wide; a wider access reaches the first one only.
 *
 * @see RISC-V Platform-Level Interrupt Controller Specification
 */
export class Plic implements Device {
  readonly name = 'plic';
  readonly bytes = BYTES;
  readonly base: number;
  readonly #priorities = new Uint32Array(PLIC_SOURCES + 1);
  readonly #levels = new Uint32Array(WORDS);
  readonly #pending = new Uint32Array(WORDS);
  readonly #served = new Uint32Array(WORDS);
  #contexts: readonly Context[] = [];
  #host: DeviceHost | undefined;

  /** @param base physical address; default {@link PLIC_BASE}. */
  constructor(base = PLIC_BASE) {
    this.base = base;
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    this.#contexts = Array.from({ length: 2 * host.hartCount }, (_, index) => ({
      hart: index >>> 1,
      mask: index % 2 === 0 ? MIP_MEIP : MIP_SEIP,
      enabled: new Uint32Array(WORDS),
      threshold: 0,
    }));
  }

  /**
   * The line of a source, for a device to raise (true) and lower (false).
   * @param source 1 to {@link PLIC_SOURCES}.
   * @throws {RangeError} for another number.
   */
  line(source: number): (raised: boolean) => void {
    if (!Number.isInteger(source) || source < 1 || source > PLIC_SOURCES) {
      throw new RangeError(`a PLIC source is 1 to ${PLIC_SOURCES}`);
    }
    const word = source >>> 5;
    const bit = 1 << (source & 31);
    return (raised) => {
      if (((this.#levels[word] & bit) !== 0) === raised) return;
      this.#levels[word] ^= bit;
      if (!raised) this.#pending[word] &= ~bit;
      else if (!(this.#served[word] & bit)) this.#pending[word] |= bit;
      this.#update();
    };
  }

  load(offset: number, width: AccessWidth): number {
    if (width < 4 || offset % 4 !== 0) return 0;
    if (offset < PENDING) return this.#priorities[offset >>> 2] ?? 0;
    if (offset < ENABLE) return this.#pending[(offset - PENDING) >>> 2] ?? 0;
    if (offset < CONTEXT) {
      const at = offset - ENABLE;
      return this.#contexts[Math.floor(at / ENABLE_STRIDE)]?.enabled[(at % ENABLE_STRIDE) >>> 2] ?? 0;
    }
    const at = offset - CONTEXT;
    const context = this.#contexts[Math.floor(at / CONTEXT_STRIDE)];
    if (context === undefined) return 0;
    if (at % CONTEXT_STRIDE === 0) return context.threshold;
    return at % CONTEXT_STRIDE === 4 ? this.#claim(context) : 0;
  }

  store(offset: number, width: AccessWidth, value: bigint): void {
    if (width < 4 || offset % 4 !== 0) return;
    const word = Number(value & 0xffff_ffffn);
    if (offset < PENDING) {
      const source = offset >>> 2;
      if (source === 0 || source > PLIC_SOURCES) return;
      this.#priorities[source] = word & MAXIMUM_PRIORITY;
    } else if (offset < ENABLE) {
      // Pending bits are read only.
      return;
    } else if (offset < CONTEXT) {
      const at = offset - ENABLE;
      const context = this.#contexts[Math.floor(at / ENABLE_STRIDE)];
      const index = (at % ENABLE_STRIDE) >>> 2;
      if (context === undefined || index >= WORDS) return;
      // There is no source 0.
      context.enabled[index] = index === 0 ? word & ~1 : word;
    } else {
      const at = offset - CONTEXT;
      const context = this.#contexts[Math.floor(at / CONTEXT_STRIDE)];
      if (context === undefined) return;
      if (at % CONTEXT_STRIDE === 0) context.threshold = word & MAXIMUM_PRIORITY;
      else if (at % CONTEXT_STRIDE === 4) this.#complete(context, word);
      else return;
    }
    this.#update();
  }

  save(to: StateWriter): void {
    for (const words of [this.#priorities, this.#levels, this.#pending, this.#served]) to.words(words);
    for (const { enabled, threshold } of this.#contexts) {
      to.words(enabled);
      to.u32(threshold);
    }
  }

  restore(from: StateReader): void {
    for (const words of [this.#priorities, this.#levels, this.#pending, this.#served]) from.words(words);
    if (this.#priorities.some((priority) => priority > MAXIMUM_PRIORITY)) from.fail('a priority is too high');
    for (const context of this.#contexts) {
      from.words(context.enabled);
      context.threshold = from.u32(MAXIMUM_PRIORITY);
    }
  }

  /** The source that a context would claim, or 0. */
  #best({ enabled }: Context, above: number): number {
    let best = 0;
    let priority = above;
    for (let word = 0; word < WORDS; word++) {
      let candidates = this.#pending[word] & enabled[word];
      while (candidates !== 0) {
        const bit = 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const source = word * 32 + bit;
        if (this.#priorities[source] <= priority) continue;
        priority = this.#priorities[source];
        best = source;
      }
    }
    return best;
  }

  /** The threshold masks the interrupt, not the claim. */
  #claim(context: Context): number {
    const source = this.#best(context, 0);
    if (source !== 0) {
      const bit = 1 << (source & 31);
      this.#pending[source >>> 5] &= ~bit;
      this.#served[source >>> 5] |= bit;
      this.#update();
    }
    return source;
  }

  #complete({ enabled }: Context, source: number): void {
    const word = source >>> 5;
    const bit = 1 << (source & 31);
    // A completion of a source that the context does not have is ignored.
    if (word >= WORDS || !(enabled[word] & bit)) return;
    this.#served[word] &= ~bit;
    this.#pending[word] |= this.#levels[word] & bit;
  }

  #update(): void {
    for (const context of this.#contexts) {
      this.#host?.setInterrupts(context.hart, context.mask, this.#best(context, context.threshold) !== 0);
    }
  }
}
