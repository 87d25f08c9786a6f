import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import type { NodeTrafficStatus } from '../../base/traffic';
import { objectReply } from '../rest/context';
import type { TrafficAnswer } from './kubelet-traffic';
import { SharedAnswers } from './shared-answers';

const answerOf = (collector: string): TrafficAnswer => ({ status: { collector } as NodeTrafficStatus });
const node = (name: string, labels?: Record<string, string>) => ({ metadata: { name, ...(labels ? { labels } : {}) } });

t.test('one object for an answer and its labels', async (t) => {
  const shared = new SharedAnswers(new FakeClock());
  const said = answerOf('c');
  const item = shared.item(node('n', { a: 'b' }), said);
  t.equal(shared.item(node('n', { a: 'b' }), said), item, 'another Node object with the same labels');
  t.match(shared.item(node('n', { a: 'c' }), said), { object: { metadata: { name: 'n', labels: { a: 'c' } } } });
  t.not(shared.item(node('n', { a: 'c' }), answerOf('c')), item);
  t.strictSame(JSON.parse(shared.item(node('n'), said).json.toString()), {
    kind: 'NodeTraffic',
    apiVersion: 'path.k8ts.io/v1alpha1',
    metadata: { name: 'n' },
    status: { collector: 'c' },
  });
});

t.test('one list for the same objects, for a second', async (t) => {
  const clock = new FakeClock();
  const shared = new SharedAnswers(clock);
  let made = 0;
  const list = (...answers: readonly TrafficAnswer[]) =>
    shared.list(
      answers.map((said, i) => shared.item(node(`n${i}`), said)),
      () => objectReply(Buffer.from(`${++made}`), 200),
    );
  const said = answerOf('c');
  const notAsked = () => ({ error: 'not asked' });
  const first = await list(said, notAsked());
  t.equal(await list(said, notAsked()), first, 'an error is another object, with the same text');
  t.not(await list(said), first, 'fewer objects');
  t.not(await list(answerOf('d')), first, 'a newer answer');
  const later = await list(said, notAsked());
  t.equal(made, 4);
  clock.advance(1_000);
  t.not(await list(said, notAsked()), later);
  clock.advance(1_000);
  t.same(clock.pending(), [], 'nothing is kept');
});
