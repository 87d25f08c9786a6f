// Texts of kube-apiserver 1.36.3.
import t from 'tap';
import { checkTimeout } from './request-timeout';

const check = (target: string) => {
  const [path = '', search = ''] = target.split('?');
  checkTimeout({ method: 'GET', path, search });
};

t.test('a timeout that is no duration is refused', (t) => {
  const wrong: readonly (readonly [text: string, message: string])[] = [
    ['invalid', 'time: invalid duration "invalid"'],
    ['1', 'time: missing unit in duration "1"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1m2x', 'time: unknown unit "x" in duration "1m2x"'],
    ['.s', 'time: invalid duration ".s"'],
    ['99999999999h', 'time: invalid duration "99999999999h"'],
    ['x&timeout=5s', 'time: invalid duration "x"'],
  ];
  for (const [text, message] of wrong) {
    const expected = { code: 'BadRequest', message: `invalid timeout specified in the request URL - ${message}` };
    for (const path of ['/version', '/api/v1/namespaces', '/nope'])
      t.throws(() => check(`${path}?timeout=${text}`), expected, text);
  }
  const long = `/version?timeout=${'9'.repeat(1_000_000)}`;
  t.throws(() => check(long), { message: /^.{1,300}$/ }, 'a long text is not repeated');
  t.end();
});

t.test('durations, requests without one, and streams pass', (t) => {
  for (const text of ['', '0', '0s', '-1s', '5s', '1h', '5s&timeout=x'])
    t.doesNotThrow(() => check(`/version?timeout=${text}`), text);
  const streams = ['/api/v1/pods?watch=1&', '/api/v1/namespaces/a/pods/b/log?', '/api/v1/namespaces/a/pods/b/exec?'];
  for (const stream of streams) t.doesNotThrow(() => check(`${stream}timeout=x`), stream);
  t.doesNotThrow(() => check('/version?timeoutSeconds=x'));
  t.end();
});
