import t from 'tap';
import { parseJsonInSteps } from './json-steps';

const random = (seed: number) => () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};

function make(next: () => number, depth: number): unknown {
  const kind = Math.floor(next() * (depth === 0 ? 5 : 7));
  const count = Math.floor(next() * 6);
  if (kind === 0) return Math.round(next() * 1e6) / 100;
  if (kind === 1) return ['a"b', 'back\\slash\\', '', '{[,]}', 'ü\n\u0001', '\\"'][count];
  if (kind === 2) return null;
  if (kind === 3) return next() > 0.5;
  if (kind === 4) return 'x'.repeat(count * 7);
  if (kind === 5) return Array.from({ length: count }, () => make(next, depth - 1));
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k"${i},`, make(next, depth - 1)]));
}

t.test('equal to JSON.parse, whatever the size of the pieces is', async (t) => {
  const next = random(7);
  let differences = 0;
  for (let round = 0; round < 2_000; round++) {
    const value = make(next, 5);
    const text = JSON.stringify(value, undefined, round % 3 === 0 ? 2 : 0);
    const found = await parseJsonInSteps(text, { pieceChars: 1 + (round % 40) }).catch((error: Error) => error);
    if (found instanceof Error && found.message.includes('nested deeper')) continue;
    if (JSON.stringify(found) !== JSON.stringify(value)) differences++;
  }
  t.equal(differences, 0);
});

t.test('what JSON.parse refuses is refused, and nothing else', async (t) => {
  const next = random(11);
  const signs = [...'[]{}",: 1\\'];
  const wrong: string[] = [];
  for (let round = 0; round < 4_000; round++) {
    const text = [...JSON.stringify(make(next, 3))];
    text[Math.floor(next() * text.length)] = signs[Math.floor(next() * signs.length)]!;
    const damaged = text.join('');
    let expected: unknown;
    try {
      expected = JSON.parse(damaged);
    } catch {
      expected = 'refused';
    }
    const found = await parseJsonInSteps(damaged, { pieceChars: 1 + (round % 9) }).catch(() => 'refused');
    if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push(damaged);
  }
  t.same(wrong, []);
  for (const text of [
    '',
    '[',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 2]',
    '[]x',
    '{"a":1,}',
    '[1}',
    '"abc',
    '{"a" 1}',
    '[1],[2]',
  ]) {
    await t.rejects(parseJsonInSteps(text, { pieceChars: 1 }), SyntaxError, text);
  }
  const own = (await parseJsonInSteps('{"__proto__":{"a":1},"b":2}', { pieceChars: 1 })) as object;
  t.same(Object.keys(own), ['__proto__', 'b']);
  t.equal((own as { a?: number }).a, undefined);
});

t.test('other work runs between the pieces of a large text', async (t) => {
  const text = JSON.stringify({
    items: Array.from({ length: 20_000 }, (_, i) => ({ name: `node-${i}`, more: 'x'.repeat(90) })),
  });
  let pauses = 0;
  const pause = () => {
    pauses++;
    return undefined;
  };
  t.same(await parseJsonInSteps(text, { pause }), JSON.parse(text));
  // The text of the array is read twice: to find its end, and for its members.
  t.ok(pauses >= 2 * Math.floor(text.length / (64 * 1024)), `${pauses} pauses`);
  const deep = `${'['.repeat(40)}${'"x",'.repeat(40_000)}1${']'.repeat(40)}`;
  await t.rejects(parseJsonInSteps(deep), { message: 'large values are nested deeper than 16 levels' });
});
