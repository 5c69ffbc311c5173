import { assemble, PAGE_SIZE } from '../../src/index.js';
import { discoverRegion } from '../../src/translator/region.js';
import type { Region } from '../../src/translator/region.js';

/** Where the page is said to be. */
export const PAGE_ADDRESS = 0x8000_0000;

const LIMITS = { blocks: 100, instructions: 500, calledInstructions: 48 };

/** The region that begins at the top of a page with this code. */
export function regionOf(source: string): Region {
  const page = new Uint8Array(PAGE_SIZE);
  page.set(assemble(source, { origin: PAGE_ADDRESS }).bytes.subarray(0, PAGE_SIZE));
  return discoverRegion(new DataView(page.buffer), [0], LIMITS);
}
