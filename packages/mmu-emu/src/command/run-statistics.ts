import type { Machine } from '@faultline/mmu-emu';

/** Most lines of a list that are worth reading. */
const MOST_LISTED = 8;

/** What `--stats` prints: instructions and speed, and what the translator did. */
export function runStatistics(machine: Machine, instructions: number, seconds: number): string {
  const mips = instructions / Math.max(seconds, 1e-9) / 1e6;
  const lines = [`instructions ${instructions}, time ${seconds.toFixed(3)} s, ${mips.toFixed(1)} MIPS`];
  const { translation } = machine;
  if (translation !== null && translation.translations > 0) {
    const { retired, retiredTranslated, translations, regions, modules, bytes } = translation;
    const share = ((100 * retiredTranslated) / Math.max(retired, 1)).toFixed(1);
    lines.push(
      `translated ${share}% of them, in ${translations} regions of ${translation.instructions} instructions; ${modules} modules, ${bytes} bytes`,
      `regions now ${regions}, invalidated ${translation.invalidations}, replaced ${translation.replacements}`,
      `left for ${listed(translation.exits)}`,
      `not translated ${listed(translation.refusals)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The greatest first; what is left out is counted. */
function listed(counts: Readonly<Partial<Record<string, number>>>): string {
  const sorted = Object.entries(counts).sort(([, a = 0], [, b = 0]) => b - a);
  const rest = sorted.slice(MOST_LISTED).reduce((sum, [, count = 0]) => sum + count, 0);
  const parts = sorted.slice(0, MOST_LISTED).map(([name, count]) => `${name} ${count}`);
  if (rest > 0) parts.push(`others ${rest}`);
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** What `--regions` prints: WebAssembly's text with the guest's instructions in it, the hottest region first. */
export function hotRegions(machine: Machine, count: number): string {
  const { translation } = machine;
  if (translation === null) return ';; every instruction was interpreted\n';
  const regions = machine.hotRegions(count);
  if (regions.length === 0) return ';; nothing was translated\n';
  return regions
    .map(({ page, entries, instructions, retired, text }, index) => {
      const share = ((100 * retired) / translation.retired).toFixed(1);
      const at = entries.map((offset) => (page + offset).toString(16)).join(' ');
      return `;; region ${index + 1}: ${retired} instructions retired (${share}%), ${instructions} of the guest, entered at ${at}\n${text}`;
    })
    .join('\n');
}
