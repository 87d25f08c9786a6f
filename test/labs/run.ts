// Runs labs in a cluster: makes their objects, breaks one thing at a time, asks `k8ts path`, and compares its answer with the fault.
import { join } from 'node:path';
import type { PathReport } from '../../controlplane/base/path-report';
import { type Cluster, output, root, run, until } from '../e2e/cluster';
import { baseObjects, type Lab, otherSpace, space } from './lab';

export interface LabResult {
  readonly lab: Lab;
  readonly ok: boolean;
  /** What was said: the code, or `works`. */
  readonly said: string;
  readonly sentence: string;
  readonly ms: number;
  readonly report?: PathReport;
}

export async function openLabs(cluster: Cluster, labs: readonly Lab[]): Promise<void> {
  const items = [...baseObjects, ...labs.flatMap(({ objects = [] }) => objects)];
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const ready = (items as { kind: string; metadata: { name: string; namespace: string } }[])
    .filter(({ kind, metadata }) => kind === 'Pod' && !notReady.has(metadata.name))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  await until('the pods of the labs are ready', async () => {
    const list = await cluster.json<{
      items: {
        metadata: { namespace: string; name: string };
        status: { conditions?: { type: string; status: string }[] };
      }[];
    }>('get', 'pods', '-A');
    const up = new Set(
      list.items
        .filter(({ status }) =>
          status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
        )
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    );
    const missing = ready.filter((key) => !up.has(key));
    if (missing.length > 0) throw new Error(`not ready: ${missing.join(', ')}`);
    return true;
  });
  // Rules, routes and addresses of load balancers follow a moment later.
  await cluster
    .kubectl('wait', '-n', space, '--for=condition=Programmed', 'service', '--all', '--timeout=60s')
    .catch(() => undefined);
}

/** Pods of labs that never become ready: that is their fault. */
const notReady: ReadonlySet<string> = new Set([
  'pod-not-ready',
  'crash-loop',
  'publish-not-ready',
  'sender-pending',
  'ended',
  'gated',
  'stuck',
  'host-port-a',
  'host-port-b',
]);

export const closeLabs = (cluster: Cluster): Promise<unknown> =>
  cluster.kubectl('delete', 'namespace', space, otherSpace, '--ignore-not-found', '--wait=false');

/** @param probe false: nothing is sent, which is faster and says less */
export async function runLab(lab: Lab, cluster: Cluster, probe = true): Promise<LabResult> {
  const to = typeof lab.to === 'string' ? lab.to : await lab.to(cluster);
  const repair = await lab.breaks?.(cluster);
  try {
    const before = performance.now();
    const argv = [
      process.execPath,
      join(root, 'dist/k8ts.js'),
      'path',
      lab.from,
      to,
      '-n',
      space,
      '-o',
      'json',
      ...(probe ? [] : ['--no-probe']),
      ...(lab.options?.(cluster) ?? []),
    ];
    const { code, stdout, stderr } = await ask(argv, cluster);
    const ms = performance.now() - before;
    if (stdout === '') return { lab, ok: false, said: `error (${code})`, sentence: stderr.trim(), ms };
    const report = JSON.parse(stdout) as PathReport;
    return { lab, ...judged(lab, report), ms, report };
  } finally {
    await repair?.();
  }
}

/** Exit status 1 is an answer, too: the way is blocked; and 2: that is not sure. */
async function ask(argv: readonly string[], cluster: Cluster) {
  const shell = await run(['sh', '-c', '"$@"; echo " $?"', 'sh', ...argv], { env: cluster.env });
  const at = shell.stdout.lastIndexOf(' ');
  const text = shell.stdout.slice(0, at);
  return {
    code: Number(shell.stdout.slice(at)),
    stdout: text,
    stderr: text === '' ? await errorOf(argv, cluster) : '',
  };
}

const errorOf = async (argv: readonly string[], cluster: Cluster): Promise<string> =>
  (await output(['sh', '-c', '"$@" 2>&1 || true', 'sh', ...argv], { env: cluster.env })).trim();

function judged({ codes, says }: Lab, { verdict, hops }: PathReport): Pick<LabResult, 'ok' | 'said' | 'sentence'> {
  const { works, code, sentence, remedy = '', hop } = verdict;
  if (codes === undefined)
    return { ok: works === 'yes', said: works === 'yes' ? 'works' : `${works}: ${code}`, sentence };
  const evidence = `${sentence}\n${remedy}\n${hop === undefined ? '' : JSON.stringify(hops[hop])}`;
  const named = code !== undefined && codes.includes(code) && works !== 'yes';
  return { ok: named && (says?.test(evidence) ?? true), said: works === 'yes' ? 'works' : (code ?? works), sentence };
}
