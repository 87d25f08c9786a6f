// Mounts as the agents need them: file systems in memory, and their end.

export interface TmpfsOptions {
  /** Of the topmost folder. */
  readonly mode: number;
  /** Absent: the kernel's choice, half of the memory. */
  readonly sizeBytes?: number;
}

export interface Mounts {
  /** Mounts unless something is mounted at this folder already. @throws Forbidden, NotFound, AppError */
  ensureTmpfs(path: string, options: TmpfsOptions): Promise<void>;
  /** Takes away everything mounted at or below this folder, whoever still uses it. */
  detachBelow(path: string): Promise<void>;
}
