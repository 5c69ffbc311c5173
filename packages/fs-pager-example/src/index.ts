/**
 * A filesystem pager: guests run over a directory of the host, with every page of their files and of their own code read on demand.
 *
 * @packageDocumentation
 */
export { runProgram, type RunOutcome, type RunProgramOptions, type RunReport } from './run-program.js';
export {
  formatSummary,
  mips,
  summaryJson,
  SUMMARY_SCHEMA,
  SUMMARY_SCHEMA_VERSION,
  type FaultCounts,
  type FileSummary,
  type RunSummary,
} from './run-summary.js';
export * from './exit-status.js';
export { FaultlineError, type FaultlineErrorCode } from './faultline-error.js';
export { HostDirectory, openHostFile, type HostDirectoryOptions } from './namespace/host-directory.js';
export { FileBacking, type FileIo } from './namespace/file-backing.js';
export {
  KIND_DIRECTORY,
  KIND_FILE,
  type DirectoryEntry,
  type Namespace,
  type NamespaceFile,
  type NodeKind,
  type NodeStat,
} from './namespace/namespace.js';
