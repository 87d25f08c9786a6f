// `k8ts path --what-if` tells the truth: what it says before a manifest is applied, `k8ts path` says afterwards.
import type { Test } from 'tap';
import type { PathReport, Verdict } from '../../controlplane/base/path-report';
import { ingress, policy, service, serving, space } from '../labs/lab';
import { type Cluster, until } from './cluster';
import { packetPath, spoken } from './packet-paths';

interface Case {
  readonly name: string;
  readonly from?: string;
  readonly to: string | ((cluster: Cluster) => readonly string[]);
  /** There before. */
  readonly given?: readonly object[];
  readonly manifest: readonly object[];
  /** Deleted instead: KIND/NAME. */
  readonly without?: string;
  readonly code: string | undefined;
  /** Afterwards a probe proves it: of some, since it takes seconds. */
  readonly isTried?: true;
}

const web = { app: 'web' };
const deny = policy('what-if', web, { policyTypes: ['Ingress'] });
const fromClient = { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }] };
const fromTeam = { ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'x' } } }] }] };
const nodePort = (externalTrafficPolicy: string) => ({ type: 'NodePort', externalTrafficPolicy });
const at = (path: string) => (cluster: Cluster) => [`http://what-if.local${path}`, '--connect-to', cluster.nodeIps[1]!];

const deployment = (labels: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'what-if', namespace: space },
  spec: {
    selector: { matchLabels: { app: 'what-if' } },
    template: {
      metadata: { labels: { app: 'what-if', ...labels } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'k8ts/toolbox:1.0', command: serving() }],
      },
    },
  },
});

const cases: readonly Case[] = [
  { name: 'a policy that blocks', to: 'svc/far', manifest: [deny], code: 'IngressPolicy', isTried: true },
  {
    name: 'a policy that opens',
    to: 'svc/far',
    given: [deny],
    manifest: [policy('what-if', web, fromClient)],
    code: undefined,
  },
  {
    name: 'a policy that goes',
    to: 'svc/far',
    given: [deny],
    manifest: [],
    without: 'networkpolicy/what-if',
    code: undefined,
  },
  {
    name: 'a label of a Namespace that a policy asks for',
    to: 'svc/far',
    given: [policy('what-if', web, fromTeam)],
    manifest: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: space, labels: { team: 'x' } } }],
    code: undefined,
  },
  {
    isTried: true,
    name: 'a targetPort is mended',
    to: 'svc/what-if',
    given: [service('what-if', web, { targetPort: 8081 })],
    manifest: [service('what-if', web)],
    code: undefined,
  },
  {
    name: 'a selector changes',
    to: 'svc/what-if',
    given: [service('what-if', web)],
    manifest: [service('what-if', { app: 'wbe' })],
    code: 'SelectorMatchesNothing',
  },
  {
    name: 'a node port for local endpoints only',
    from: 'outside',
    to: 'node/worker-1:30977',
    given: [service('what-if', { place: 'far' })],
    manifest: [service('what-if', { place: 'far' }, { nodePort: 30_977 }, nodePort('Local'))],
    code: 'NoLocalEndpoints',
  },
  {
    name: 'a Service that does not exist yet',
    to: 'svc/what-if',
    manifest: [service('what-if', web)],
    code: undefined,
  },
  {
    isTried: true,
    name: 'the path of an Ingress changes',
    from: 'outside',
    to: at('/new'),
    given: [ingress('what-if', 'what-if.local', { path: '/old' })],
    manifest: [ingress('what-if', 'what-if.local', { path: '/new' })],
    code: undefined,
  },
  {
    name: 'labels of the pods of a Deployment',
    to: 'svc/what-if',
    given: [deployment({}), service('what-if', { app: 'what-if', version: '2' })],
    manifest: [deployment({ version: '2' })],
    code: undefined,
  },
];

/** @param names of cases; absent: all */
export async function whatIfTests(t: Test, cluster: Cluster, names?: readonly string[]): Promise<void> {
  for (const one of cases.filter(({ name }) => names?.includes(name) ?? true))
    await t.test(one.name, (t) => compare(t, one, cluster));
  await t.test('who may not make a change is told so, and nothing is stored', async (t) => {
    const asked = { from: `${space}/client`, to: 'svc/far', namespace: space };
    const spec = { ...asked, whatIf: `# A manifest\n---\n${JSON.stringify(deny)}\n---\n`, probe: false };
    await cluster.kubectl('create', 'clusterrolebinding', 'what-if', '--clusterrole=k8ts:path', '--user=looker');
    t.teardown(() => cluster.kubectl('delete', 'clusterrolebinding', 'what-if'));
    const refused = await packetPath(cluster, spec, '--as=looker').catch((error: unknown) => error);
    t.match(refused, { stderr: /NetworkPolicy labs\/what-if cannot be tried out: .*"looker" cannot create/ });
    const typo = JSON.stringify({ ...deny, spec: { ...deny.spec, podSelectr: {} } });
    const unknown = await packetPath(cluster, { ...spec, whatIf: typo }).catch((error: unknown) => error);
    t.match(unknown, { stderr: /cannot be tried out: .*unknown field "spec\.podSelectr"/ });
    t.equal((await packetPath(cluster, spec)).whatIf?.verdict.code, 'IngressPolicy');
    t.equal(await cluster.kubectl('get', 'networkpolicy', 'what-if', '-n', space, '--ignore-not-found'), '');
  });
}

const list = (items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
const said = ({ works, code }: Verdict): string => `${works} ${code ?? ''}`.trim();

async function compare(
  t: Test,
  { from = `${space}/client`, to, given = [], manifest, without, code, isTried }: Case,
  cluster: Cluster,
) {
  t.teardown(() => cleanUp(cluster));
  if (given.length > 0) await cluster.apply(list(given));
  await settled(cluster, given);
  const question = [from, ...(typeof to === 'string' ? [to] : to(cluster)), '-n', space, '-o', 'json', '--no-probe'];
  const ask = async (...more: readonly string[]) =>
    JSON.parse(await spoken(cluster, [...question, ...more], list(manifest))) as PathReport;
  const { whatIf, verdict: today } = await ask('--what-if', ...(without ? ['--without', without] : ['-f', '-']));
  t.equal(said(whatIf!.verdict), code === undefined ? 'yes' : `no ${code}`, whatIf!.sentence);
  t.not(said(today), said(whatIf!.verdict), 'it would change something');
  t.ok(whatIf!.changes.length > 0, 'the hops that differ');
  if (without) await cluster.kubectl('delete', '-n', space, without);
  else await cluster.apply(list(manifest));
  let last = '';
  await until(
    `k8ts path says: ${said(whatIf!.verdict)}`,
    async () => {
      last = said((await ask()).verdict);
      return last === said(whatIf!.verdict);
    },
    40_000,
  ).catch(() => undefined);
  t.equal(last, said(whatIf!.verdict), 'after it was applied');
  if (!isTried) return;
  const tried = await ask('--probe');
  t.equal(said(tried.verdict), said(whatIf!.verdict), tried.verdict.sentence);
}

/** Rules and routes of what was just made; of all else in the namespace some never get ready. */
async function settled(cluster: Cluster, given: readonly object[]): Promise<void> {
  const has = (kind: string) => given.some((one) => (one as { readonly kind?: string }).kind === kind);
  if (has('Deployment')) {
    await cluster.kubectl('rollout', 'status', '-n', space, 'deployment/what-if', '--timeout=60s');
  }
  if (has('Service')) {
    const programmed = ['wait', '-n', space, '--for=condition=Programmed', 'service/what-if', '--timeout=10s'];
    await cluster.kubectl(...programmed).catch(() => undefined);
  }
}

const cleanUp = async (cluster: Cluster): Promise<void> => {
  const named = ['networkpolicy', 'service', 'ingress', 'deployment'].map((kind) => `${kind}/what-if`);
  await cluster.kubectl('delete', '-n', space, '--ignore-not-found', ...named);
  await cluster.kubectl('label', 'namespace', space, 'team-');
};
