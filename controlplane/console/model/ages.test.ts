import t from 'tap';
import { formatAge } from './ages';

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
