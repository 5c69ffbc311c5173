import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CHROMIUM, runInChromium } from '../../../../scripts/browser/chromium.mjs';
import { hasTool } from '../../../../scripts/vitest/needs-tool.js';
import { run } from './page-results.js';
import type { ProgramResult } from './page-results.js';

const SEED = Number(process.env['FAULTLINE_SEED']);
const PROGRAMS = 8;

describe('in a browser', () => {
  it('random programs end as in Node, with either engine', async ({ task }) => {
    if (!hasTool(task, CHROMIUM, `${PROGRAMS} programs run in a browser as in Node`)) return;
    const page = fileURLToPath(new URL('page-results.ts', import.meta.url));
    const results = (await runInChromium(page, [SEED, PROGRAMS])) as ProgramResult[];
    expect(results).toEqual(await run(SEED, PROGRAMS));
    for (const { seed, digests } of results)
      expect(digests.translator, `seed ${seed}`).toBe(digests.interpreter);
    expect(results.reduce((sum, { translated }) => sum + translated, 0)).toBeGreaterThan(5_000);
  }, 180_000);
});
