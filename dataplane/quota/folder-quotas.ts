// Limits for what a folder and all below it may use of its file system. Source: quotactl_fd(2), Linux "Project quotas".

export interface FolderQuotas {
  /**
   * Limits a new, empty folder. False when its file system has no project quotas (XFS and ext4 have them when they are mounted with the
   * option prjquota). @throws NotFound, AppError
   */
  limitNew(path: string, bytes: number): Promise<boolean>;
  /** Changes the limit of a folder. False when it has none. */
  change(path: string, bytes: number): Promise<boolean>;
  /** Forgets the limit of a folder that is removed next. Repeatable. */
  release(path: string): Promise<void>;
}
