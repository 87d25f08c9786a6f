// `k8ts init`: makes this machine the control machine of a new cluster and its first node.
import { join } from 'node:path';
import type { Client } from '../../controlplane/client/client';
import { connect } from '../../controlplane/client/connect';
import { loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { ensureEtcdPki } from '../../controlplane/pki/etcd';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { ensureNodePki, ensurePki, identities, readAuthority } from '../../controlplane/pki/pki';
import { type CommandContext, defineCommand } from '../../controlplane/process/process';
import { markControlPlane, nodeProblem, publishSettings, serverProblem } from './cluster';
import { agentServer, type Desired, kubernetesService, planControl } from './desired';
import { giveKubeconfigs, giveTo } from './executor';
import { importImages } from './images/import';
import { adminConf, agents, kubeconfigPath, pkiDir, serverDir, serverPkiDir, unitOf, users } from './layout';
import { observeMachine, ownPackage } from './observe';
import { initOptions } from './options';
import { checkMachine } from './preflight';
import { readRecord } from './record';
import { Refused } from './refused';
import {
  openSession,
  prepareMachine,
  readyTimeoutMs,
  type Session,
  startAgents,
  startControl,
  waitUntil,
} from './session';
import { createToken, joinCommand } from './token';

type Context = CommandContext<typeof initOptions>;

export const command = defineCommand({
  name: 'init',
  summary: 'make this machine the control machine of a new cluster',
  options: initOptions,
  tool: true,
  run: init,
});

const firstTokenMs = 24 * 3600 * 1000;
/** The name of cluster and context in the kubeconfigs. */
const contextName = 'k8ts';

async function init({ options, signal }: Context): Promise<void> {
  const session = openSession(signal);
  const { say } = session;
  const before = await readRecord(session.files);
  if (before?.desired.registryElsewhere) {
    throw new Refused(
      'this machine has joined a cluster as a further control machine, and the settings of the cluster are made on the first.',
      'To repair it: k8ts join',
    );
  }
  const withEtcd = options.store === 'etcd' || before?.desired.etcd !== undefined;
  const machine = await observeMachine({ ...session, withEtcd });
  checkMachine(machine.facts, options);
  const desired = planControl(options, machine.node, before?.desired);
  const input = { machine, desired, before, start: options.start, caHash: before?.caHash ?? '' };
  const { plan, changed } = await prepareMachine(session, input);
  const made = await ensureCredentials(session, desired);
  for (const line of made) say(`made ${line}`);
  let changes = changed || made.length > 0;
  if (!options.start) {
    say('Nothing was started: that happens at the next boot, or with systemctl start k8ts.target');
    say('Run this again then: images can only be brought into a registry that runs.');
    return;
  }
  await startControl(session, plan);
  const client = await connect(adminConf);
  await waitUntil(session, 'the API server answers', unitOf('server'), () => serverProblem(client));
  const sent = await sendImages(session, options.images, desired);
  for (const name of sent) say(`pushed ${name}`);
  if (await publishSettings(client, desired.cluster)) {
    say('published the settings of the cluster; workers take changes with their next k8ts join');
    changes = true;
  }
  await startAgents(session, plan);
  await waitUntil(session, `${desired.nodeName} is registered`, unitOf('kubelet'), () =>
    markControlPlane(client, desired.nodeName),
  );
  if (options.wait) {
    await waitUntil(session, `${desired.nodeName} is Ready`, unitOf('kubelet'), () =>
      nodeProblem(client, desired.nodeName),
    );
  }
  if (!changes && sent.length === 0) say('Nothing has changed.');
  say(nextSteps(desired, options.wait, before ? undefined : await printedJoin(client, signal)));
}

/** A token for one day, so that the printed command joins the first worker. */
async function printedJoin(client: Client, signal: AbortSignal): Promise<string> {
  const token = await createToken(client, { ttlMs: firstTokenMs, description: 'made by k8ts init' }, signal);
  return joinCommand(await loadKubeconfig(adminConf), token);
}

/** Creates certificates and kubeconfigs, and returns which and why. An authority that exists stays. */
async function ensureCredentials({ exec }: Session, desired: Desired): Promise<readonly string[]> {
  const { nodeIp, nodeName, server, cluster } = desired;
  const made = [
    ...(await ensurePki(serverPkiDir, {
      advertiseAddress: nodeIp,
      serviceAddress: kubernetesService(cluster),
      clusterDomain: cluster.clusterDomain,
    })),
  ];
  if (desired.etcd) made.push(...(await ensureEtcdPki(serverPkiDir, { name: nodeName, addresses: [nodeIp] })));
  // The server renews its own certificates, and keeps its state in the same directory.
  await giveTo(exec, serverDir, users.server);
  const authority = (await readAuthority(serverPkiDir))!;
  made.push(...(await ensureNodePki(pkiDir, authority, { name: nodeName, ip: nodeIp })));
  const kubeconfigs = [
    { path: adminConf, identity: identities.admin },
    ...agents.map((agent) => ({
      path: kubeconfigPath(agent),
      identity: agent === 'kubelet' ? identities.kubelet(nodeName) : identities[agent],
    })),
  ];
  for (const { path, identity } of kubeconfigs) {
    const by = path === adminConf ? server : agentServer(desired);
    const reason = await ensureKubeconfig(path, authority, { name: contextName, server: by, identity });
    if (reason) made.push(`${path}: ${reason}`);
  }
  await giveKubeconfigs(exec);
  return made;
}

async function sendImages(session: Session, given: string, { cluster }: Desired): Promise<readonly string[]> {
  const program = await ownPackage();
  const shipped =
    program && (await session.files.exists(join(program.dir, 'images'))) ? join(program.dir, 'images') : '';
  const dir = given || shipped;
  if (dir === '') return [];
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(readyTimeoutMs)]);
  return importImages(dir, { ...session, registry: cluster.registry, signal });
}

const nextSteps = ({ nodeName, server }: Desired, ready: boolean, joining: string | undefined): string => `
Node ${nodeName} is ${ready ? 'Ready' : 'set up'}; the API is at ${server}

Use it, as root on this machine:
  export KUBECONFIG=${adminConf}
  kubectl get nodes -o wide
or anywhere else, with a copy of that file, which holds the key of the administrator.

Add a machine: copy the folder this came from to it and run there, as root${
  joining === undefined
    ? ', what this prints here:\n  k8ts token create --print-join-command'
    : `:\n  DIR/${joining}\nThe token in it lasts a day; k8ts token create --print-join-command makes another.`
}

Take all of it away again: k8ts reset`;
