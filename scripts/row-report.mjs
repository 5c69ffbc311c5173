/** Which rows of the table of behaviours the tests of a run have shown. A test shows the rows whose IDs its full name has. */

/** Words of a test's full name that tell which instance of a row it is. */
const INSTANCES = ['Vmar', 'Vmo', 'TrapDirty', 'NoTrapDirty'];

/**
 * The table: packages/kernel/test/rows/rows.json.
 *
 * @typedef {object} RowTable
 * @property {{ prefix: string, title: string, last: number, instances?: Record<string, number[]> }[]} sections Rows
 *   of a prefix are numbered from 1 to `last`; `instances` has the rows that must be shown more than once, by the
 *   words that the names of the tests must have.
 * @property {Record<string, string>} cannotBeShown Why no test can show a row.
 * @property {string[]} notYetShown Rows that are missing; each that is shown must leave this list.
 */

/** @param {string} prefix @param {number} number */
function rowId(prefix, number) {
  return `${prefix}-${String(number).padStart(2, '0')}`;
}

/**
 * @param {RowTable} table
 * @returns {Map<string, string[]>} Each row's ID, with the instances that it must have: none for most.
 */
export function rowsOf({ sections }) {
  const rows = new Map();
  for (const { prefix, last, instances = {} } of sections) {
    for (let number = 1; number <= last; number += 1) {
      const words = Object.keys(instances).find((key) => instances[key].includes(number));
      rows.set(rowId(prefix, number), words?.split(' ') ?? []);
    }
  }
  return rows;
}

/**
 * Compares the table with what passed.
 *
 * @param {RowTable} table
 * @param {{ fullName: string, status: string }[]} tests As vitest's JSON report has them.
 * @returns {{ lines: string[], problems: string[] }} One line for each section, then a summary; what is wrong, one
 *   line each.
 */
export function reportRows(table, tests) {
  const required = rowsOf(table);
  const prefixes = table.sections.map(({ prefix }) => prefix).join('|');
  const idPattern = new RegExp(`\\b(?:${prefixes})-\\d{2}\\b`, 'g');
  const notYet = new Set(table.notYetShown);
  const problems = [];
  /** Of each row, how many passing tests it has: all, and by instance. */
  /** @type {Map<string, Map<string, number>>} */
  const shown = new Map([...required.keys()].map((id) => [id, new Map()]));

  for (const { fullName, status } of tests) {
    const words = new Set(fullName.match(/\w+/g));
    for (const id of new Set(fullName.match(idPattern))) {
      const counts = shown.get(id);
      if (counts === undefined) problems.push(`there is no row ${id}: ${fullName}`);
      else if (status === 'passed') {
        for (const key of ['', ...INSTANCES.filter((word) => words.has(word))])
          counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
  }

  /** @param {string} id */
  const countsOf = (id) => shown.get(id) ?? new Map();
  /** @param {string} id */
  const missingOf = (id) => {
    const counts = countsOf(id);
    return counts.has('') ? (required.get(id) ?? []).filter((word) => !counts.has(word)) : ['all'];
  };
  for (const [list, ids] of [
    ['cannotBeShown', Object.keys(table.cannotBeShown)],
    ['notYetShown', table.notYetShown],
  ]) {
    for (const id of ids) {
      if (!required.has(id)) problems.push(`there is no row ${id}, which ${list} has`);
      else if (missingOf(id).length === 0) problems.push(`${id} is shown: take it out of ${list}`);
    }
  }

  const lines = [];
  let complete = 0;
  for (const { prefix, title, last } of table.sections) {
    const cells = [];
    for (let number = 1; number <= last; number += 1) {
      const id = rowId(prefix, number);
      const counts = countsOf(id);
      const missing = missingOf(id);
      const instances = INSTANCES.filter((word) => counts.has(word)).map(
        (word) => `${word} ${counts.get(word)}`,
      );
      const parts = instances.length > 0 ? instances : counts.has('') ? [String(counts.get(''))] : [];
      if (missing.length === 0) complete += 1;
      else if (id in table.cannotBeShown) parts.push('cannot be shown');
      else if (notYet.has(id)) parts.push(missing[0] === 'all' ? 'not yet' : `not yet ${missing.join(', ')}`);
      else {
        parts.push('MISSING');
        problems.push(
          `${id} is shown by no test${missing[0] === 'all' ? '' : ` with ${missing.join(', ')}`}`,
        );
      }
      cells.push(`${id} (${parts.join(', ')})`);
    }
    lines.push(`${prefix}: ${title}`, `  ${cells.join(' ')}`);
  }
  const excused = Object.keys(table.cannotBeShown).length;
  lines.push(
    `rows: ${complete} of ${required.size} shown, ${excused} cannot be, ${notYet.size} not yet, ` +
      `${problems.length} wrong`,
  );
  return { lines, problems };
}
