import t from 'tap';
import { serveHealth } from './health';

t.test('what the port answers', async (t) => {
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  let problem: string | undefined;
  const check = () => problem;
  const report = (fault: string | undefined) => ({ healthy: fault === undefined });
  const texts = { '/mode': 'iptables' };
  const given = { host: '127.0.0.1', port: 0, check, metrics: () => 'up 1\n' };
  const plain = await serveHealth(given, abort.signal);
  const rich = await serveHealth({ ...given, report, texts }, abort.signal);
  const ask = async (port: number, path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${answer.status} ${await answer.text()}`;
  };
  t.equal(await ask(plain, '/healthz?verbose'), '200 ok');
  t.equal(await ask(rich, '/healthz'), '200 {"healthy":true}');
  t.equal(await ask(rich, '/livez'), '200 ok');
  problem = 'rules are 90 s old';
  t.equal(await ask(plain, '/healthz'), '503 rules are 90 s old');
  t.equal(await ask(rich, '/healthz'), '503 {"healthy":false}');
  t.equal(await ask(rich, '/readyz'), '503 rules are 90 s old');
  t.equal(await ask(rich, '/mode'), '200 iptables');
  t.match(await ask(plain, '/mode'), /^404 /);
  t.match(await ask(rich, '/toString'), /^404 /);
  t.match(await ask(rich, '/metrics'), /^200 up 1\n/);
});

t.test('a long answer is made while the client reads, and ends when the client goes', async (t) => {
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  let [made, ended] = [0, false];
  function* endless(): Generator<string> {
    try {
      for (; made < 1_000; made++) yield 'x'.repeat(1024 * 1024);
    } finally {
      ended = true;
    }
  }
  const streams = { '/long': endless, '/short': () => ['a\n', 'b\n'] };
  const port = await serveHealth({ host: '127.0.0.1', port: 0, check: () => undefined, streams }, abort.signal);
  t.equal(await (await fetch(`http://127.0.0.1:${port}/short`)).text(), 'a\nb\n');
  const stop = new AbortController();
  const { body } = await fetch(`http://127.0.0.1:${port}/long`, { signal: stop.signal });
  await body!.getReader().read();
  t.equal(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text(), 'ok', 'the process does its other work');
  t.ok(made < 1_000, `${made} of it is made for a client that does not read on`);
  stop.abort();
  while (!ended) await new Promise((done) => setImmediate(done));
  t.ok(made < 1_000);
});
