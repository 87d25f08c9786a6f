import t from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import { KubeletTraffic } from './kubelet-traffic';

const lists = { edges: [], pods: [], stopped: [], refused: [], requests: [], problems: [] };
const text = JSON.stringify({ readAt: {}, connections: {}, ...lists, cost: {} });

t.test('a bounded number of kubelets is asked at once', async (t) => {
  const open: Array<() => void> = [];
  let most = 0;
  const traffic = new KubeletTraffic({
    clock: new FakeClock(),
    read: () =>
      new Promise((resolve) => {
        open.push(() => resolve(text));
        most = Math.max(most, open.length);
      }),
  });
  const nodes = Array.from({ length: 40 }, (_, i) => `n${i}`);
  const reading = traffic.of(nodes);
  let answered = 0;
  while (answered < nodes.length) {
    await new Promise((resolve) => setImmediate(resolve));
    const next = open.shift();
    if (next === undefined) continue;
    next();
    answered++;
  }
  const answers = await reading;
  t.equal(most, 16);
  t.same([...answers.keys()], nodes);
  t.ok([...answers.values()].every((answer) => 'status' in answer));
});

t.test('an answer is forgotten after a second, and one that is on its way is shared', async (t) => {
  const clock = new FakeClock();
  const asked: Array<(text: string) => void> = [];
  const traffic = new KubeletTraffic({ clock, read: () => new Promise((resolve) => asked.push(resolve)) });
  const slow = traffic.of(['n']);
  clock.advance(4_000);
  const shared = traffic.of(['n']);
  clock.advance(1_000);
  t.match((await slow).get('n'), { error: /not answered within 5 s/ });
  asked[0]!(text);
  t.match((await shared).get('n'), { status: {} });
  t.match((await traffic.of(['n'])).get('n'), { status: {} });
  t.equal(asked.length, 1);
  await clock.armed(1_000);
  clock.advance(1_000);
  t.same(clock.pending(), []);
  void traffic.of(['n']);
  t.equal(asked.length, 2);
});
