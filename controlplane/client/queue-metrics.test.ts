import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { QueueMetrics } from './queue-metrics';
import { WorkQueue } from './work-queue';

t.test('adds, waits, work and retries of a queue', async (t) => {
  let now = 0;
  const metrics = new QueueMetrics(() => now);
  const clock = new FakeClock();
  const abort = new AbortController();
  const queue = new WorkQueue({ clock, name: 'job', metrics, backoff: { initialMs: 10, maxMs: 40 } });
  const keys = queue.keys(abort.signal);
  const value = (line: string) => {
    const found = metrics.render().find((one) => one.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length));
  };
  t.equal(value('workqueue_adds_total{name="job"}'), 0, 'shown before the first key');
  queue.add('a');
  queue.add('a');
  queue.add('b');
  t.equal(value('workqueue_adds_total{name="job"}'), 2, 'a key that waits already is not counted');
  t.equal(value('workqueue_depth{name="job"}'), 2);
  now = 3000;
  t.equal((await keys.next()).value, 'a');
  t.equal(value('workqueue_queue_duration_seconds_sum{name="job"}'), 3);
  t.equal(value('workqueue_queue_duration_seconds_bucket{name="job",le="10"}'), 1);
  t.equal(value('workqueue_depth{name="job"}'), 1);
  t.equal((await keys.next()).value, 'b');
  now = 5000;
  t.equal(value('workqueue_unfinished_work_seconds{name="job"}'), 4);
  t.equal(value('workqueue_longest_running_processor_seconds{name="job"}'), 2);
  queue.add('a');
  t.equal(value('workqueue_adds_total{name="job"}'), 3, 'a key that a worker has is added again');
  t.equal(value('workqueue_depth{name="job"}'), 1);
  queue.done('a');
  queue.done('b', new Error('again'));
  t.equal(value('workqueue_work_duration_seconds_count{name="job"}'), 2);
  t.equal(value('workqueue_work_duration_seconds_sum{name="job"}'), 4);
  t.equal(value('workqueue_retries_total{name="job"}'), 1);
  t.equal(value('workqueue_unfinished_work_seconds{name="job"}'), 0);
  abort.abort();
  await keys.next();
});

t.test('a queue without a name is not counted', async (t) => {
  const metrics = new QueueMetrics();
  new WorkQueue({ metrics }).add('a');
  t.same(metrics.render(), []);
});
