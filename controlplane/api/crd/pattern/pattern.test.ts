import t from 'tap';
import { maxSteps, Pattern } from './pattern';

t.test('patterns match as in Go', async (t) => {
  const cases: ReadonlyArray<readonly [string, readonly string[], readonly string[]]> = [
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', ['a', 'a-b', '0'], ['', '-a', 'a-', 'A']],
    ['^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', ['* * * * *', '*/5 1 2 3 4'], ['* * *', 'x']],
    ['b+', ['abc', 'b'], ['ac', '']],
    ['^a{2,3}$', ['aa', 'aaa'], ['a', 'aaaa']],
    ['^a{,3}$', ['a{,3}'], ['a']],
    ['^(?i)abc$', ['ABC', 'aBc'], ['abd']],
    ['^(?:a|bc)?$', ['', 'a', 'bc'], ['b']],
    ['^[[:alpha:]_][^-]\\.\\x41$', ['ab.A', '_b.A'], ['a-.A', '1b.A']],
    ['\\bfoo\\b', ['a foo', 'foo.'], ['afoo']],
    ['^\\p{Lu}\\pL$', ['Ää'], ['ää']],
    ['^\\Qa.b\\E$', ['a.b'], ['axb']],
    ['^.$', ['a', '😀'], ['\n', 'ab']],
    ['^(?P<name>x)(?<other>y)$', ['xy'], ['x']],
    ['', ['', 'a'], []],
  ];
  for (const [source, yes, no] of cases) {
    const pattern = new Pattern(source);
    for (const text of yes) t.equal(pattern.test(text), true, `${source} matches ${JSON.stringify(text)}`);
    for (const text of no) t.equal(pattern.test(text), false, `${source} does not match ${JSON.stringify(text)}`);
  }
});

t.test('texts that are no patterns in Go', async (t) => {
  const cases = ['(', 'a)', '[a', '*', 'a**', '\\', '(?=a)', '(?<!a)', '\\1', '[z-a]', 'a{1001}', '[[:no:]]', '\\pX'];
  for (const source of cases) t.throws(() => new Pattern(source), { message: /^error parsing regexp: / }, source);
  t.throws(() => new Pattern('((a{500}){500})'), { message: /too large/ });
  t.throws(() => new Pattern('('.repeat(5_000)), { message: /nests too deeply/ });
});

t.test('patterns on which other engines backtrack for ages are decided, or refused within the bound', async (t) => {
  t.equal(new Pattern('^(a+)+$').test(`${'a'.repeat(10_000)}b`), false);
  t.equal(new Pattern('^(a|aa)*b$').test('a'.repeat(10_000)), false);
  t.equal(new Pattern('(x+x+)+y').test('x'.repeat(10_000)), false);
  t.equal(new Pattern('^(a?){900}a{900}$').test('a'.repeat(5_000)), undefined, 'more steps than the bound');
  t.equal(new Pattern('a').test('b'.repeat(maxSteps + 1)), undefined);
});
