import t from 'tap';
import { slowestString } from '../../test/lib/hostile-strings';
import { parseFieldSelector } from './field-selector';
import { parseSelector } from './selector';

t.test('terms, operators and escapes', async (t) => {
  const cases: [text: string, ...terms: [path: string, equal: boolean, value: string][]][] = [
    [''],
    [','],
    ['a.b=c,d!=e', ['a.b', true, 'c'], ['d', false, 'e']],
    ['a==b', ['a', true, 'b']],
    ['a=', ['a', true, '']],
    ['a=b\\,c\\=d\\\\', ['a', true, 'b,c=d\\']],
    ['a=b c', ['a', true, 'b c']],
    ['=,a=b,!=,==', ['a', true, 'b']],
    ['=x', ['', true, 'x']],
    [' a= b', [' a', true, ' b']],
    ['a!=\\,metadata.name\\=x', ['a', false, ',metadata.name=x']],
  ];
  for (const [text, ...terms] of cases) {
    t.strictSame(
      parseFieldSelector(text),
      terms.map(([path, equal, value]) => ({ path, equal, value })),
      text,
    );
  }
});

t.test('messages for text that cannot be parsed, as apimachinery writes them', async (t) => {
  const cases: [text: string, message: string][] = [
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['b=c,a!', "invalid selector: 'b=c,a!'; can't understand 'a!'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
    ['a=\\', 'invalid field selector: invalid escape sequence: \\'],
  ];
  for (const [text, message] of cases) t.throws(() => parseFieldSelector(text), { message }, text);
});

t.test('hostile selectors take linear time', async (t) => {
  t.equal(slowestString(parseFieldSelector), undefined);
  t.equal(slowestString(parseSelector), undefined);
});
