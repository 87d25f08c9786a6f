import t from 'tap';
import { matchesSelector, parseSelector, type Selector, selectorFromLabelSelector } from './selector';

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

void t.test('messages for malformed label selectors, as apimachinery writes them', async (t) => {
  const cases: [selector: string, message: string][] = [
    ['app in web', "unable to parse requirement: found 'web' expected: '('"],
    ['app in (web', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['app in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['app in (=', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['app in (web,', "unable to parse requirement: found '', expected: ',', or identifier"],
    ['app in (,', "unable to parse requirement: found '', expected: ',', or identifier"],
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
    /unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a valid label key must/,
  );
  t.throws(
    () => parseSelector('a=b$'),
    /values\[0\]\[a\]: Invalid value: "b\$": a valid label must be an empty string/,
  );
  t.throws(() => parseSelector('a>b'), /for 'Gt', 'Lt' operators, the value must be an integer/);
});

void t.test('LabelSelector objects', async (t) => {
  t.equal(selectorFromLabelSelector(undefined), undefined);
  t.same(selectorFromLabelSelector({}), []);
  const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] };
  t.ok(matchesSelector(selectorFromLabelSelector(selector)!, labels));
});

void t.test('a long selector matches what its parts match', async (t) => {
  const objects: Record<string, string>[] = [{}, labels, { a: '1' }, { a: '7', b: 'x' }, { toString: 'x', a: '99' }];
  const parts = ['a', '!a', 'a=1', 'a!=1', 'a in (1,7)', 'a notin (7)', 'a>1', 'a<9', 'b=x', '!toString', '!zz', 'a>6'];
  const padding = ',x!=1'.repeat(10);
  for (const first of parts) {
    for (const second of parts) {
      const short = parseSelector(`${first},${second}`);
      const long = parseSelector(`${first},${second}${padding}`);
      for (const object of objects) {
        t.equal(
          matchesSelector(long, object),
          matchesSelector(short, object),
          `${first},${second} ${JSON.stringify(object)}`,
        );
      }
    }
  }
  const unknown = Array.from({ length: 10 }, () => ({
    key: 'a',
    operator: 'Gt',
    values: ['x'],
  })) as unknown as Selector;
  t.notOk(matchesSelector(unknown, { a: '5' }));
  t.notOk(matchesSelector(parseSelector('a>1'), { a: '9'.repeat(30) }), 'not a number of 64 bits');
});

void t.test('a selector of thousands of terms costs no more than the object has labels', async (t) => {
  let reads = 0;
  const terms = Array.from({ length: 20_000 }, (_, i) => `!k${i}`).join(',');
  const selector = parseSelector(terms);
  const watched = new Proxy({ app: 'web' } as Record<string, string>, {
    getOwnPropertyDescriptor: (target, key) => {
      reads++;
      return Reflect.getOwnPropertyDescriptor(target, key);
    },
    get: (target, key) => {
      reads++;
      return Reflect.get(target, key);
    },
  });
  t.ok(matchesSelector(selector, watched));
  t.ok(reads < 10, `${reads} reads`);
});
