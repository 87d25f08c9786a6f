import { setTraceSigInt } from 'node:util';
import t from 'tap';
import { startWatchdog } from './watchdog';

function scriptedManager() {
  const sent: string[] = [];
  const paths: string[] = [];
  const open = (path: string) => {
    paths.push(path);
    return { send: (text: string) => void sent.push(text), close: () => void sent.push('closed') };
  };
  return { sent, paths, open };
}

t.test('reports at once to the socket in the environment, until it is closed', async (t) => {
  t.teardown(() => setTraceSigInt(false));
  const { sent, paths, open } = scriptedManager();
  const env = {
    NOTIFY_SOCKET: '/run/notify',
    WATCHDOG_USEC: '60000000',
    WATCHDOG_PID: `${process.pid}`,
    HOME: '/root',
  };
  const watchdog = startWatchdog(env, open);
  t.same(paths, ['/run/notify']);
  t.same(sent, ['WATCHDOG=1']);
  t.same(env, { HOME: '/root' }, 'child processes do not get the variables');
  watchdog?.close();
  t.same(sent, ['WATCHDOG=1', 'closed']);
});

t.test('does nothing when the environment is not for this process', async (t) => {
  const asked = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '60000000' };
  const cases = [
    { name: 'no socket', env: { WATCHDOG_USEC: '60000000' } },
    { name: 'no interval', env: { NOTIFY_SOCKET: '/run/notify' } },
    { name: 'an interval of 0', env: { ...asked, WATCHDOG_USEC: '0' } },
    { name: 'the interval is for another process', env: { ...asked, WATCHDOG_PID: `${process.pid + 1}` } },
  ];
  for (const { name, env } of cases) {
    const { paths, open } = scriptedManager();
    t.equal(startWatchdog(env, open), undefined, name);
    t.same(paths, [], name);
  }
  t.equal(
    startWatchdog({ ...asked }, () => undefined),
    undefined,
    'the socket cannot be opened',
  );
});
