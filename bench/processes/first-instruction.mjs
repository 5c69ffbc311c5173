/** Prints ms from `Machine.create` to the first guest instruction. */
import { assemble, HART_PC, HART_X, Machine } from '@faultline/mmu-emu';
const start = performance.now();
const machine = await Machine.create({ mode: 'full-system' });
const { bytes } = assemble('addi a0, zero, 42', { origin: 0x80000000 });
machine.ram.writable(0, 1).set(bytes);
const hart = machine.harts[0];
hart.state[HART_PC] = 0x80000000;
machine.run(1);
if (hart.context[HART_X + 2 * 10] !== 42) throw new Error('the first instruction did not run');
process.stdout.write(String(performance.now() - start));
