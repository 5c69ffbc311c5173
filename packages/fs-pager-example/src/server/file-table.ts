import {
  ZX_OK,
  ZX_RIGHT_GET_PROPERTY,
  ZX_RIGHT_MAP,
  ZX_RIGHT_READ,
  ZX_RIGHTS_BASIC,
  type HostProcess,
} from '@faultline/kernel';
import type { PagerService, PagerVmo } from '@faultline/pager-sdk';
import { FaultlineError } from '../faultline-error.js';
import type { NamespaceFile } from '../namespace/namespace.js';

/** What a guest may do with a file: look at it, map it, pass it on. */
const FILE_RIGHTS = ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY;

/** A file that somebody uses. */
export interface TableFile {
  readonly identity: string;
  /** As it was called when it was opened first. */
  readonly name: string;
  readonly size: number;
  readonly vmo: PagerVmo;
}

/** Someone whose open files are counted. */
export interface FileUser {
  /** Files charged to it. */
  openFiles: number;
}

interface Entry extends TableFile {
  readonly users: Set<FileUser>;
}

/** Bounds of a file table, and who hears of files. */
export interface FileTableOptions {
  /** Files open at a time, each with a descriptor of the host. Default 1024. */
  readonly maxFiles?: number;
  /** Files charged to one user at a time. Default 256. */
  readonly maxFilesPerUser?: number;
  /** Told of each file when its last user is gone. */
  readonly onClosed?: (file: TableFile) => void;
}

/**
 * The files in use, each one pager-backed VMO that all who open it share.
 *
 * Life of an entry: made when a file is opened that is not open yet; each `open` hands out a reference; when the last reference and
 * mapping are gone the VMO is detached, its pages go, and the file is closed. A file is charged to everybody who opened it until then.
 */
export class FileTable {
  private readonly entries = new Map<string, Entry>();
  private readonly maxFiles: number;
  private readonly maxFilesPerUser: number;

  constructor(
    private readonly host: HostProcess,
    private readonly pager: PagerService,
    private readonly options: FileTableOptions = {},
  ) {
    this.maxFiles = options.maxFiles ?? 1_024;
    this.maxFilesPerUser = options.maxFilesPerUser ?? 256;
  }

  get files(): Iterable<TableFile> {
    return this.entries.values();
  }

  get size(): number {
    return this.entries.size;
  }

  /**
   * Gives out a reference to a file.
   *
   * @param file belongs to the table from now on, also when this throws
   * @param name for reports
   * @param user who is charged; null: nobody
   * @returns a handle that belongs to the caller
   * @throws {FaultlineError} `limit-reached`, `kernel`
   */
  open(
    file: NamespaceFile,
    name: string,
    user: FileUser | null,
    executable: boolean,
  ): { handle: number; file: TableFile } {
    let entry = this.entries.get(file.identity);
    if (entry === undefined) {
      try {
        this.checkLimits(user);
        entry = this.add(file, name);
      } catch (error) {
        void file.backing.close?.();
        throw error;
      }
    } else {
      void file.backing.close?.();
      if (user !== null && !entry.users.has(user)) this.checkUser(user);
    }
    if (user !== null && !entry.users.has(user)) {
      entry.users.add(user);
      user.openFiles += 1;
    }
    try {
      return { handle: this.reference(entry, executable), file: entry };
    } catch (error) {
      // With no reference to it that could go, it would stay for ever.
      if (!entry.vmo.isShared) this.remove(entry.identity);
      throw error;
    }
  }

  private add(file: NamespaceFile, name: string): Entry {
    const { identity, size, backing } = file;
    const vmo = this.pager.createVmo(backing, {
      size,
      name: lastPart(name),
      onUnused: () => this.remove(identity),
    });
    const entry = { identity, name, size, vmo, users: new Set<FileUser>() };
    this.entries.set(identity, entry);
    return entry;
  }

  private remove(identity: string): void {
    const entry = this.entries.get(identity);
    if (entry === undefined) return;
    this.entries.delete(identity);
    for (const user of entry.users) user.openFiles -= 1;
    void entry.vmo.detach().then(() => this.options.onClosed?.(entry));
  }

  private reference(entry: Entry, executable: boolean): number {
    const handle = entry.vmo.share(FILE_RIGHTS);
    if (!executable) return handle;
    const replaced = this.host.vmoReplaceAsExecutable(handle);
    if (replaced.status === ZX_OK) return replaced.handle;
    const { status } = replaced;
    throw new FaultlineError('kernel', `zx_vmo_replace_as_executable: ${status}`, { status });
  }

  private checkLimits(user: FileUser | null): void {
    if (this.entries.size >= this.maxFiles) {
      throw new FaultlineError('limit-reached', `${this.maxFiles} files are open already`);
    }
    if (user !== null) this.checkUser(user);
  }

  private checkUser(user: FileUser): void {
    if (user.openFiles < this.maxFilesPerUser) return;
    throw new FaultlineError(
      'limit-reached',
      `${this.maxFilesPerUser} files are open for this guest already`,
    );
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
