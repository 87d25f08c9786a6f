// Whether the machine is going down, as its service manager says.
import type { Exec } from '../../../dataplane/exec/exec';

/** False where there is no systemd, or it does not answer. Source: systemctl(1), is-system-running. */
export async function machineStops(exec: Exec): Promise<boolean> {
  try {
    const { stdout } = await exec.run(['systemctl', 'show', '--property=SystemState', '--value'], { timeoutMs: 5_000 });
    return stdout.trim() === 'stopping';
  } catch {
    return false;
  }
}
