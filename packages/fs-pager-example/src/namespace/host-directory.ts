import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { FaultlineError, fromHostError } from '../faultline-error.js';
import { FileBacking, type FileIo } from './file-backing.js';
import { parseGuestPath } from './guest-path.js';
import { canWalkDescriptors, DescriptorNode, PathNode, walk, type HostNode } from './host-node.js';
import {
  KIND_DIRECTORY,
  KIND_FILE,
  type DirectoryEntry,
  type Namespace,
  type NamespaceFile,
  type NodeStat,
} from './namespace.js';

/** How a directory of the host is served. */
export interface HostDirectoryOptions {
  /**
   * How names are followed: `descriptors` cannot be raced and is the default where the host has it (Linux); `paths` works
   * everywhere, with the weakness that `host-node.ts` describes.
   */
  readonly walk?: 'descriptors' | 'paths';
  /** How files are read: in place and at once (the default), or through the host's thread pool. */
  readonly io?: FileIo;
}

/**
 * A directory of the host as a namespace. No path leads out of it: not by `..`, not by symbolic links, not by renaming things while
 * a path is being followed. Symbolic links that stay inside are followed. Only regular files open; devices and pipes never do.
 *
 * Life: the constructor opens the directory; `close` gives it up. Files that were opened live on.
 */
export class HostDirectory implements Namespace {
  private readonly root: HostNode;
  private readonly io: FileIo;
  private closed = false;

  /** @throws {FaultlineError} when `path` is not a directory that can be opened */
  constructor(
    readonly path: string,
    options: HostDirectoryOptions = {},
  ) {
    this.io = options.io ?? 'sync';
    const way = options.walk ?? (canWalkDescriptors() ? 'descriptors' : 'paths');
    try {
      this.root = way === 'descriptors' ? DescriptorNode.root(path) : PathNode.root(path);
    } catch (error) {
      throw fromHostError(error, path);
    }
  }

  openFile(path: string): NamespaceFile {
    return this.visit(path, (node) => {
      if (node.kind !== 'file') throw new FaultlineError('not-a-file', `${path}: not a regular file`);
      return openedFile(node.openForReading(), path, this.io);
    });
  }

  stat(path: string): NodeStat {
    return this.visit(path, (node) => {
      switch (node.kind) {
        case 'file':
          return { kind: KIND_FILE, size: Number(node.stats.size) };
        case 'directory':
          return { kind: KIND_DIRECTORY, size: 0 };
        default:
          throw new FaultlineError('access-denied', `${path}: neither a file nor a directory`);
      }
    });
  }

  list(path: string): readonly DirectoryEntry[] {
    return this.visit(path, (node) => {
      if (node.kind !== 'directory') throw new FaultlineError('not-a-directory', `${path}: not a directory`);
      return node.entries().sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.root.close();
  }

  private visit<T>(path: string, act: (node: HostNode) => T): T {
    if (this.closed) throw new FaultlineError('closed', 'the directory is closed');
    const { components, mustBeDirectory } = parseGuestPath(path);
    const node = walk(this.root, components, path, (target) => parseGuestPath(target).components);
    try {
      if (mustBeDirectory && node.kind !== 'directory') {
        throw new FaultlineError('not-a-directory', `${path}: not a directory`);
      }
      return act(node);
    } catch (error) {
      throw fromHostError(error, path);
    } finally {
      if (node !== this.root) node.close();
    }
  }
}

/**
 * Opens one file of the host by its own path, outside of any namespace: whoever runs the service asked for it by name.
 *
 * @throws {FaultlineError}
 */
export function openHostFile(path: string, io: FileIo = 'sync'): NamespaceFile {
  try {
    // Not waiting: a pipe is to be refused, not to be waited for.
    return openedFile(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), path, io);
  } catch (error) {
    throw fromHostError(error, path);
  }
}

function openedFile(descriptor: number, path: string, io: FileIo): NamespaceFile {
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) {
      throw new FaultlineError(
        'not-a-file',
        `${path}: ${stats.isDirectory() ? 'a directory' : 'not a regular file'}`,
      );
    }
    // Size and time of change belong to it: whoever opens a file after it was rewritten gets the new content.
    const identity = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
    return { identity, size: Number(stats.size), backing: new FileBacking(descriptor, io) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
