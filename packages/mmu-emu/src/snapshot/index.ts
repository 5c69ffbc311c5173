export { SnapshotError } from './snapshot-error.js';
export type { SnapshotErrorCode } from './snapshot-error.js';
export type { SnapshotPieces } from './machine-snapshot.js';
export type { SnapshotPart } from './snapshot-part.js';
export { StateReader } from './state-reader.js';
export { StateWriter } from './state-writer.js';
