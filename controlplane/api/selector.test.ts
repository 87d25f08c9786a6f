import t from 'tap';
import { matchesSelector, parseFieldSelector, parseSelector, selectorFromLabelSelector } from './selector';

const labels = { app: 'web', tier: 'front', n: '5', empty: '' };

void t.test('label selectors', async (t) => {
  const cases: [selector: string, matches: boolean][] = [
    ['', true],
    ['app=web', true],
    ['app == web', true],
    ['app!=web', false],
    ['other!=web', true],
    ['app in (web,api)', true],
    [' app  notin ( web , api ) ', false],
    ['other notin (x)', true],
    ['app,tier', true],
    ['!app', false],
    ['! other', true],
    ['n>4,n<6', true],
    ['n gt 5', false],
    ['empty=', true],
    ['empty in ()', true],
    ['empty in (,x)', true],
    ['in=x', false],
    ['app in (web),tier=front,!other', true],
  ];
  for (const [selector, matches] of cases) t.equal(matchesSelector(parseSelector(selector), labels), matches, selector);
});

void t.test('what is wrong with a label selector, in the words of apimachinery', async (t) => {
  const cases: [selector: string, message: string][] = [
    ['app in web', "unable to parse requirement: found 'web' expected: '('"],
    ['app in (web', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['app web', "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"],
    ['app=(', "unable to parse requirement: found '(', expected: identifier"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['a=b,', "found '', expected: identifier after ','"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ];
  for (const [selector, message] of cases) t.throws(() => parseSelector(selector), { message }, selector);
  t.throws(
    () => parseSelector('a/b/c=d'),
    /unable to parse requirement: key: Invalid value: "a\/b\/c": a qualified name/,
  );
  t.throws(
    () => parseSelector('a=b$'),
    /values\[0\]\[a\]: Invalid value: "b\$": a valid label must be an empty string/,
  );
  t.throws(() => parseSelector('a>b'), /for 'Gt', 'Lt' operators, the value must be an integer/);
});

void t.test('LabelSelector objects and field selectors', async (t) => {
  t.equal(selectorFromLabelSelector(undefined), undefined);
  t.same(selectorFromLabelSelector({}), []);
  const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] };
  t.ok(matchesSelector(selectorFromLabelSelector(selector)!, labels));
  t.same(parseFieldSelector('a.b=c, d!=e'), [
    { path: 'a.b', equal: true, value: 'c' },
    { path: 'd', equal: false, value: 'e' },
  ]);
  t.throws(() => parseFieldSelector('a=b,c'), { message: "invalid selector: 'a=b,c'; can't understand 'c'" });
});
