import t from 'tap';
import { LastLines, StreamLines } from './stream-lines';

t.test('lines that arrive in pieces', async (t) => {
  const lines = new StreamLines();
  const bytes = Buffer.from('one\ntwé\n\nlast');
  const seen: string[] = [];
  for (const byte of bytes) seen.push(...lines.push(new Uint8Array([byte])));
  t.strictSame(seen, ['one', 'twé', '']);
  t.equal(lines.end(), 'last');
  t.equal(lines.end(), '');
});

t.test('the last lines of a log', async (t) => {
  const last = new LastLines(3);
  last.push(['a', 'b']);
  last.push(['c', 'd', 'e']);
  t.equal(last.text(), 'c\nd\ne');
  t.match(last, { dropped: 2, size: 3 });
  last.clear();
  t.match(last, { dropped: 0, size: 0 });
});
