import t from 'tap';
import { systemClock } from '../../../controlplane/base/clock';
import { AppError, NotFound } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { ScriptedExec } from '../../../test/lib/scripted-exec';
import { machineStops } from './shutdown';

t.test('the machine goes down only if its service manager says so', async (t) => {
  const argv = 'systemctl show --property=SystemState --value';
  const lost = { exitCode: 1, stderr: 'Failed to connect to bus' };
  const late = { error: new AppError('Timeout', 'killed after 9000 ms') };
  const stopping = { stdout: 'stopping\n' };
  for (const [answers, expected] of [
    [[stopping], true],
    [[{ stdout: 'running\n' }], false],
    [[{ stdout: 'degraded\n' }], false],
    [[{ stdout: '' }], false],
    [[{ error: new NotFound('systemctl: not found') }], false],
    // systemd closes connections while it begins to stop.
    [[lost, stopping], true],
    [[late, lost, stopping], true],
    [[lost, late, lost], false],
  ] as const) {
    const exec = new ScriptedExec(answers.map((answer) => ({ argv, ...answer })));
    const clock = { ...systemClock, sleep: async () => {} };
    t.equal(await machineStops(exec, { log: silentLogger, clock }), expected, JSON.stringify(answers));
    t.equal(exec.remaining.length, 0, 'as often as it takes');
  }
});
