/** What `monitor` does in GDB. */

import type { Hart } from '../../hart/hart.js';
import { SnapshotError } from '../../snapshot/snapshot-error.js';
import type { Debugger } from '../debugger.js';
import { readRegister } from '../registers.js';

/** What monitor commands change. */
export interface MonitorSettings {
  /** A step takes a pending interrupt first. */
  interrupts: boolean;
  /** Addresses of memory packets are physical. */
  physical: boolean;
}

const PRIVILEGES = ['user', 'supervisor', 'hypervisor', 'machine'];

const HELP = `monitor harts               where each hart is
monitor reset               everything as when the program was loaded, but for time
monitor translate ADDRESS   physical address of a virtual one, by the page tables
monitor physical on|off     whether memory is shown by physical addresses (off)
monitor interrupts on|off   whether a step takes a pending interrupt (off)
`;

/** Where a hart is, in a few words. */
export function describeHart(hart: Hart): string {
  const privilege = PRIVILEGES[Number(readRegister(hart, 'privilege'))];
  return `hart ${hart.id}, ${privilege} mode`;
}

/**
 * Does a command.
 * @param reset resets the machine and loads its program; undefined where nobody can.
 * @returns what it says, with its line ends.
 */
export function monitor(
  debug: Debugger,
  hart: Hart,
  settings: MonitorSettings,
  command: string,
  reset: (() => void) | undefined,
): string {
  const [name = '', argument, ...rest] = command.trim().split(/\s+/);
  if (rest.length === 0) {
    switch (name) {
      case 'help':
      case '':
        return HELP;
      case 'harts':
        return debug.machine.harts
          .map((each) => `${describeHart(each)}, pc ${hex(readRegister(each, 'pc') ?? 0n)}\n`)
          .join('');
      case 'translate':
        return translate(debug, hart, argument);
      case 'reset':
        return argument === undefined ? resetMachine(reset) : 'monitor reset: nothing is expected after it\n';
      case 'physical':
      case 'interrupts':
        if (argument === 'on' || argument === 'off') settings[name] = argument === 'on';
        else if (argument !== undefined) return `monitor ${name}: on or off is expected\n`;
        return `${name} ${settings[name] ? 'on' : 'off'}\n`;
      default:
    }
  }
  return `monitor: there is no command ${JSON.stringify(command)}; "monitor help" has the list\n`;
}

function resetMachine(reset: (() => void) | undefined): string {
  if (reset === undefined) return 'monitor reset: this machine has nobody who loads its program again\n';
  try {
    reset();
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    return `monitor reset: ${error.message}\n`;
  }
  return 'the machine was reset; "maintenance flush register-cache" shows its registers\n';
}

function translate(debug: Debugger, hart: Hart, argument: string | undefined): string {
  if (argument === undefined || !/^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(argument)) {
    return 'monitor translate: an address is expected, for instance 0x80000000\n';
  }
  const address = BigInt(argument);
  const physical = debug.translate(hart, address);
  return physical === undefined
    ? `${hex(address)} is not mapped\n`
    : `${hex(address)} is at ${hex(physical)}\n`;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
