// When the command reads again, and what it says of a kube-proxy that does not answer.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { serveHealth } from '../../controlplane/process/health';
import type { Exec } from '../../dataplane/exec/exec';
import { jumps } from '../../dataplane/netfilter/names';
import { jumpRule } from '../../dataplane/netfilter/plan';
import { type DesiredPart, DesiredReader, desiredLines } from '../../dataplane/rules-diff/document';
import { renderReport } from '../../dataplane/rules-diff/text';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { diff } from './diff';
import { askProxy } from './door';
import { command } from './main';

const { plan } = new ServiceCompiler(4, { clusterCidr: '10.244.0.0/16' }).take();
const part = (state: Partial<DesiredPart['state']>): DesiredPart => ({
  part: 'services',
  mode: 'iptables',
  state: { writes: 1, pending: false, ...state },
  known: true,
  notes: [],
  iptables: [{ family: 4, backend: 'nft', jumps, chains: plan }],
  nft: [],
});

/** A kernel without any rule. */
const emptyKernel: Exec = { run: async () => ({ stdout: '', stderr: '' }) };

function asking(...states: readonly Partial<DesiredPart['state']>[]) {
  let asked = 0;
  const ask = async () => {
    const state = states[Math.min(asked++, states.length - 1)]!;
    const reader = new DesiredReader();
    for (const line of desiredLines(() => [part(state)])) reader.take(line);
    return reader.done();
  };
  return { ask, asked: () => asked };
}

t.test('it reads again while rules are being written, and not for a write that fails', async (t) => {
  for (const [what, states, asked] of [
    ['nothing moves', [{}], 2],
    ['a write is under way', [{ pending: true }], 6],
    ['a write came between', [{}, { writes: 2 }], 4],
    [
      'it fails all the time',
      [
        { pending: true, failure: 'busy' },
        { pending: true, failure: 'busy', writes: 9 },
      ],
      2,
    ],
  ] as const) {
    const proxy = asking(...states);
    const report = await diff({ exec: emptyKernel, ask: proxy.ask });
    t.equal(report.verdict, 'different', what);
    t.equal(proxy.asked(), asked, what);
  }
  const failing = await diff({ exec: emptyKernel, ask: asking({ pending: true, failure: 'netfilter is busy' }).ask });
  t.match(renderReport(failing, 0), /^kube-proxy, services: .*nothing written yet; failing: netfilter is busy\n/);
});

t.test('what kube-proxy repairs meanwhile is said', async (t) => {
  let reads = 0;
  const once: Exec = {
    run: async (argv) => {
      const isFirst = argv[0] === 'iptables-nft-save' && reads++ === 0;
      return { stdout: isFirst ? '' : repaired(argv[0]!), stderr: '' };
    },
  };
  const report = await diff({ exec: once, ask: asking({}, { writes: 2 }).ask });
  t.equal(report.verdict, 'equal', JSON.stringify(report.rules));
  t.match(report.notes, [/^kube-proxy wrote meanwhile: \d\d differences of the first reading are gone$/]);
});

/** The kernel with all that is desired. */
function repaired(program: string): string {
  if (program !== 'iptables-nft-save') return '';
  const of = (table: 'nat' | 'filter') => {
    const own = jumps.filter((jump) => jump.table === table);
    const names = [...own.map(({ from }) => from), ...plan[table].keys()].map((name) => `:${name} - [0:0]\n`);
    const rules = [...own.map(({ from, to }) => `${jumpRule(from, to)}\n`), ...plan[table].values()];
    return `*${table}\n${names.join('')}${rules.join('')}COMMIT\n`;
  };
  return of('nat') + of('filter');
}

t.test('nothing is planned yet: nothing is compared', async (t) => {
  const none = async () => ({
    parts: [{ ...part({}), known: false, iptables: [] }],
    end: [{ ...part({}), known: false }],
  });
  const report = await diff({ exec: emptyKernel, ask: none });
  t.match(report, { verdict: 'unknown', rules: { missing: { count: 0 }, extra: { count: 0 } } });
  t.match(renderReport(report, 0), /nothing is planned yet, so the rules of an earlier process stay/);
});

t.test('over HTTP', async (t) => {
  const abort = new AbortController();
  t.teardown(() => abort.abort());
  const streams = { '/rules': () => desiredLines(() => [part({})]) };
  const given = { host: '127.0.0.1', port: 0, check: () => undefined };
  const port = await serveHealth({ ...given, streams }, abort.signal);
  t.match(await askProxy(`127.0.0.1:${port}`, '/rules'), { parts: [{ part: 'services' }] });
  const old = await serveHealth(given, abort.signal);
  t.match(await askProxy(`127.0.0.1:${old}`, '/rules'), { why: /status 404: an older version, or another program/ });
  const other = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await new Promise((done) => other.once('listening', done));
  const { port: strange } = other.address() as AddressInfo;
  t.match(await askProxy(`127.0.0.1:${strange}`, '/rules'), { why: /does not say what it wants/ });
  other.close();
  await new Promise((done) => other.once('close', done));
  t.match(await askProxy(`127.0.0.1:${strange}`, '/rules'), { why: /kube-proxy does not run on this node/ });
});

t.test('wrong use', async (t) => {
  for (const argv of [[], ['difference'], ['diff', 'nat'], ['diff', '--from', '10.0.0.1']]) {
    t.throws(() => command.expand?.(argv), { code: 'BadRequest' }, argv.join(' '));
  }
  t.strictSame(command.expand?.(['diff', '--json', '--log-level=info']), ['diff', '--json', '--log-level=info']);
});
