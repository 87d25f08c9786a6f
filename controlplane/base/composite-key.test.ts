import t from 'tap';
import { compositeKey } from './composite-key';

t.test('different lists of texts have different keys', async (t) => {
  const texts = ['', 'a', 'b', 'ab', ':', '1:', '1:a', '\n', 'a\n', '0:', '12', '\u{1f600}'];
  const seen = new Map<string, string>();
  const lists = texts.flatMap((a) => [[a], ...texts.flatMap((b) => [[a, b], ...texts.map((c) => [a, b, c])])]);
  for (const list of [[], ...lists]) {
    const key = compositeKey(...list);
    t.notOk(seen.has(key), `${JSON.stringify(list)} and ${seen.get(key)}`);
    seen.set(key, JSON.stringify(list));
  }
  t.equal(compositeKey('a', 'b'), compositeKey('a', 'b'));
});
