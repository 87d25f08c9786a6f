import t from 'tap';
import { parseInt32, parseInt64 } from './integers';

t.test('parseInt64', async (t) => {
  const cases: [string | undefined, bigint | undefined][] = [
    ['0', 0n],
    ['-7', -7n],
    ['+7', 7n],
    ['007', 7n],
    ['3546343826724305832', 3546343826724305832n],
    ['9223372036854775807', 9223372036854775807n],
    ['9223372036854775808', undefined],
    ['-9223372036854775808', -9223372036854775808n],
    ['-9223372036854775809', undefined],
    ['9'.repeat(1000), undefined],
    ['', undefined],
    [' 1', undefined],
    ['1.0', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    ['++1', undefined],
    [undefined, undefined],
  ];
  for (const [text, want] of cases) t.equal(parseInt64(text), want, String(text));
});

t.test('parseInt32', async (t) => {
  const cases: [string, number | undefined][] = [
    ['2147483647', 2147483647],
    ['2147483648', undefined],
    ['-2147483648', -2147483648],
    ['-2147483649', undefined],
    ['', undefined],
    ['abc', undefined],
  ];
  for (const [text, want] of cases) t.equal(parseInt32(text), want, text);
});
