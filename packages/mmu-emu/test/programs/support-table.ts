import { readFileSync } from 'node:fs';

/** A part of what the machine supports, as docs/SUPPORT.md has it. */
export interface SupportedPart {
  /** The heading. */
  readonly section: string;
  /** One of the names in the first column of the table below it. */
  readonly part: string;
}

/** A heading whose table tells of the engines: how instructions are executed, which no program can see. */
const ENGINES = 'Engines';

/** The names in the first columns of the tables of docs/SUPPORT.md, but for that of the engines. */
export function supportedParts(): SupportedPart[] {
  const text = readFileSync(new URL('../../../../docs/SUPPORT.md', import.meta.url), 'utf8');
  return text.split(/^## /m).flatMap((chapter) => {
    const [section = '', ...lines] = chapter.split('\n');
    if (section === ENGINES) return [];
    const rows = lines.filter((line) => line.startsWith('|')).slice(2);
    return rows.flatMap((row) =>
      (row.split('|')[1] ?? '').split(',').map((part) => ({ section, part: part.trim() })),
    );
  });
}
