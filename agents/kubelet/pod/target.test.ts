import t from 'tap';
import { container, exited, pod, record, sandbox } from '../spec/pod.fixture';
import { targetOf } from './target';

const app = container('app');
const of = (target?: string) => pod({ ephemeralContainers: [{ name: 'tool', targetContainerName: target }] });
const missing = 'unable to find target container app';
const ended = 'failed to target container app: target container not running - current state exited';

for (const { name, pod, records, want, fails } of [
  { name: 'no target', pod: of(), records: [record(app)], want: undefined },
  { name: 'an empty name is none', pod: of(''), records: [record(app)], want: undefined },
  {
    name: 'the last run of the target',
    pod: of('app'),
    records: [record(app, { restarts: 1 }), exited(app, 1), sandbox()],
    want: 'app-1',
  },
  {
    name: 'not created yet',
    pod: of('app'),
    records: [sandbox()],
    fails: { reason: 'CreateContainerConfigError', message: missing },
  },
  {
    name: 'has ended',
    pod: of('app'),
    records: [exited(app, 1), sandbox()],
    fails: { reason: 'CreateContainerError', message: ended },
  },
]) {
  t.test(`target: ${name}`, async (t) => {
    const find = () => targetOf(pod, 'tool', records);
    if (fails) t.throws(find, fails);
    else t.equal(find(), want);
    t.equal(targetOf(pod, 'app', records), undefined, 'only an ephemeral container has one');
  });
}
