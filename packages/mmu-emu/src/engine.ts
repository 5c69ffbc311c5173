/** What runs guest code. */
export type Engine = 'auto' | 'interpreter' | 'translator';

/** The engine of machines that are made without saying which. Tests run a second time with another one in its place. */
export const DEFAULT_ENGINE: Engine = 'auto';
