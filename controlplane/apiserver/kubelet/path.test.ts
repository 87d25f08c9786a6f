import t from 'tap';
import { cleanPath, kubeletPath } from './path';

t.test('each name from a user stays one segment of the path', async (t) => {
  t.equal(kubeletPath('containerLogs', 'a', 'b', 'c'), '/containerLogs/a/b/c');
  t.equal(kubeletPath('exec', 'a/../b', '..?x#y', '%2e%2e\n'), '/exec/a%2F..%2Fb/..%3Fx%23y/%252e%252e%0A');
});

t.test('the proxied path is cleaned', async (t) => {
  const cases = [
    ['', '/'],
    ['/', '/'],
    ['/healthz', '/healthz'],
    ['/logs/', '/logs/'],
    ['/a/../../pods', '/pods'],
    ['/a/%2e%2e/%2E./pods', '/pods'],
    ['//a//./b', '/a/b'],
    ['/a%2Fb', '/a%2Fb'],
    ['/a%3Fx=1', '/a%3Fx%3D1'],
    ['/a%0Ab', '/a%0Ab'],
  ] as const;
  for (const [raw, wanted] of cases) t.equal(cleanPath(raw), wanted, raw);
  t.throws(() => cleanPath('/%ff'), { code: 'BadRequest' });
});
