// Limits of folders that are only written down.
import type { FolderQuotas } from '../../dataplane/quota/folder-quotas';

export class FakeQuotas implements FolderQuotas {
  /** Folder to bytes. */
  readonly limits = new Map<string, number>();

  async limitNew(path: string, bytes: number): Promise<boolean> {
    this.limits.set(path, bytes);
    return true;
  }

  async change(path: string, bytes: number): Promise<boolean> {
    if (!this.limits.has(path)) return false;
    this.limits.set(path, bytes);
    return true;
  }

  async release(path: string): Promise<void> {
    this.limits.delete(path);
  }
}
