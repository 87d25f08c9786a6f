import t from 'tap';
import { FailureReports } from './failure-reports';
import { unschedulableMs } from './queue';

t.test('a new message is reported at once, the same message every five minutes', async (t) => {
  const reports = new FailureReports();
  t.equal(reports.isDue('u', 'a', 0), true);
  t.equal(reports.isDue('u', 'a', 1), false);
  t.equal(reports.isDue('v', 'a', 1), true, 'each pod has its own last message');
  t.equal(reports.isDue('u', 'b', 2), true);
  t.equal(reports.isDue('u', 'b', unschedulableMs + 1), false);
  t.equal(reports.isDue('u', 'b', unschedulableMs + 2), true);
  reports.forget('u');
  t.equal(reports.isDue('u', 'b', unschedulableMs + 3), true);
});
