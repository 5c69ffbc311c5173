/** What the objects of a kernel hold together, where a bound for each one would still let many of them grow without one. Each has a limit of the same name. */
export class Totals {
  /** Handles in the tables of all processes. */
  handles = 0;
  /** Mappings and sub-regions of all address spaces. */
  mappings = 0;
  /** Of messages that are queued in channels. */
  messageBytes = 0;
  /** User packets that are queued on ports. */
  packets = 0;
  /** Asynchronous waits. */
  observers = 0;
}
