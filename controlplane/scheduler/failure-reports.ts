// Which failures to place a pod become an Event. Any change in the cluster may lead to another try of a pod. As upstream's recorder does,
// a failure that repeats is written only every few minutes.
import { unschedulableMs } from './queue';

export class FailureReports {
  /** By the uid of the pod. */
  private readonly last = new Map<string, { readonly message: string; readonly atMs: number }>();

  /** True for a new message, and every five minutes for the same message. A call that returns true counts as a report. */
  isDue(uid: string, message: string, nowMs: number): boolean {
    const before = this.last.get(uid);
    if (before?.message === message && nowMs - before.atMs < unschedulableMs) return false;
    this.last.set(uid, { message, atMs: nowMs });
    return true;
  }

  /** Call when the pod has a node or is deleted. */
  forget(uid: string): void {
    this.last.delete(uid);
  }
}
