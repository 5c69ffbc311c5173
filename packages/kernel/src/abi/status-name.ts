import * as statuses from './status.js';

const NAMES = new Map<number, string>(
  Object.entries(statuses).flatMap(([name, value]) =>
    typeof value === 'number' ? [[value, name] as const] : [],
  ),
);

/** `ZX_ERR_NOT_FOUND` for -25; `status 7` for what has no name. */
export function statusName(status: statuses.Status): string {
  return NAMES.get(status) ?? `status ${status}`;
}
