/**
 * A process that makes WebAssembly modules for 20 seconds, each with one type of function and nothing else, drops them, and prints
 * what the engine keeps of one in the end: bytes of resident memory, by a line fitted to the second half. V8 11.3 copies the
 * types of every module and never frees them. Needs node --expose-gc.
 */
import { slopeOf } from './slope.mjs';

/** A module that has the type (i32) -> i32, as those of translated code have. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f);
const MILLISECONDS = 20_000;
const SAMPLES = 80;

const { gc } = globalThis;
if (gc === undefined) throw new Error('needs node --expose-gc');
const begin = performance.now();
const elapsed = () => performance.now() - begin;
/** @type {[made: number, bytes: number][]} */
const samples = [];
let made = 0;
while (elapsed() < MILLISECONDS) {
  for (let index = 0; index < 500; index += 1) new WebAssembly.Module(MODULE);
  made += 500;
  // Tasks of the engine run between those of the program.
  await new Promise((resolve) => setTimeout(resolve, 20));
  if (elapsed() < (samples.length * MILLISECONDS) / SAMPLES) continue;
  gc();
  samples.push([made, process.memoryUsage.rss()]);
}
process.stdout.write(String(slopeOf(samples.slice(samples.length >> 1))));
