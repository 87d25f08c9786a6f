// Indented answers: who gets them, and that they are the bytes that Go would write.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { indentJson, wantsPretty } from './pretty';

const request = (search: string, agent = '') => ({ search, headers: { 'user-agent': agent } });

t.test('who wants it', async (t) => {
  for (const [search, agent, expected] of [
    ['', 'kubectl/v1.36.3', false],
    ['', 'curl/8.0', true],
    ['', 'Wget/1.2', true],
    ['', 'Mozilla/5.0 (X11)', true],
    ['pretty=true', '', true],
    ['pretty=1', '', true],
    ['pretty=x', 'curl/8.0', false],
    ['pretty=false', 'curl/8.0', false],
    ['pretty', 'curl/8.0', true],
    ['pretty=', '', false],
  ] as const) {
    t.equal(wantsPretty(request(search, agent)), expected, `${search} ${agent}`);
  }
});

t.test('the form', async (t) => {
  const value = { a: [], b: {}, c: [1, 'x{"]', { d: null }], e: { f: 'a\\"b', g: [[], [true]] } };
  t.equal(indentJson(`${JSON.stringify(value)}\n`), JSON.stringify(value, undefined, 2));
  t.equal(indentJson('{"n":1.0,"m":12345678901234567890}'), '{\n  "n": 1.0,\n  "m": 12345678901234567890\n}');
  t.equal(indentJson('"x"'), '"x"');
  const deep = `${'['.repeat(1_000)}${'1,'.repeat(5_000)}1${']'.repeat(1_000)}`;
  t.equal(indentJson(deep), deep, 'an answer that would grow too much');
});

t.test('objects, lists, errors and discovery', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const headers = { 'user-agent': 'curl/8.0' };
  for (const path of [
    '/api/v1/namespaces/default',
    '/api/v1/namespaces',
    '/api/v1/namespaces/missing',
    '/apis',
    '/version',
  ]) {
    const { text } = await server.call('GET', path, { headers });
    t.equal(text, JSON.stringify(JSON.parse(text), undefined, 2), path);
  }
  const plain = await server.call('GET', '/api/v1/namespaces/default?pretty=false', { headers });
  t.notMatch(plain.text, /\n./);
  t.match((await server.call('GET', '/healthz', { headers })).text, /^ok$/);
});
