// hack/store: `k8ts store` with the store of a local cluster. A restore stops the API servers, and the kubelets: those register their nodes
// again, which the backup may lack, and take over the pod ranges that it has. Containers run on meanwhile.
import { resolve } from 'node:path';
import { Api } from './api';
import { runAttached, withoutEnding } from './attached';
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

const verbs: readonly string[] = ['check', 'backup', 'restore', 'compact'];

/** Resolves with the exit status. @throws Refused, Unavailable */
export async function store(context: StoreContext): Promise<number> {
  const { name, words, force, write } = context;
  const { plan } = openCluster(name);
  const [verb = ''] = words;
  if (!verbs.includes(verb) && verb !== 'migrate') {
    throw new Refused(`expected one of ${verbs.join(', ')}, got ${JSON.stringify(verb)}.`, 'See hack/store --help');
  }
  if (verb === 'migrate') {
    throw new Refused(
      'a local cluster keeps its kind of store.',
      'For a cluster with the same objects in the other kind: hack/store backup FILE, then hack/up --name NAME --store KIND, then hack/store restore FILE --force --name NAME',
    );
  }
  const argv = storeCommand(plan, context);
  if (verb !== 'restore') return runAttached(argv);
  if (!force) {
    throw new Refused(
      `cluster ${name} has objects already.`,
      '--force replaces them; what is there now is kept as a file, whose name is printed',
    );
  }
  if (supervisorPid(plan.runDir) === undefined) {
    throw new Refused(`cluster ${name} has no supervisor.`, `Start it first: hack/up${nameOption(plan)}`);
  }
  // A file that cannot be restored is no reason to stop anything.
  const readable = await runAttached([...argv, '--dry-run']);
  return readable === 0 ? withoutServers(plan, write, () => runAttached(argv)) : readable;
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
  return withoutEnding(async (wasAsked) => {
    write(`stopping ${names.join(', ')}; containers run on\n`);
    let code = 1;
    try {
      await stopProcesses(plan.runDir, names);
      if (!wasAsked()) code = await work();
    } finally {
      await applyProcesses(plan.runDir, specs);
    }
    if (code !== 0) write('The restore has not ended. Run it again, or see hack/store check.\n');
    await serversReady(plan);
    const api = await Api.open(plan.adminConf);
    await nodesReady(plan, api);
    for (const { name } of controlNodes(plan)) await api.markControlPlane(name);
    write(`all run again; nodes that are Ready: ${plan.nodes.map(({ name }) => name).join(', ')}\n`);
    const strange = (await api.nodes()).filter(({ name }) => !plan.nodes.some((node) => node.name === name));
    for (const { name } of strange) {
      write(`The backup has a node ${name} that this cluster lacks, maybe with pods: kubectl delete node ${name}\n`);
    }
    return code;
  });
}
