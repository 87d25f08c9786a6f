import t from 'tap';
import { lastTime, nextTime } from './next';
import { parseCron } from './parse';
import { timeZone, utc } from './time-zone';

t.test('schedules that are refused, with the messages of robfig/cron', async (t) => {
  const atoi = (text: string) => `failed to parse int from ${text}: strconv.Atoi: parsing "${text}": invalid syntax`;
  const cases: Array<[schedule: string, message: string]> = [
    ['', 'empty spec string'],
    [`${'*,'.repeat(5000)}* * * * *`, 'must be no more than 10000 characters'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['0 * * * * *', 'expected exactly 5 fields, found 6: [0 * * * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['*/1/2 * * * *', 'too many slashes: */1/2'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['x * * * *', atoi('x')],
    ['* * * foo *', atoi('foo')],
    ['*/-5 * * * *', 'negative number (-5) not allowed: -5'],
    ['@never', 'unrecognized descriptor: @never'],
    ['@every 5', 'failed to parse duration @every 5: time: missing unit in duration "5"'],
    ['@every .s', 'failed to parse duration @every .s: time: invalid duration ".s"'],
    ['@every x', 'failed to parse duration @every x: time: invalid duration "x"'],
  ];
  for (const [schedule, message] of cases) t.throws(() => parseCron(schedule), { message }, schedule);
});

t.test('the next time of a schedule', async (t) => {
  const cases: Array<[schedule: string, after: string, next: string | undefined]> = [
    ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
    ['* * * * *', '2026-01-01T00:00:30.5Z', '2026-01-01T00:01:00Z'],
    ['0 * * * ?', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
    ['@hourly', '2026-12-31T23:30:00Z', '2027-01-01T00:00:00Z'],
    ['*/15 2 * * *', '2026-01-01T02:20:00Z', '2026-01-01T02:30:00Z'],
    ['5/20 * * * *', '2026-01-01T00:25:00Z', '2026-01-01T00:45:00Z'],
    ['30 6-16/4 * * 1-5', '2026-01-02T14:30:00Z', '2026-01-05T06:30:00Z'],
    ['0 0 1,15 * *', '2026-01-02T00:00:00Z', '2026-01-15T00:00:00Z'],
    ['0 0 13 * FRI', '2026-01-03T00:00:00Z', '2026-01-09T00:00:00Z'],
    ['0 0 13 * */2', '2026-01-10T00:00:00Z', '2026-01-11T00:00:00Z'],
    ['0 0 29 feb *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 31 2 *', '2026-01-01T00:00:00Z', undefined],
    ['@weekly', '2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
    ['@every 1h30m', '2026-01-01T00:00:05.7Z', '2026-01-01T01:30:05Z'],
    ['@every 1.5h', '2026-01-01T00:00:00Z', '2026-01-01T01:30:00Z'],
    ['@every .5m1s', '2026-01-01T00:00:00Z', '2026-01-01T00:00:31Z'],
    ['@every 1ms', '2026-01-01T00:00:05Z', '2026-01-01T00:00:06Z'],
  ];
  for (const [schedule, after, next] of cases) {
    const found = nextTime(parseCron(schedule), Date.parse(after), utc);
    t.equal(found, next && Date.parse(next), `${schedule} after ${after}`);
  }
});

t.test('time zones, and days on which the clock changes', async (t) => {
  const cases: Array<[zone: string, schedule: string, after: string, next: string]> = [
    ['Europe/Berlin', '30 8 * * *', '2026-01-01T00:00:00Z', '2026-01-01T07:30:00Z'],
    ['Europe/Berlin', '30 8 * * *', '2026-07-01T00:00:00Z', '2026-07-01T06:30:00Z'],
    ['Asia/Kolkata', '0 0 * * *', '2026-01-01T00:00:00Z', '2026-01-01T18:30:00Z'],
    // 2026-03-29 02:00 to 03:00 does not exist in Berlin.
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
    ['Europe/Berlin', '0 * * * *', '2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z'],
    // 2026-10-25 02:00 to 03:00 exists twice there.
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T00:00:00Z', '2026-10-25T00:30:00Z'],
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
    // Midnight does not exist in Beirut on 2026-03-29, nor in Santiago on 2026-09-06.
    ['Asia/Beirut', '30 1 29 3 *', '2026-03-01T00:00:00Z', '2026-03-28T22:30:00Z'],
    ['America/Santiago', '30 1 6 9 *', '2026-09-01T00:00:00Z', '2026-09-06T04:30:00Z'],
  ];
  for (const [zone, schedule, after, next] of cases) {
    const found = nextTime(parseCron(schedule), Date.parse(after), timeZone(zone)!);
    t.equal(new Date(found ?? 0).toISOString(), new Date(next).toISOString(), `${zone}: ${schedule} after ${after}`);
  }
});

t.test('names of time zones', async (t) => {
  for (const name of [
    'UTC',
    'Etc/UTC',
    'Europe/Berlin',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'America/Argentina/Ushuaia',
  ]) {
    t.ok(timeZone(name), name);
  }
  for (const name of ['', 'Mars/Base', 'europe/berlin', 'utc', '+01:00', 'Local']) t.notOk(timeZone(name), name);
});

t.test('the last time of a schedule until an instant', async (t) => {
  const at = Date.parse;
  const cases: Array<[schedule: string, first: string, until: string, last: string]> = [
    ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T05:59:59Z', '2026-01-01T05:00:00Z'],
    ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T05:00:00Z', '2026-01-01T05:00:00Z'],
    ['0 * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:59:59Z', '2026-01-01T00:00:00Z'],
    ['* * 1 1 *', '2026-01-01T00:00:00Z', '2026-12-01T00:00:00Z', '2026-01-01T23:59:00Z'],
    ['* * * * *', '1970-01-01T00:00:00Z', '2026-12-01T12:34:56Z', '2026-12-01T12:34:00Z'],
    ['@every 90s', '2026-01-01T00:00:01Z', '2026-01-01T01:00:00Z', '2026-01-01T00:58:31Z'],
  ];
  for (const [schedule, first, until, last] of cases) {
    t.equal(lastTime(parseCron(schedule), at(first), at(until), utc), at(last), `${schedule} until ${until}`);
  }
});
