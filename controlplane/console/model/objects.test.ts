import t from 'tap';
import { at, conditionsOf, containersOf, listAt, portForwardCommand, selectorOf, shellWord, textAt } from './objects';

t.test('fields that are missing or of other types', async (t) => {
  t.equal(at({ a: [{ b: 1 }] }, 'a', 0, 'b'), 1);
  t.equal(at(null, 'a'), undefined);
  t.equal(at({ a: 'text' }, 'a', 'b'), undefined);
  t.equal(textAt({ a: {} }, 'a'), '');
  t.equal(textAt({ a: 5 }, 'a'), '5');
  t.strictSame(listAt({ a: {} }, 'a'), []);
  t.strictSame(conditionsOf({}), []);
  t.strictSame(containersOf({ spec: 'odd', status: [] }), []);
});

t.test('containers of a pod', async (t) => {
  const pod = {
    spec: {
      containers: [
        { name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] },
        { name: 'side', image: 's' },
      ],
      initContainers: [{ name: 'init', image: 'i' }],
    },
    status: {
      containerStatuses: [
        { name: 'side', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } },
        { name: 'web', ready: true, restartCount: 0, state: { running: { startedAt: 'x' } } },
      ],
      initContainerStatuses: [{ name: 'init', state: { terminated: { reason: 'Completed' } } }],
    },
  };
  t.strictSame(
    containersOf(pod).map(({ name, isInit, isReady, restarts, state, ports }) => [
      name,
      isInit,
      isReady,
      restarts,
      state,
      ports,
    ]),
    [
      ['web', false, true, 0, 'Running', [80]],
      ['side', false, false, 4, 'CrashLoopBackOff', []],
      ['init', true, false, 0, 'Completed', []],
    ],
  );
});

t.test('conditions and selectors', async (t) => {
  const [condition] = conditionsOf({ status: { conditions: [{ type: 'Ready', status: 'True', reason: 'R' }] } });
  t.match(condition, { type: 'Ready', status: 'True', reason: 'R', message: '' });
  t.equal(selectorOf('Service', { spec: { selector: { app: 'web', tier: 'a' } } }), 'app=web,tier=a');
  t.equal(selectorOf('Deployment', { spec: { selector: { matchLabels: { app: 'web' } } } }), 'app=web');
  t.equal(selectorOf('Deployment', { spec: { selector: { matchExpressions: [{}] } } }), '');
  t.equal(selectorOf('ConfigMap', {}), '');
});

t.test('commands', async (t) => {
  t.equal(shellWord('web-1'), 'web-1');
  t.equal(shellWord("a'b c"), `'a'\\''b c'`);
  t.equal(portForwardCommand('pod', 'a', 'web', 80), 'kubectl -n a port-forward pod/web 8080:80');
  t.equal(portForwardCommand('service', 'a', 'web', 9090), 'kubectl -n a port-forward service/web 9090:9090');
});
