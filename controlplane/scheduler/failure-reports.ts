// Which failures to place a pod are worth an Event. A pod may be tried whenever something in the cluster changes; upstream's
// recorder counts a failure that repeats in memory and writes it every few minutes, and so does this.
import { unschedulableMs } from './queue';

export class FailureReports {
  /** By the uid of the pod. */
  private readonly last = new Map<string, { readonly message: string; readonly atMs: number }>();

  /** True for a message that the pod did not have last, and every five minutes for one that it had; that counts as reported. */
  isDue(uid: string, message: string, nowMs: number): boolean {
    const before = this.last.get(uid);
    if (before?.message === message && nowMs - before.atMs < unschedulableMs) return false;
    this.last.set(uid, { message, atMs: nowMs });
    return true;
  }

  /** The pod has a node or is gone. */
  forget(uid: string): void {
    this.last.delete(uid);
  }
}
