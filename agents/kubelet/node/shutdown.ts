// Asks the service manager whether the machine is going down.
import type { Clock } from '../../../controlplane/base/clock';
import { hasCode } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Exec } from '../../../dataplane/exec/exec';

/** Long, because systemd is stopping every unit of the machine and answers late. The kubelet's unit has 60 s to stop. */
const timeoutMs = 9_000;
/** A systemd that has begun to stop may close a connection without an answer. */
const attempts = 3;
const pauseMs = 500;

/** False without systemd, or when systemd does not answer. Source: systemctl(1), is-system-running. */
export async function machineStops(
  exec: Exec,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { stdout } = await exec.run(['systemctl', 'show', '--property=SystemState', '--value'], { timeoutMs });
      return stdout.trim() === 'stopping';
    } catch (error) {
      if (attempt === attempts || hasCode(error, 'NotFound')) {
        log.info('systemd does not say whether the machine goes down; containers go on running', { error });
        return false;
      }
      await clock.sleep(pauseMs);
    }
  }
}
