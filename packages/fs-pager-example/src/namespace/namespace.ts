import type { VmoBacking } from '@faultline/pager-sdk';

/** Kinds of what a namespace holds; numbers as on the wire. */
export const KIND_FILE = 1;
export const KIND_DIRECTORY = 2;
/** What a path of a namespace names. */
export type NodeKind = typeof KIND_FILE | typeof KIND_DIRECTORY;

/** Kind and size of what a path names. */
export interface NodeStat {
  readonly kind: NodeKind;
  /** Bytes of a file; 0 for a directory. */
  readonly size: number;
}

/** One name in a directory. */
export interface DirectoryEntry {
  readonly kind: NodeKind;
  readonly name: string;
}

/** A file, open for reading: it stays readable when its name goes away. The receiver owns it and closes it once. */
export interface NamespaceFile {
  /**
   * Two open files with the same identity hold the same content, so that they may share one VMO. It changes with the content as far
   * as the namespace can tell.
   */
  readonly identity: string;
  /** Bytes, when it was opened; < 2^53. */
  readonly size: number;
  /** Reads it; `backing.close` closes the file. */
  readonly backing: VmoBacking;
}

/**
 * What a filesystem server serves. Paths are those of `parseGuestPath`; every method throws (or rejects with) a
 * `FaultlineError`, whose status goes to the guest.
 */
export interface Namespace {
  /** Opens a regular file for reading. */
  openFile(path: string): NamespaceFile | Promise<NamespaceFile>;
  stat(path: string): NodeStat | Promise<NodeStat>;
  /** Files and directories of a directory, sorted by the code units of their names; other things are left out. */
  list(path: string): readonly DirectoryEntry[] | Promise<readonly DirectoryEntry[]>;
  close(): void;
}
