// Asks the service manager whether the machine is going down.
import type { Logger } from '../../../controlplane/base/logger';
import type { Exec } from '../../../dataplane/exec/exec';

/** Long, because systemd is stopping every unit of the machine and answers late. The kubelet's unit has 60 s to stop. */
const timeoutMs = 20_000;

/** False without systemd, or when systemd does not answer. Source: systemctl(1), is-system-running. */
export async function machineStops(exec: Exec, log: Logger): Promise<boolean> {
  try {
    const { stdout } = await exec.run(['systemctl', 'show', '--property=SystemState', '--value'], { timeoutMs });
    return stdout.trim() === 'stopping';
  } catch (error) {
    log.info('systemd does not say whether the machine goes down; containers go on running', { error });
    return false;
  }
}
