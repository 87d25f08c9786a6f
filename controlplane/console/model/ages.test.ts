import t from 'tap';
import { formatAge, parseAge } from './ages';

t.test('ages as kubectl prints them', async (t) => {
  for (const [seconds, text] of [
    [-5, '0s'],
    [0.4, '0s'],
    [119, '119s'],
    [120, '2m'],
    [200, '3m20s'],
    [600, '10m'],
    [3 * 3600 - 1, '179m'],
    [3 * 3600, '3h'],
    [3.5 * 3600, '3h30m'],
    [9 * 3600, '9h'],
    [49 * 3600, '2d1h'],
    [10 * 86_400, '10d'],
    [3 * 365 * 86_400 + 86_400, '3y1d'],
    [9 * 365 * 86_400, '9y'],
  ] as const) {
    t.equal(formatAge(seconds * 1000), text, `${seconds} s`);
  }
});

t.test('a text of an age as milliseconds', async (t) => {
  for (const seconds of [0, 5, 119, 125, 600, 7_265, 90_000, 700_000, 40_000_000, 100_000_000]) {
    const text = formatAge(seconds * 1000);
    t.equal(formatAge(parseAge(text)!), text, text);
  }
  for (const text of ['', '<none>', '<unknown>', '5', 's5', '5m 3s', '-5s', '9'.repeat(40)])
    t.equal(parseAge(text), undefined, text);
});
