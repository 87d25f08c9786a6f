import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { healthReports } from './health-report';

t.test('a report has the time at which kube-proxy was last healthy', (t) => {
  const clock = new FakeClock(Date.parse('2026-05-01T10:00:00Z'));
  const report = healthReports(clock);
  clock.advance(60_000);
  t.same(report(undefined), {
    lastUpdated: '2026-05-01T10:01:00.000Z',
    currentTime: '2026-05-01T10:01:00.000Z',
    healthy: true,
  });
  clock.advance(60_000);
  t.same(report('rules are 60 s old'), {
    lastUpdated: '2026-05-01T10:01:00.000Z',
    currentTime: '2026-05-01T10:02:00.000Z',
    healthy: false,
    problem: 'rules are 60 s old',
  });
  t.end();
});
