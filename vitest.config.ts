import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Packages resolve to each other's sources, so that tests need no build.
const conditions = ['@faultline/source', 'module', 'node', 'import', 'default'];

// One seed for all of a run's random tests; the set-up prints it, and FAULTLINE_SEED repeats a run.
process.env['FAULTLINE_SEED'] ??= String(Math.floor(Math.random() * 2 ** 31));

const include = ['scripts/test/**/*.test.mjs', 'packages/*/test/**/*.test.ts', 'guest/test/**/*.test.ts'];
const scheduledThread = fileURLToPath(
  new URL('packages/kernel/test/support/scheduled-thread.ts', import.meta.url),
);
const twoHarts = fileURLToPath(new URL('scripts/vitest/two-harts.ts', import.meta.url));
const translatorEngine = fileURLToPath(new URL('scripts/vitest/translator-engine.ts', import.meta.url));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    globalSetup: ['scripts/vitest/print-seed.ts'],
    setupFiles: ['scripts/vitest/random-seed.ts', 'scripts/vitest/silent-console.ts'],
    reporters: ['default', './scripts/vitest/not-run-reporter.ts'],
    expect: { requireAssertions: true },
    allowOnly: false,
    dangerouslyIgnoreUnhandledErrors: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    env: { FAULTLINE_SEED: process.env['FAULTLINE_SEED'] },
    projects: [
      { extends: true, test: { name: 'faultline', include } },
      {
        // What runs guest code, once more with all of it translated.
        extends: true,
        resolve: { alias: [{ find: /^\.{1,2}\/(.*\/)?engine\.js$/, replacement: translatorEngine }] },
        test: {
          name: 'translated',
          setupFiles: ['scripts/vitest/translated-share.ts'],
          // Each seed translates its guests anew.
          env: { FAULTLINE_FEWER: '10' },
          include: [
            'packages/mmu-emu/test/{hart,interpreter,mmu,qemu}/**/*.test.ts',
            'packages/mmu-emu/test/isa/float.test.ts',
            'packages/mmu-emu/test/translator/{boundaries,engine,lockstep,statistics}.test.ts',
            'packages/mmu-emu/test/debug/*.test.ts',
            // Of the kernel's, those in which guests run more than single accesses, and the models.
            'packages/kernel/test/kernel.test.ts',
            'packages/kernel/test/loader/program.test.ts',
            'packages/kernel/test/pager/{handle-races,read-faults,writeback}.test.ts',
            'packages/kernel/test/task/{crash,exception-channel,futex,guest-life,guest-system-calls,harts}.test.ts',
            'packages/kernel/test/task/{guest-fuzz,page-waits,race-exploration,suspend}.test.ts',
            'packages/kernel/test/vm/{address-space,evicted-code,snapshot,{vmo-tree,dirty-tracking,eviction}.model}.test.ts',
            'guest/test/programs.test.ts',
          ],
        },
      },
      {
        // Accesses, crashes, suspensions and races under the kernel, once more on two harts, with single accesses made by threads of the kernel's scheduler.
        // Left out: tests in which no thread of a guest runs (they would do the same again); models, which run long; those that count what there is
        // of a kernel with one hart and without tasks: changes of threads (guest-life), objects and identifiers (vmar, address-space); and those that choose the number of harts themselves (harts, replay, memory-pressure, task-info, job-policy).
        extends: true,
        resolve: {
          alias: [
            { find: /^\.{1,2}\/(.*\/)?harts\.js$/, replacement: twoHarts },
            { find: /^\.{1,2}\/(.*\/)?guest-thread\.js$/, replacement: scheduledThread },
          ],
        },
        test: {
          name: 'two-harts',
          include: [
            'packages/kernel/test/pager/!(pins|snapshot-zero|stream-size|validation|vmo-info).test.ts',
            'packages/kernel/test/task/{crash,exception-channel,futex,guest-fuzz,guest-system-calls,page-waits,race-exploration,suspend}.test.ts',
            'packages/kernel/test/syscall/vmar-regions.test.ts',
            'packages/kernel/test/vm/{discardable,eviction,eviction-room}.test.ts',
          ],
        },
      },
    ],
  },
});
