// The word for a pod, in the cases that `kubectl get pods` tells apart.
import t from 'tap';
import { isFailing, podState, troubleOf } from './pod-state';

const waiting = (reason: string, message = '') => ({ state: { waiting: { reason, message } } });
const ended = (reason: string, exitCode: number) => ({ state: { terminated: { reason, exitCode } } });
const running = (ready: boolean) => ({ ready, state: { running: {} } });

const cases = [
  { name: 'not placed', pod: { status: { phase: 'Pending' } }, is: 'Pending' },
  { name: 'runs', pod: { status: { phase: 'Running', containerStatuses: [running(true)] } }, is: 'Running' },
  {
    name: 'crashes',
    pod: { status: { phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] } },
    is: 'CrashLoopBackOff',
  },
  {
    name: 'done',
    pod: { status: { phase: 'Succeeded', containerStatuses: [ended('Completed', 0)] } },
    is: 'Completed',
  },
  { name: 'exit code', pod: { status: { phase: 'Failed', containerStatuses: [ended('', 3)] } }, is: 'ExitCode:3' },
  {
    name: 'first init container runs',
    pod: {
      spec: { initContainers: [{}, {}] },
      status: { phase: 'Pending', initContainerStatuses: [running(false), waiting('PodInitializing')] },
    },
    is: 'Init:0/2',
  },
  {
    name: 'init container fails',
    pod: { spec: { initContainers: [{}] }, status: { initContainerStatuses: [waiting('CrashLoopBackOff')] } },
    is: 'Init:CrashLoopBackOff',
  },
  {
    name: 'being deleted',
    pod: { metadata: { deletionTimestamp: 'x' }, status: { phase: 'Running', containerStatuses: [running(true)] } },
    is: 'Terminating',
  },
];
for (const { name, pod, is } of cases) t.equal(podState(pod), is, name);

t.test('why a pod is not ready', async (t) => {
  const status = { phase: 'Pending', containerStatuses: [waiting('ErrImagePull', 'no such image')] };
  t.strictSame(troubleOf({ status }), { state: 'ErrImagePull', message: 'no such image' });
  t.equal(troubleOf({ status: { phase: 'Succeeded' } }), undefined);
  t.ok(isFailing('ErrImagePull'));
  t.notOk(isFailing('Init:0/1'));
});
