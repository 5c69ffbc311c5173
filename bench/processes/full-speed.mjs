/** Prints ms until a loop runs at 80% of the speed that it has in the end, or faster: the middle of 5 slices of it does. */
import { assemble, HART_PC, Machine } from '@faultline/mmu-emu';
const SLICE = 100_000;
const start = performance.now();
const machine = await Machine.create({ mode: 'full-system' });
const { bytes } = assemble(
  'la s0, here\nloop: lw a0, 0(s0)\nadd a1, a1, a0\nxor a2, a2, a1\nslli a3, a2, 3\nadd a1, a1, a3\n' +
    'sw a2, 0(s0)\naddi a4, a4, 1\nj loop\n.balign 4096\nhere: .dword 0',
  { origin: 0x80000000 },
);
machine.ram.writable(0, Math.ceil(bytes.length / 4096)).set(bytes);
machine.harts[0].state[HART_PC] = 0x80000000;
const ends = [performance.now()];
while (ends.length < 4000) {
  machine.run(SLICE);
  ends.push(performance.now());
}
const took = ends.slice(1).map((end, i) => end - ends[i]);
const middle = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const full = middle(took.slice(-1000));
const at = took.findIndex((_, i) => middle(took.slice(i, i + 5)) <= full / 0.8);
process.stdout.write(String(ends[at] - start));
