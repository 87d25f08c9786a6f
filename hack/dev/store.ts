// hack/store: `k8ts store` with the store of a local cluster. A restore stops the API servers, and the kubelets: those register their nodes
// again, which the backup may lack, and take over the pod ranges that it has. Containers run on meanwhile.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Api } from './api';
import { runAttached } from './attached';
import { findPrograms, openCluster } from './cluster';
import { storeOptions } from './etcd';
import { type ClusterPlan, controlNodes } from './plan';
import { Refused } from './preflight';
import { controlProcess } from './processes';
import { applyProcesses, runningSpecs, stopProcesses, supervisorPid } from './supervisor-control';
import { nameOption, nodesReady, serversReady } from './waiting';

export interface StoreContext {
  readonly name: string;
  /** check, backup FILE, ... as `k8ts store` takes them. */
  readonly words: readonly string[];
  readonly force: boolean;
  /** Where a relative FILE is looked for. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
}

/** Resolves with the exit status. @throws Refused, Unavailable */
export async function store(context: StoreContext): Promise<number> {
  const { name, words, force, dir, write } = context;
  const { plan } = openCluster(name);
  const [verb, file] = words;
  if (verb === 'migrate') {
    throw new Refused(
      'a local cluster keeps its kind of store.',
      'For a cluster with the same objects in the other kind: hack/store backup FILE, then hack/up --name NAME --store KIND, then hack/store restore FILE --force --name NAME',
    );
  }
  const argv = storeCommand(plan, context);
  // Without a file nothing needs to stop; the program says what is missing.
  if (verb !== 'restore' || !file || !existsSync(resolve(dir, file))) return runAttached(argv);
  if (!force) {
    throw new Refused(
      `cluster ${name} has objects already.`,
      '--force replaces them; what is there now is kept as a file, whose name is printed',
    );
  }
  if (supervisorPid(plan.runDir) === undefined) {
    throw new Refused(`cluster ${name} has no supervisor.`, `Start it first: hack/up${nameOption(plan)}`);
  }
  return withoutServers(plan, write, () => runAttached(argv));
}

function storeCommand(plan: ClusterPlan, { words, force, dir, env }: StoreContext): readonly string[] {
  const { node, bundle } = findPrograms(env['PATH'] ?? '');
  const control = controlNodes(plan)[0]!;
  const [verb, ...files] = words;
  return [
    node,
    bundle,
    'store',
    ...(verb === undefined ? [] : [verb]),
    ...files.map((file) => (file === '' ? file : resolve(dir, file))),
    `--data-dir=${control.control.dataDir}`,
    ...storeOptions(plan, control, control.control),
    ...(force ? ['--force'] : []),
  ];
}

/** Starts them again also when `work` fails: a store that was not replaced is as it was. */
async function withoutServers(
  plan: ClusterPlan,
  write: (text: string) => void,
  work: () => Promise<number>,
): Promise<number> {
  const servers = controlNodes(plan).map((node) => controlProcess(plan, node, 'server'));
  const names = [...servers, ...plan.nodes.map((node) => `${node.name}/kubelet`)];
  const specs = runningSpecs(plan.runDir).filter(({ name }) => names.includes(name));
  if (specs.length < names.length) {
    throw new Refused(`not all of ${names.join(', ')} run.`, `Repair the cluster first: hack/up${nameOption(plan)}`);
  }
  write(`stopping ${names.join(', ')}; containers run on\n`);
  await stopProcesses(plan.runDir, names);
  try {
    return await work();
  } finally {
    await applyProcesses(plan.runDir, specs);
    await serversReady(plan);
    const api = await Api.open(plan.adminConf);
    await nodesReady(plan, api);
    for (const { name } of controlNodes(plan)) await api.markControlPlane(name);
    write(`all run again, and ${plan.nodes.length} nodes are Ready\n`);
  }
}
