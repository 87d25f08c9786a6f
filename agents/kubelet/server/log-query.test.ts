import t from 'tap';
import { FakeRuntime } from '../runtime/fake';
import { parseLogQuery } from './log-query';
import { logBytes } from './log-stream';

const now = Date.parse('2026-01-01T00:00:00Z');
const parse = (text: string) => parseLogQuery(new URLSearchParams(text), now);

t.test('parameters of a log request', async (t) => {
  t.same(parse(''), { follow: false, previous: false, timestamps: false, stream: 'All' });
  t.match(parse('follow=true&previous=1&timestamps=true&tailLines=0&limitBytes=5'), {
    follow: true,
    previous: true,
    timestamps: true,
    tailLines: 0,
    limitBytes: 5,
  });
  t.equal(parse('sinceSeconds=60').sinceMs, now - 60_000);
  t.equal(parse('sinceTime=2025-12-31T00:00:00Z').sinceMs, Date.parse('2025-12-31T00:00:00Z'));
  for (const bad of ['tailLines=-1', 'limitBytes=0', 'sinceTime=soon', 'tailLines=x', 'stream=Both']) {
    t.throws(() => parse(bad), { code: 'BadRequest' }, bad);
  }
});

t.test('streams and limits', async (t) => {
  const runtime = new FakeRuntime();
  runtime.addImage('i');
  const id = await runtime.create({
    name: 'x',
    image: 'i',
    labels: {},
    env: [],
    mounts: [],
    network: 'own',
    ipc: 'own',
    pid: 'own',
  });
  await runtime.start(id);
  runtime.write(id, 'out');
  runtime.write(id, 'err', 'stderr');
  const read = async (text: string) => {
    const chunks: Buffer[] = [];
    for await (const data of logBytes(runtime, id, parse(text), new AbortController().signal)) chunks.push(data);
    return Buffer.concat(chunks).toString();
  };
  t.equal(await read(''), 'out\nerr\n');
  t.equal(await read('limitBytes=6'), 'out\ner');
  t.equal(await read('stream=Stderr'), 'err\n');
});
