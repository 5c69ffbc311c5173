import { defineConfig } from 'vitest/config';

// Packages resolve to each other's sources, so that tests need no build.
const conditions = ['@faultline/source', 'module', 'node', 'import', 'default'];

// One seed for all of a run's random tests; the set-up prints it, and FAULTLINE_SEED repeats a run.
process.env['FAULTLINE_SEED'] ??= String(Math.floor(Math.random() * 2 ** 31));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['scripts/test/**/*.test.mjs', 'packages/*/test/**/*.test.ts', 'guest/test/**/*.test.ts'],
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
  },
});
