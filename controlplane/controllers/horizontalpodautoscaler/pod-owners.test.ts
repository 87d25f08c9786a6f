import t from 'tap';
import type { Pod } from '../../api/pod';
import { parseSelector } from '../../api/selector';
import { PodOwners } from './pod-owners';
import { askShare, askValue } from './usage-ratio';

const pod = (labels: Record<string, string>, ready = true): Pod => ({
  metadata: { name: 'p', labels },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

t.test('the autoscalers that select a pod', async (t) => {
  const owners = new PodOwners();
  owners.set('n', 'n/b', parseSelector('app=a'));
  owners.set('n', 'n/a', parseSelector('tier in (web)'));
  owners.set('n', 'n/c', parseSelector('app=c'));
  owners.set('other', 'other/a', parseSelector('app=a'));
  t.same(await owners.of('n', [pod({ app: 'a' }), pod({ app: 'x', tier: 'web' })]), ['n/a', 'n/b']);
  t.same(await owners.of('n', []), []);
  owners.delete('n', 'n/a');
  t.same(await owners.of('n', [pod({ app: 'a', tier: 'web' })]), ['n/b']);
  owners.set('n', 'n/b', parseSelector('app=z'));
  t.same(await owners.of('n', [pod({ app: 'a' })]), []);
});

const tolerances = { up: 0.1, down: 0.1 };

t.test('one value for all pods', async (t) => {
  const pods = [pod({}), pod({}), pod({}, false)];
  t.same(askValue(3_000, 1_000, 3, pods, tolerances), { replicas: 6, milli: 3_000 }, 'by the pods that are ready');
  t.same(askValue(1_050, 1_000, 3, pods, tolerances), { replicas: 3, milli: 1_050 }, 'within the tolerance');
  t.same(askValue(1_050, 1_000, 3, pods, { up: 0.01, down: 0.01 }), { replicas: 3, milli: 1_050 });
  t.same(askValue(9e15, 1, 3, pods, tolerances), { replicas: 2 ** 31 - 1, milli: 9e15 });
  t.equal(
    askValue(3_000, 1_000, 3, [], tolerances),
    'unable to calculate ready pods: no pods returned by selector while calculating replica count',
  );
});

t.test('a share for each replica', async (t) => {
  t.same(askShare(10_000, 2_000, 3, tolerances), { replicas: 5, milli: 3_334 });
  t.same(askShare(6_100, 2_000, 3, tolerances), { replicas: 3, milli: 2_034 }, 'within the tolerance');
  t.same(askShare(4_000, 2_000, 0, tolerances), { replicas: 2, milli: 4_000 });
});
