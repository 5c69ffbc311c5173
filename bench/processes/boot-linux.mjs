/**
 * Boots Linux and prints what it took: seconds, the most bytes that the process had in memory, and bytes of guest RAM
 * that are.
 *
 * Arguments: firmware, kernel, initial file system, MiB of RAM, command line, text of a boot that went to its end.
 * @see Linux, "Examining Process Page Tables"
 */
import { fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { EXIT_BUDGET, EXIT_STOP, Machine, prepareBoot, VirtPlatform } from '@faultline/mmu-emu';
const [firmware, kernel, initrd, mebibytes, bootargs, done] = process.argv.slice(2);
const start = performance.now();
let output = '';
/** A file that is read straight into RAM. */
function image(path) {
  const file = openSync(path, 'r');
  const read = (offset, into) => {
    for (let done = 0; done < into.length;)
      done += readSync(file, into, done, into.length - done, offset + done);
  };
  return { bytes: fstatSync(file).size, read };
}
const platform = new VirtPlatform({
  transmit: (byte) => (output += String.fromCharCode(byte)),
  random: (into) => into.fill(0x5a),
});
const machine = await Machine.create({ ramBytes: Number(mebibytes) << 20, devices: platform.devices });
prepareBoot(machine, platform, {
  firmware: readFileSync(firmware),
  kernel: image(kernel),
  initrd: image(initrd),
  bootargs,
});
let instructions = 0;
let reason;
do {
  reason = machine.run(2_000_000);
  instructions += machine.retired;
} while (reason === EXIT_BUDGET);
const { user, system } = process.cpuUsage();
const wall = (performance.now() - start) / 1000;
const bytes = process.resourceUsage().maxRSS * 1024;
const { byteLength } = machine.memory.buffer;
const ranges = [...readFileSync('/proc/self/maps', 'latin1').matchAll(/^(\w+)-(\w+) /gm)].map((match) =>
  match.slice(1).map((address) => parseInt(address, 16)),
);
const memory = ranges.find(([from, to]) => to - from === byteLength)?.[0];
if (memory === undefined) throw new Error('the memory of the machine is in no map');
const pages = Buffer.alloc((machine.ram.bytes / 4096) * 8);
readSync(
  openSync('/proc/self/pagemap', 'r'),
  pages,
  0,
  pages.length,
  (memory + machine.ram.readable(0).byteOffset) / 512,
);
let guest = 0;
for (let page = 0; page < pages.length; page += 8) if (pages[page + 7] & 0x80) guest += 4096;
const good = reason === EXIT_STOP && machine.exitCode === 0 && output.includes(done);
console.log(JSON.stringify({ good, wall, cpu: (user + system) / 1e6, bytes, guest, instructions }));
