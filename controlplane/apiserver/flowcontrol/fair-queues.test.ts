// Hands, and in which order queues are served, by the numbers of the promises.
import t from 'tap';
import { FairQueues, type Queue } from './fair-queues';
import { deal, flowHash } from './hand';

t.test('a hand', async (t) => {
  for (const [queues, size] of [
    [1, 1],
    [8, 8],
    [64, 6],
    [128, 6],
    [10_000_000, 2],
  ] as const) {
    for (let i = 0; i < 50; i++) {
      const hand = deal(flowHash('s', String(i)), queues, size);
      t.equal(new Set(hand).size, size, 'different queues');
      t.ok(hand.every((card) => card >= 0 && card < queues));
    }
  }
  t.same(deal(flowHash('s', 'a'), 64, 6), deal(flowHash('s', 'a'), 64, 6), 'always the same');
  t.notSame(deal(flowHash('s', 'a'), 64, 6), deal(flowHash('s', 'b'), 64, 6));
  t.notSame(deal(flowHash('sa', ''), 64, 6), deal(flowHash('s', 'a'), 64, 6));
  const counts = new Array<number>(4).fill(0);
  for (let i = 0; i < 4000; i++) counts[deal(flowHash('s', String(i)), 4, 1)[0]!]!++;
  t.ok(
    counts.every((count) => count > 800 && count < 1200),
    `flows are spread over the queues: ${counts}`,
  );
});

/** One queue for each flow. */
const wide = () => new FairQueues<string>({ queues: 1_000_000, handSize: 1, queueLengthLimit: 100 });
/** Serves `count` requests one after another. */
function serve(
  queues: FairQueues<string>,
  by: Map<string, Queue<string>>,
  count: number,
  took: (flow: string) => number,
) {
  const served: string[] = [];
  for (let i = 0; i < count; i++) {
    const item = queues.next();
    if (item === undefined) break;
    const flow = item[0]!;
    served.push(flow);
    queues.finished(by.get(flow)!, took(flow));
  }
  return served.join('');
}
function fill(queues: FairQueues<string>, by: Map<string, Queue<string>>, flow: string, count: number): void {
  for (let i = 0; i < count; i++) by.set(flow, queues.add(flowHash('s', flow), `${flow}${i}`)!);
}

t.test('(1) flows get equal time, not equal numbers', async (t) => {
  const queues = wide();
  const by = new Map<string, Queue<string>>();
  fill(queues, by, 'a', 50);
  fill(queues, by, 'b', 50);
  const served = serve(queues, by, 40, (flow) => (flow === 'a' ? 3 : 1));
  const ofA = [...served].filter((flow) => flow === 'a').length;
  t.equal(ofA, 10, served);
});

t.test('(2) a queue that was empty is served next, and not for long', async (t) => {
  const queues = wide();
  const by = new Map<string, Queue<string>>();
  fill(queues, by, 'a', 60);
  serve(queues, by, 20, () => 5);
  fill(queues, by, 'b', 20);
  const served = serve(queues, by, 20, () => 5);
  t.ok(served.indexOf('b') <= 1, served);
  t.ok([...served].filter((flow) => flow === 'a').length >= 9, served);
});

t.test('(3) requests that run cost an estimate at once', async (t) => {
  const queues = wide();
  const by = new Map<string, Queue<string>>();
  fill(queues, by, 'a', 10);
  fill(queues, by, 'b', 10);
  const begun = [queues.next(), queues.next(), queues.next(), queues.next()].map((item) => item![0]);
  t.same(begun, ['a', 'b', 'a', 'b'], 'none has ended yet');
});

t.test('bounds', async (t) => {
  const queues = new FairQueues<string>({ queues: 4, handSize: 2, queueLengthLimit: 3 });
  const added = Array.from({ length: 8 }, (_, i) => queues.add(flowHash('s', 'a'), `a${i}`));
  t.equal(added.filter(Boolean).length, 6, 'two queues of three');
  t.equal(queues.length, 6);
  t.equal(queues.remove(added[0]!, 'a0'), true);
  t.equal(queues.remove(added[0]!, 'a0'), false);
  t.ok(queues.add(flowHash('s', 'a'), 'again'));
  let all = 0;
  while (queues.next() !== undefined) all++;
  t.equal(all, 6);
  t.equal(queues.next(), undefined);
});
