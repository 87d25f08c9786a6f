import t from 'tap';
import { timeAtEnd } from './docker-log-rotation';

t.test('the time of the last line of a file', async (t) => {
  const line = (time: string) =>
    `{"log":"x \\"time\\":\\"2000-01-01T00:00:00Z\\"}\\n","stream":"stdout","time":"${time}"}\n`;
  for (const [text, expected] of [
    [line('2026-01-02T03:04:05.123456789Z'), '2026-01-02T03:04:05.123456789Z'],
    [line('2026-01-02T03:04:05.12Z'), '2026-01-02T03:04:05.120000000Z'],
    [line('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05.000000000Z'],
    [line('2026-01-02T03:04:05Z').slice(0, -1), undefined],
    [`${line('2026-01-02T03:04:05Z')}{"log":"cut`, undefined],
    ['', undefined],
  ] as const) {
    t.equal(timeAtEnd(text), expected, text);
  }
});
