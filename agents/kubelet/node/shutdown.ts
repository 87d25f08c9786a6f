// Whether the machine is going down, as its service manager says.
import type { Logger } from '../../../controlplane/base/logger';
import type { Exec } from '../../../dataplane/exec/exec';

/** systemd stops every unit of a busy machine at this moment, and answers late. The unit of the kubelet has 60 s to stop. */
const timeoutMs = 20_000;

/** False where there is no systemd, or it does not answer. Source: systemctl(1), is-system-running. */
export async function machineStops(exec: Exec, log: Logger): Promise<boolean> {
  try {
    const { stdout } = await exec.run(['systemctl', 'show', '--property=SystemState', '--value'], { timeoutMs });
    return stdout.trim() === 'stopping';
  } catch (error) {
    log.info('systemd does not say whether the machine goes down; containers go on running', { error });
    return false;
  }
}
