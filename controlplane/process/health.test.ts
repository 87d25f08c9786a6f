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
