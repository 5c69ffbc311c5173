/** Summaries of repeated measurements. */
import { GCProfiler, getHeapSpaceStatistics } from 'node:v8';

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param {readonly number[]} values at least one */
export function summarize(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), runs: values.length };
}

/** Seconds of wall time and of CPU time (user and system, all threads of this process) that `body` takes. */
export async function measure(body) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const value = await body();
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  const used = process.cpuUsage(cpu);
  return { value, wall, cpu: (used.user + used.system) / 1e6 };
}

/**
 * Bytes of short-lived objects that `body` makes: what each collection finds in V8's young generation, less what the one before it left there.
 */
export async function measureGarbage(body) {
  const usedOf = (spaces, name, used) => spaces.find((space) => space[name] === 'new_space')[used];
  const now = () => usedOf(getHeapSpaceStatistics(), 'space_name', 'space_used_size');
  const then = (heap) => usedOf(heap.heapSpaceStatistics, 'spaceName', 'spaceUsedSize');
  const profiler = new GCProfiler();
  let left = now();
  profiler.start();
  await body();
  const last = now();
  let made = 0;
  for (const { beforeGC, afterGC } of profiler.stop().statistics) {
    made += then(beforeGC) - left;
    left = then(afterGC);
  }
  return made + last - left;
}
