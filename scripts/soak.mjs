/**
 * `npm run soak -- [--minutes N]`: does memory stay flat while code keeps changing? Three machines share the time evenly. On
 * one that translates everything at once, and on one that translates what is hot, guests write functions into pages, run
 * them, and check what they compute: thousands of pages and a few rounds there, few pages and twenty million rounds here. The
 * third runs a loop that is written from outside, each time another. Resident memory and live modules are sampled, and
 * lines fitted to the last two thirds of the samples: to the least of each twelfth of them, since memory goes up and down by
 * tens of megabytes with the collector. Fails when memory grows by 1 MB a minute or more, when modules pile up, or when stale
 * code ran. A soak of less than 15 minutes cannot tell that little growth from the collector's ups and downs: the bound of one
 * of two minutes is 45 MB a minute, a fraction of what keeping each module would take.
 *
 * What the engine itself keeps of every module for ever is measured first, in a process of its own so that memory which that
 * leaves free hides nothing, and printed; the bound is not corrected by it.
 */
import { execFileSync } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { assemble, EXIT_BUDGET, HART_PC, HART_X, Machine, RAM_BASE } from '@faultline/mmu-emu';
import { slopeOf } from './slope.mjs';

const MEGABYTE = 2 ** 20;
const MOST_MEGABYTES_A_MINUTE = 1;
/** What ups and downs may add to the fitted growth over the whole soak. */
const MOST_MEGABYTES_IN_ALL = 90;
const WINDOWS = 12;
/** Modules wait for the collector, so their number goes up and down by some hundreds. */
const MOST_MODULES_A_MINUTE = 100;
/** So many modules have to come and go in a minute, or nothing was shown. */
const LEAST_MODULES_A_MINUTE = 500;
const SAMPLES = 240;

/** More pages than there is room for decoded ones, so that code goes out of the cache as well. */
const MANY_PAGES = 4608;
const FEW_PAGES = 32;
/** Functions after which each of the 2048 pages that there is room for has been given to another. */
const FILLED = 4200;
const RAM_BYTES = 32 * MEGABYTE;
const A0 = HART_X + 2 * 10;
const S5 = HART_X + 2 * 21;
const S7 = HART_X + 2 * 23;

/**
 * Writes function after function, each page in turn, at one of `places` in it, and counts to s7 after each, which `start`
 * sets; s5 counts those that computed something else than they should.
 */
const program = (pages, places, repetitions) => `
    la   s0, area
    li   s1, ${pages}
    li   s2, 0                 # functions written
    li   s3, 0x00050513        # addi a0, a0, 0
    la   s4, rest
    li   s5, 0                 # wrong results
next:
    remu t0, s2, s1
    slli t0, t0, 12
    divu t1, s2, s1            # elsewhere in the page each time round
    andi t1, t1, ${places - 1}
    slli t1, t1, 5
    add  t0, t0, t1
    add  t0, t0, s0
    andi s6, s2, 1023
    addi s6, s6, 1
    slli t1, s6, 20
    add  t1, t1, s3
    sw   t1, 0(t0)             # addi a0, a0, s6
    ld   t1, 0(s4)
    sw   t1, 4(t0)
    srli t1, t1, 32
    sw   t1, 8(t0)
    lw   t1, 8(s4)
    sw   t1, 12(t0)
    fence.i
    li   a0, 0
    li   a1, ${repetitions}
    jalr t0
    li   a1, ${repetitions}
    mul  t1, s6, a1
    beq  a0, t1, 1f
    addi s5, s5, 1
1:  addi s2, s2, 1
    mv   t1, s7
1:  addi t1, t1, -1
    bnez t1, 1b
    j    next
    .option norvc
rest:
    addi a1, a1, -1
    bnez a1, rest-4
    ret
    .balign 4096
area:
`;

/** Rounds of a loop that is hot, wherever it is. */
const HOT_ROUNDS = 20_000_000;
const WRITTEN_ROUNDS = 200_000;
/**
 * Of a loop that stays, between functions that are a module each: what V8 keeps of those for ever, and the half kilobyte that Node
 * keeps of each instance for two minutes (V8 posts tasks for 5, 20, 60 and 120 s later), is to be well below what may grow, also
 * where the rate of modules changes with the load of the host.
 */
const SOME_ROUNDS = 2_000_000;

/** Adds up something else each time that it is written. */
const written = (value) => `
    li   a0, 0
    li   a1, ${WRITTEN_ROUNDS}
1:  addi a0, a0, ${value}
    addi a1, a1, -1
    bnez a1, 1b
2:  j    2b
`;

async function start(engine, source) {
  const machine = await Machine.create({ mode: 'hosted', ramBytes: RAM_BYTES, engine });
  // Touched now, so that pages of the machine that become resident later are no growth.
  const bytes = new Uint8Array(machine.memory.buffer);
  for (let at = 0; at < bytes.length; at += 4096) bytes[at] = bytes[at] ^ 0;
  machine.ram.writable(0).set(assemble(source, { origin: RAM_BASE }).bytes);
  const [hart] = machine.harts;
  hart.state[HART_PC] = RAM_BASE;
  hart.state[S7] = 1;
  return { machine, hart };
}

/** What a machine that translates has translated. @returns {import('@faultline/mmu-emu').TranslationStatistics} */
function translationOf({ machine }) {
  if (machine.translation === null) throw new Error('the machine does not translate');
  return machine.translation;
}

function run(hart, budget) {
  const reason = hart.run(budget);
  if (reason !== EXIT_BUDGET) throw new Error(`a guest left with reason ${reason}`);
}

/** The least value in each window of the samples, with its time. */
function least(samples, valueOf) {
  const size = Math.max(1, Math.ceil(samples.length / WINDOWS));
  const points = [];
  for (let at = 0; at < samples.length; at += size) {
    const window = samples.slice(at, at + size).map((sample) => [sample.minute, valueOf(sample)]);
    points.push(window.reduce((lowest, point) => (point[1] < lowest[1] ? point : lowest)));
  }
  return points;
}

function fail(message) {
  process.stdout.write(`soak: ${message}\n`);
  process.exitCode = 1;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write(`soak: --minutes takes a number above 0, not '${values.minutes}'\n`);
  process.exit(2);
}
const { gc } = globalThis;
if (gc === undefined) {
  process.stderr.write('soak: needs node --expose-gc, as npm run soak gives it\n');
  process.exit(2);
}
// Beside other checks this is the one that may wait.
setPriority(10);

let made = 0;
let collected = 0;
const registry = new FinalizationRegistry(() => (collected += 1));
WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct(target, [bytes]) {
    const module = new target(bytes);
    made += 1;
    registry.register(module, undefined);
    return module;
  },
});

const keeps = Number(
  execFileSync(process.execPath, ['--expose-gc', fileURLToPath(new URL('module-cost.mjs', import.meta.url))]),
);
process.stdout.write(
  `V8 ${process.versions.v8} itself keeps ${keeps.toFixed(1)} bytes of every module that has one type of function\n`,
);

const everything = await start('translator', program(MANY_PAGES, 64, 8));
const hot = await start('auto', program(FEW_PAGES, 1, HOT_ROUNDS));
const outside = await start('auto', written(1));

let writes = 0;
let wrong = 0;
function writeFromOutside() {
  const { machine, hart } = outside;
  const value = 1 + (writes % 1000);
  const frame = writes % 64;
  machine.ram.writable(frame).set(assemble(written(value), { origin: RAM_BASE + frame * 4096 }).bytes);
  hart.state[HART_PC] = RAM_BASE + frame * 4096;
  run(hart, 3 * WRITTEN_ROUNDS + 20);
  if (hart.state[A0] !== value * WRITTEN_ROUNDS) wrong += 1;
  writes += 1;
}

/** What each machine does when it is its turn, and the time that its turns have taken (ns). */
const turns = [
  {
    name: 'translates everything',
    started: everything,
    turn: () => run(everything.hart, 2_000_000),
    spent: 0n,
  },
  { name: 'translates what is hot', started: hot, turn: () => run(hot.hart, 5_000_000), spent: 0n },
  { name: 'is written to from outside', started: outside, turn: writeFromOutside, spent: 0n },
];
/** Whoever has had the least time. */
function nextTurn() {
  const next = turns.reduce((least, each) => (each.spent < least.spent ? each : least));
  const from = process.hrtime.bigint();
  next.turn();
  next.spent += process.hrtime.bigint() - from;
}

// Until the cache of code is full, memory grows as it should.
while (translationOf(everything).translations < FILLED) run(everything.hart, 20_000);
everything.hart.state[S7] = SOME_ROUNDS;

const samples = [];
const madeBefore = made;
const begin = process.hrtime.bigint();
const elapsed = () => Number(process.hrtime.bigint() - begin) / 60e9;
const interval = minutes / SAMPLES;
while (elapsed() < minutes) {
  nextTurn();
  if (elapsed() < samples.length * interval) continue;
  gc();
  // Finalizers run between tasks.
  await new Promise((resolve) => setImmediate(resolve));
  samples.push({
    minute: elapsed(),
    megabytes: process.memoryUsage.rss() / MEGABYTE,
    modules: made - collected,
  });
}

wrong += everything.hart.state[S5] + hot.hart.state[S5];
const fitted = samples.filter(({ minute }) => minute >= minutes / 3);
const memory = slopeOf(least(fitted, ({ megabytes }) => megabytes));
const modules = slopeOf(least(fitted, ({ modules }) => modules));
const mostMemory = Math.max(MOST_MEGABYTES_A_MINUTE, minutes < 15 ? MOST_MEGABYTES_IN_ALL / minutes : 0);
const last = samples[samples.length - 1];
for (const { name, started, spent } of turns) {
  const { modules, translations, invalidations, replacements, regions, retired, retiredTranslated } =
    translationOf(started);
  process.stdout.write(
    `the machine that ${name}: ${Math.round(Number(spent) / 1e9)} s, ${(retired / 1e9).toFixed(2)} billion instructions, ` +
      `${((retiredTranslated / retired) * 100).toFixed(0)}% translated; ${modules} modules, ${translations} regions made, ` +
      `${invalidations} invalidated, ${replacements} replaced, ${regions} live\n`,
  );
}
const modulesAMinute = (made - madeBefore) / minutes;
process.stdout.write(
  `${minutes} minutes, ${made} modules made; now ${last.modules} live, ${last.megabytes.toFixed(1)} MB\n` +
    `over the last two thirds, ${fitted.length} samples: memory ${memory.toFixed(3)} MB a minute, modules ${modules.toFixed(1)} a minute\n` +
    `of that, what V8 keeps of ${Math.round(modulesAMinute)} modules a minute is ${((modulesAMinute * keeps) / MEGABYTE).toFixed(3)} MB a minute\n`,
);
if (!Number.isFinite(memory)) fail('too few samples for a line');
if (wrong > 0) fail(`${wrong} results were those of code that was there before`);
if (made < LEAST_MODULES_A_MINUTE * minutes) fail(`only ${made} modules were made`);
if (!(memory < mostMemory)) fail(`memory grows by ${memory.toFixed(3)} MB a minute`);
if (!(modules < MOST_MODULES_A_MINUTE)) fail(`live modules grow by ${modules.toFixed(1)} a minute`);
