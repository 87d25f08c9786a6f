import t from 'tap';
import { compileRoutes, matchRoute, type PathType, parseHost, type RouteRule } from './routes';

function table(lines: string[], fallback?: string) {
  const rules = lines.map((line): RouteRule => {
    const [host, pathType, path, backend] = line.split(' ') as [string, PathType, string, string];
    return { ingress: 'default/a', createdMs: 1, host: host === '-' ? '' : host, path, pathType, backend };
  });
  return compileRoutes(rules, fallback ? [{ ingress: 'default/d', createdMs: 1, backend: fallback }] : []);
}

const cases: Array<{ name: string; rules: string[]; fallback?: string; ask: Record<string, string | undefined> }> = [
  {
    name: 'Exact is sensitive to case and to a trailing slash',
    rules: ['h.com Exact /foo a'],
    ask: { 'h.com/foo': 'a', 'h.com/Foo': undefined, 'h.com/foo/': undefined, 'h.com/foo/x': undefined },
  },
  {
    name: 'Prefix goes by path element and ignores a trailing slash',
    rules: ['h.com Prefix /aaa/bbb a', 'h.com Prefix /foo/ b'],
    ask: {
      'h.com/aaa/bbb': 'a',
      'h.com/aaa/bbb/': 'a',
      'h.com/aaa/bbb/ccc': 'a',
      'h.com/aaa/bbbccc': undefined,
      'h.com/aaa': undefined,
      'h.com/foo': 'b',
      'h.com/foo/bar': 'b',
      'h.com/foobar': undefined,
    },
  },
  {
    name: 'the longest prefix wins, an exact path beats a prefix of the same text',
    rules: ['h.com Prefix / root', 'h.com Prefix /a a', 'h.com Prefix /a/b ab', 'h.com Exact /a/b exact'],
    ask: { 'h.com/': 'root', 'h.com/x': 'root', 'h.com/a/c': 'a', 'h.com/a/b': 'exact', 'h.com/a/b/': 'ab' },
  },
  {
    name: 'a wildcard matches exactly one label',
    rules: ['*.foo.com Prefix / star', 'bar.foo.com Prefix /only bar'],
    ask: {
      'baz.foo.com/': 'star',
      'baz.bar.foo.com/': undefined,
      'foo.com/': undefined,
      'bar.foo.com/only': 'bar',
      'bar.foo.com/else': 'star',
    },
  },
  {
    name: 'rules for every host come last, then the default backend',
    rules: ['- Prefix /any any', 'h.com Prefix /any mine'],
    fallback: 'dflt',
    ask: { 'x.com/any': 'any', 'h.com/any/x': 'mine', 'h.com/other': 'dflt', 'x.com/': 'dflt' },
  },
];
for (const { name, rules, fallback, ask } of cases) {
  void t.test(name, async (t) => {
    const compiled = table(rules, fallback);
    for (const [url, backend] of Object.entries(ask)) {
      const slash = url.indexOf('/');
      t.equal(matchRoute(compiled, url.slice(0, slash), url.slice(slash))?.backend, backend, url);
    }
  });
}

void t.test('the older Ingress wins a conflict, whatever the order', async (t) => {
  const rule = (ingress: string, createdMs: number): RouteRule => ({
    ingress,
    createdMs,
    host: 'h.com',
    path: '/',
    pathType: 'Prefix',
    backend: ingress,
  });
  const rules = [rule('a/new', 2), rule('b/old', 1)];
  for (const order of [rules, [...rules].reverse()]) {
    const compiled = compileRoutes(order, []);
    t.equal(matchRoute(compiled, 'h.com', '/')?.backend, 'b/old');
    t.same(
      compiled.conflicts.map((conflict) => [conflict.rule.ingress, conflict.winner]),
      [['a/new', 'b/old']],
    );
  }
});

void t.test('one path in two spellings is one path', async (t) => {
  const rule = (ingress: string, createdMs: number, path: string): RouteRule => ({
    ingress,
    createdMs,
    host: 'h.com',
    path,
    pathType: 'Prefix',
    backend: ingress,
  });
  const compiled = compileRoutes([rule('a/x', 1, '/x y'), rule('a/z', 2, '/%78%20y/'), rule('a/é', 3, '/é')], []);
  t.equal(matchRoute(compiled, 'h.com', '/x%20y/1')?.backend, 'a/x');
  t.equal(matchRoute(compiled, 'h.com', '/%C3%A9')?.path, '/é', 'the route shows the path as the rule has it');
  t.same(
    compiled.conflicts.map((conflict) => [conflict.rule.ingress, conflict.winner]),
    [['a/z', 'a/x']],
  );
});

void t.test('Host headers have one spelling', async (t) => {
  for (const [header, host] of Object.entries({
    'Foo.COM': 'foo.com',
    'foo.com:8080': 'foo.com',
    'foo.com.': 'foo.com',
    '[fd00::1]:80': '[fd00::1]',
    '10.0.0.1': '10.0.0.1',
    'foo.com/x': undefined,
    'a b': undefined,
    'foo.com:port': undefined,
    'foo.com:': 'foo.com',
    '[::1]:': '[::1]',
    'foo.com:123456': undefined,
    ':80': undefined,
    '': undefined,
  })) {
    t.equal(parseHost(header), host, header);
  }
});
