import type { CoreVariant } from './imports.js';

/**
 * Modules of `encodeCoreModule` for memory that is not shared, in base64. Emitting one takes most of the time of making the
 * first machine of a process, so the build puts another file in this one's place (scripts/core-module-plugin.mjs), which
 * has those that are most used. There are none where the sources run as they are.
 */
export const PREBUILT_CORES: Readonly<Partial<Record<CoreVariant, string>>> = {};
