// Whether the kernel counts the packets of connections: a setting of each network namespace.
import { AppError, describeError } from '../../controlplane/base/errors';
import { ensureSysctls, readSysctl } from '../link/sysctl';
import type { Netns } from '../netns/netns';

const accounting = 'net.netfilter.nf_conntrack_acct';

/** Lets the kernel count the packets of connections that begin from now on; restore() undoes that. */
export class Accounting {
  private before: string | undefined;

  constructor(private readonly netns: Netns) {}

  /** Repeatable: another collector that ended may have switched it off. `problem`: it failed. */
  ensure(): { readonly on: boolean; readonly problem?: string } {
    try {
      const now = readSysctl(this.netns, accounting);
      if (now === undefined) return { on: false };
      if (now === '0') ensureSysctls(this.netns, { [accounting]: '1' });
      this.before ??= now;
      return { on: true };
    } catch (error) {
      const cause = error instanceof AppError && error.cause !== undefined ? `: ${describeError(error.cause)}` : '';
      return { on: false, problem: `packets of connections are not counted: ${describeError(error)}${cause}` };
    }
  }

  /** What restore() restores, without switching it on: for those whose child process does that. */
  remember(): void {
    this.before = readSysctl(this.netns, accounting);
  }

  /** Repeatable. @throws Forbidden */
  restore(): void {
    if (this.before === '0') ensureSysctls(this.netns, { [accounting]: '0' });
    this.before = undefined;
  }
}
