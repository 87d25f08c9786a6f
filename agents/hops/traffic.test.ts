import { PassThrough } from 'node:stream';
import t from 'tap';
import type { NodeTrafficStatus } from '../../controlplane/base/traffic';
import type { TrafficPod } from '../../dataplane/traffic/pods';
import { answerLines, podsOf } from './traffic';

const web = { key: 'shop/web', pid: 7, addresses: ['10.244.1.5'] };

t.test('one answer for each line, in their order, to the end of input', async (t) => {
  const input = new PassThrough();
  const asked: (readonly TrafficPod[])[] = [];
  const sent: unknown[] = [];
  const answering = answerLines(
    input,
    new AbortController().signal,
    async (pods) => {
      asked.push(pods);
      if (asked.length === 2) throw new Error('the kernel says no');
      return { collector: 'c' } as NodeTrafficStatus;
    },
    async (line) => void sent.push(JSON.parse(line)),
  );
  input.end(`${JSON.stringify({ nodeName: 'n', pods: [web] })}\n{"pods":[]}\nno JSON\n{"pods":[]}`);
  await answering;
  t.same(asked, [[web], [], []]);
  t.match(sent, [{ collector: 'c' }, { error: 'the kernel says no' }, { error: /no JSON/ }, { collector: 'c' }]);
});

t.test('the signal ends it', async () => {
  const input = new PassThrough();
  const abort = new AbortController();
  const answering = answerLines(
    input,
    abort.signal,
    async () => ({}) as NodeTrafficStatus,
    async () => abort.abort(),
  );
  input.write('{"pods":[]}\n');
  await answering;
});

t.test('questions that are refused', async (t) => {
  for (const line of [
    '',
    'null',
    '{}',
    '{"pods":{}}',
    '{"pods":[{}]}',
    '{"pods":[{"key":"a/b","pid":"1","addresses":[]}]}',
  ]) {
    t.throws(() => podsOf(line), { code: 'BadRequest' }, line);
  }
});
