import t from 'tap';
import { canonicalRulePath, otherReadings, parsePath } from './path';

void t.test('rules and requests are compared in one spelling', async (t) => {
  const cases: { rule: string; same: string[]; other?: string[] }[] = [
    { rule: '/my docs', same: ['/my%20docs'], other: ['/my+docs', '/my%2520docs'] },
    { rule: '/café', same: ['/caf%C3%A9', '/caf%c3%a9', '/caf\xc3\xa9'], other: ['/caf%E9', '/cafe'] },
    { rule: '/th%C3%A9', same: ['/th%c3%a9', '/th%C3%A9', '/t%68%C3%a9'] },
    { rule: '/x', same: ['/%78', '/x'], other: ['/%58', '/%2578'] },
    { rule: '/%78', same: ['/x', '/%78'] },
    { rule: '/a+b~c', same: ['/a%2Bb%7Ec', '/a%2bb~c'] },
    { rule: '/a:b@c', same: ['/a%3Ab%40c'] },
    { rule: '/100%', same: ['/100%25'] },
    { rule: '/a%2fb', same: ['/a%2Fb'], other: ['/a/b'] },
    { rule: '/日本', same: ['/%E6%97%A5%E6%9C%AC', '/\xe6\x97\xa5\xe6\x9c\xac'] },
    { rule: '/a?b', same: ['/a%3Fb'], other: ['/a?b'] },
    { rule: '/{id}', same: ['/{id}', '/%7Bid%7D'] },
    { rule: '/"q"', same: ['/"q"', '/%22q%22'] },
  ];
  for (const { rule, same, other = [] } of cases) {
    const canonical = canonicalRulePath(rule);
    for (const target of same) t.equal(parsePath(target), canonical, `${rule} is ${target}`);
    for (const target of other) t.not(parsePath(target), canonical, `${rule} is not ${target}`);
    t.equal(canonicalRulePath(canonical), canonical, 'a second pass changes nothing');
  }
});

void t.test('paths that backends may read in several ways are refused', async (t) => {
  const refused = [
    '/a/../b',
    '/a/%2e%2E/b',
    '/a/.',
    '/a/%2e',
    '/..;/admin',
    '/a/..;x=1/admin',
    '/a/%2e%2e%3b/admin',
    '/public%2f..%2fadmin',
    '/public%2F%2e%2e',
    '/a%5C..%5Cb',
    '/a\\b',
    '/a#b',
    '/a%00b',
    '/a%',
    '/a%zz',
    '/a%2',
    'http://h/a',
    '*',
    '',
  ];
  for (const target of refused) t.equal(parsePath(target), undefined, target);
  for (const target of ['/a..b/.c/...', '/a;..', '/.well-known/x', '/a?c=/../d', '/;.']) {
    t.equal(parsePath(target), target.split('?')[0], target);
  }
});

void t.test('other readings', async (t) => {
  const cases: Record<string, string[]> = {
    '/a/b': [],
    '//admin': ['/admin'],
    '/a//b': ['/a/b'],
    '/a%2Fb': ['/a/b'],
    '/a%5C/b': ['/a/b'],
    '/admin;x=1': ['/admin'],
    '/a;x/b;y': ['/a/b'],
    '//a;x': ['/a;x', '//a', '/a'],
  };
  for (const [path, want] of Object.entries(cases)) t.same(otherReadings(path), want, path);
});
