/**
 * A thing in the host's file system that has been pinned down, and the step from a directory to what is in it. Two ways of taking
 * that step:
 *
 * - `DescriptorNode` (Linux) holds an open descriptor of each directory on the way and names children relative to it, through
 *   `/proc/self/fd`. Nothing that happens to names meanwhile can lead a walk elsewhere: a descriptor stays with its inode.
 * - `PathNode` (elsewhere) names children by path and compares afterwards. A program on the host that swaps a directory for a
 *   symbolic link and back again within that time can win against it; a guest cannot, since it cannot write to the host.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from 'node:fs';
import { join } from 'node:path';
import { FaultlineError, fromHostError } from '../faultline-error.js';
import { KIND_DIRECTORY, KIND_FILE, type DirectoryEntry } from './namespace.js';

/** What a thing in the host's file system is, as far as it matters here. */
export type HostNodeKind = 'file' | 'directory' | 'link' | 'other';

/** A thing in the host's file system, pinned down until `close`. */
export interface HostNode {
  readonly kind: HostNodeKind;
  readonly stats: BigIntStats;
  /** What a directory holds under `name` (one component, not `..`), symbolic links not followed. */
  child(name: string): HostNode;
  /** Target of a symbolic link. */
  linkTarget(): string;
  /** A new descriptor of a regular file, for reading. */
  openForReading(): number;
  /** Regular files and directories in a directory, unsorted; names that are not UTF-8 are left out. */
  entries(): DirectoryEntry[];
  close(): void;
}

/** `O_PATH` of Linux, which node:fs does not name; the same number on every architecture that Node runs on. */
const O_PATH = 0o10000000;
const DESCRIPTORS = '/proc/self/fd';

/** Whether this host lets descriptors be walked. */
export function canWalkDescriptors(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return statSync(DESCRIPTORS).isDirectory();
  } catch {
    return false;
  }
}

/** A node held by an open descriptor (Linux). */
export class DescriptorNode implements HostNode {
  readonly stats: BigIntStats;
  readonly kind: HostNodeKind;

  private constructor(
    private readonly descriptor: number,
    /** How the host reaches it: a name under its directory's descriptor. */
    private readonly path: string,
  ) {
    this.stats = fstatSync(descriptor, { bigint: true });
    this.kind = kindOf(this.stats);
  }

  /** @param path of the host; symbolic links are followed, since whoever runs the service chose it */
  static root(path: string): DescriptorNode {
    return new DescriptorNode(openSync(path, O_PATH | constants.O_DIRECTORY), path);
  }

  child(name: string): DescriptorNode {
    const path = `${DESCRIPTORS}/${this.descriptor}/${name}`;
    // O_PATH opens nothing: no device is woken, no pipe waits for a writer.
    return new DescriptorNode(openSync(path, O_PATH | constants.O_NOFOLLOW), path);
  }

  linkTarget(): string {
    return readlinkSync(this.path);
  }

  openForReading(): number {
    return openSync(`${DESCRIPTORS}/${this.descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  entries(): DirectoryEntry[] {
    return readEntries(`${DESCRIPTORS}/${this.descriptor}/.`);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** A node named by its path, with what stood there compared afterwards. */
export class PathNode implements HostNode {
  readonly stats: BigIntStats;
  readonly kind: HostNodeKind;

  private constructor(private readonly path: string) {
    this.stats = lstatSync(path, { bigint: true });
    this.kind = kindOf(this.stats);
  }

  /** @param path of the host; symbolic links are followed, since whoever runs the service chose it */
  static root(path: string): PathNode {
    const node = new PathNode(realpathSync(path));
    if (node.kind !== 'directory') throw new FaultlineError('not-a-directory', `${path}: not a directory`);
    return node;
  }

  child(name: string): PathNode {
    return new PathNode(join(this.path, name));
  }

  linkTarget(): string {
    return readlinkSync(this.path);
  }

  openForReading(): number {
    const descriptor = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stats = fstatSync(descriptor, { bigint: true });
    // The walk saw no symbolic link; if one has come to stand on the way since, the real path is another.
    if (
      stats.ino === this.stats.ino &&
      stats.dev === this.stats.dev &&
      realpathSync(this.path) === this.path
    ) {
      return descriptor;
    }
    closeSync(descriptor);
    throw new FaultlineError('access-denied', 'the path changed while it was being followed');
  }

  entries(): DirectoryEntry[] {
    if (realpathSync(this.path) !== this.path) {
      throw new FaultlineError('access-denied', 'the path changed while it was being followed');
    }
    return readEntries(this.path);
  }

  close(): void {}
}

function kindOf(stats: BigIntStats): HostNodeKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function readEntries(path: string): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
    const name = decodeName(entry.name);
    if (name === null) continue;
    if (entry.isFile()) entries.push({ kind: KIND_FILE, name });
    else if (entry.isDirectory()) entries.push({ kind: KIND_DIRECTORY, name });
  }
  return entries;
}

function decodeName(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** Symbolic links followed in one walk at most. */
export const MAX_LINKS = 40;

/**
 * Follows components from a root that is never left: `..` at the root and symbolic links with an absolute target are refused.
 *
 * @param root stays open
 * @param parse takes the target of a symbolic link apart
 * @returns the node at the end, to be closed by the caller unless it is `root`
 * @throws {FaultlineError}
 */
export function walk(
  root: HostNode,
  components: readonly string[],
  shown: string,
  parse: (target: string) => readonly string[],
): HostNode {
  const stack: HostNode[] = [root];
  const pending = [...components].reverse();
  let links = 0;
  try {
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const here = stack[stack.length - 1];
      if (here.kind !== 'directory') throw new FaultlineError('not-a-directory', `${shown}: not a directory`);
      if (name === '..') {
        if (stack.length === 1) throw new FaultlineError('access-denied', `${shown}: leads out of the root`);
        stack.pop();
        here.close();
        continue;
      }
      const node = here.child(name);
      if (node.kind !== 'link') {
        stack.push(node);
        continue;
      }
      const target = linkTargetOf(node);
      links += 1;
      if (links > MAX_LINKS)
        throw new FaultlineError('bad-path', `${shown}: more than ${MAX_LINKS} symbolic links`);
      if (isAbsolute(target))
        throw new FaultlineError('access-denied', `${shown}: a symbolic link leads out of the root`);
      pending.push(...[...parse(target)].reverse());
    }
  } catch (error) {
    for (const node of stack.slice(1)) node.close();
    throw fromHostError(error, shown);
  }
  const found = stack.pop() as HostNode;
  for (const node of stack.slice(1)) node.close();
  return found;
}

function linkTargetOf(node: HostNode): string {
  try {
    return node.linkTarget();
  } finally {
    node.close();
  }
}

function isAbsolute(target: string): boolean {
  return target.startsWith('/') || /^([a-z]:|\\)/i.test(target);
}
