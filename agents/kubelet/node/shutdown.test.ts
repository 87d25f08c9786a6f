import t from 'tap';
import { AppError, NotFound } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { ScriptedExec } from '../../../test/lib/scripted-exec';
import { machineStops } from './shutdown';

t.test('the machine goes down only if its service manager says so', async (t) => {
  const argv = 'systemctl show --property=SystemState --value';
  for (const [answer, expected] of [
    [{ stdout: 'stopping\n' }, true],
    [{ stdout: 'running\n' }, false],
    [{ stdout: 'degraded\n' }, false],
    [{ stdout: '' }, false],
    [{ exitCode: 1, stderr: 'Failed to connect to bus' }, false],
    [{ error: new NotFound('systemctl: not found') }, false],
    [{ error: new AppError('Timeout', 'killed after 20000 ms') }, false],
  ] as const) {
    t.equal(
      await machineStops(new ScriptedExec([{ argv, ...answer }]), silentLogger),
      expected,
      JSON.stringify(answer),
    );
  }
});
