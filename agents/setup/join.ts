// `k8ts join HOST:PORT`: makes this machine a node of an existing cluster.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Unavailable } from '../../controlplane/base/errors';
import { connect } from '../../controlplane/client/connect';
import { HttpsTransport } from '../../controlplane/client/https-transport';
import { createClient } from '../../controlplane/client/rest-client';
import { pinOf } from '../../controlplane/pki/cluster-info';
import { type CommandContext, defineCommand } from '../../controlplane/process/process';
import { checkClocks, serverTime } from './clock';
import { markControlPlane, nodeProblem, readSettings, serverProblem } from './cluster';
import {
  announceMember,
  type ControlAccess,
  ensureControlFiles,
  memberProblem,
  openAccess,
  withdrawMember,
} from './control-plane/join';
import { discover } from './credentials/discover';
import { requestNodeCredentials } from './credentials/request';
import { parseServer } from './credentials/token-text';
import type { Discovery } from './credentials/types';
import { agentServer, type ClusterSettings, type Desired, defaults, planFurtherControl, planWorker } from './desired';
import { giveKubeconfigs } from './executor';
import { adminConf, configDir, kubeconfigPath, pkiDir, registryPort, unitOf } from './layout';
import { type Machine, observeMachine } from './observe';
import { joinOptions } from './options';
import { checkMachine } from './preflight';
import { readRecord, type SetupRecord } from './record';
import { Refused } from './refused';
import { openSession, prepareMachine, type Session, startAgents, startControl, waitUntil } from './session';
import type { MachinePlan } from './steps';

type Context = CommandContext<typeof joinOptions>;
type Options = Context['options'];

export const command = defineCommand({
  name: 'join',
  summary: 'make this machine a node of a cluster',
  arguments: 'HOST:PORT',
  options: joinOptions,
  tool: true,
  run: join,
});

async function join({ options, positional, log, signal }: Context): Promise<void> {
  const session = openSession(signal);
  const { say } = session;
  const before = await readRecord(session.files);
  const server = serverOf(positional, before);
  const host = new URL(server).hostname.replace(/^\[|\]$/g, '');
  const asControl = options.controlPlane || before?.desired.role === 'control';
  const machine = await observeMachine({ ...session, towards: await addressOf(host), withEtcd: asControl });
  checkMachine(machine.facts, options);
  checkClocks(await serverTime(server), Date.now());
  const cluster = await findCluster(session, options, server, before);
  const settings = await clusterSettings(session, options, cluster, before);
  const found = { machine, before, cluster, settings };
  const control = asControl ? await announceControl(options, found, await addressOf(host)) : undefined;
  const desired =
    control?.desired ?? planWorker(options, machine.node, { server: cluster.server, settings }, before?.desired);
  const caHash = pinOf(cluster.caPem);
  const input = { machine, desired, before, start: options.start, caHash };
  const { plan, changed } = await prepareMachine(session, input).catch(async (err: unknown) => {
    // Nothing was written: the member will not start.
    if (control && err instanceof Refused && !before) await withdrawMember(control.access, desired.nodeIp);
    throw err;
  });
  const { nodeName, nodeIp } = desired;
  const request = { ...cluster, token: options.token, nodeName, nodeIp, dir: configDir, log };
  const made = [...(await requestNodeCredentials({ ...request, kubeconfigServer: agentServer(desired) }, signal))];
  if (control) made.push(...(await ensureControlFiles(session, control.access, desired)));
  await giveKubeconfigs(session.exec);
  for (const line of made) say(`made ${line}`);
  if (!options.start) {
    say('Nothing was started: that happens at the next boot, or with systemctl start k8ts.target');
    return;
  }
  if (control) await startControlPlane(session, plan, control);
  await startAgents(session, plan);
  if (control) {
    const admin = await connect(adminConf);
    await waitUntil(session, `${nodeName} is registered`, unitOf('kubelet'), () => markControlPlane(admin, nodeName));
  }
  if (options.wait) {
    const client = await connect(kubeconfigPath('kubelet'));
    await waitUntil(session, `${nodeName} is Ready`, unitOf('kubelet'), () => nodeProblem(client, nodeName));
  }
  if (!changed && made.length === 0) say('Nothing has changed.');
  say(nextSteps(desired, options.wait));
}

interface Control {
  readonly access: ControlAccess;
  readonly desired: Desired;
}

/** Checks first, then announces the member of etcd. @throws Refused before anything is changed */
async function announceControl(
  options: Options,
  found: {
    readonly machine: Machine;
    readonly before: SetupRecord | undefined;
    readonly cluster: Discovery;
    readonly settings: ClusterSettings;
  },
  host: string,
): Promise<Control> {
  const { machine, before, cluster, settings } = found;
  if (!options.start && !before?.desired.etcd) {
    throw new Refused(
      '--no-start is not possible with --control-plane: the member of etcd must run to get its vote.',
      'Leave it out.',
    );
  }
  const plan = (initialCluster: string) =>
    planFurtherControl(options, machine.node, { server: cluster.server, settings, initialCluster }, before?.desired);
  const { nodeName: name, nodeIp: ip } = plan('');
  const client = () =>
    createClient(new HttpsTransport({ server: cluster.server, ca: cluster.caPem, token: options.token }));
  const access = await openAccess(client, { sealKey: options.certificateKey, host });
  if (before?.desired.etcd) return { access, desired: plan('') };
  return { access, desired: plan(await announceMember(access, { name, ip })) };
}

async function startControlPlane(session: Session, plan: MachinePlan, { access, desired }: Control): Promise<void> {
  await startControl(session, plan);
  const { nodeIp } = desired;
  await waitUntil(session, 'the member of etcd has caught up', unitOf('etcd'), () => memberProblem(access, nodeIp));
  const admin = await connect(adminConf);
  await waitUntil(session, 'the API server answers', unitOf('server'), () => serverProblem(admin));
}

/** @throws Refused when neither options nor record name the cluster, or when they name different ones */
export function serverOf(positional: readonly string[], before: SetupRecord | undefined): string {
  const [given, ...rest] = positional;
  if (rest.length > 0) throw new Refused(`unexpected argument ${JSON.stringify(rest[0])}.`, 'See k8ts join --help');
  if (before?.desired.role === 'control' && !before.desired.registryElsewhere) {
    throw new Refused(
      'this machine is the control machine of a cluster, and a node of it.',
      'To make it a node of another one, start over: k8ts reset',
    );
  }
  if (given === undefined) {
    if (before) return before.desired.server;
    throw new Refused(
      'the command names no cluster.',
      'k8ts token create --print-join-command on its control machine prints the whole command.',
    );
  }
  return parseServer(given);
}

async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new Unavailable(`the name ${host} of the server is not known here`, { cause });
  }
}

/** The authority: the one that this node has already, if the options do not exclude it; else the one that the server proves to have. */
async function findCluster(
  { files }: Session,
  { token, caHash }: Options,
  server: string,
  before: SetupRecord | undefined,
): Promise<Discovery> {
  const there = (await files.read(`${pkiDir}/ca.crt`))?.text;
  if (before?.caHash && there !== undefined && pinOf(there) === before.caHash) {
    const pins = caHash === '' ? [before.caHash] : caHash.split(',').map((pin) => pin.trim().toLowerCase());
    if (!pins.includes(before.caHash)) {
      throw new Refused(
        `this node belongs to a cluster whose authority is ${before.caHash}, not ${caHash}.`,
        'To make it a node of the other one, start over: k8ts reset',
      );
    }
    // planWorker refuses another address than before, with the reason.
    return { server, caPem: there };
  }
  if (token === '' || caHash === '') {
    throw new Refused(
      `${token === '' ? '--token' : '--ca-cert-hash'} is needed to join a cluster.`,
      'k8ts token create --print-join-command on its control machine prints the whole command.',
    );
  }
  return discover({ server, token, caHash });
}

/** As the cluster publishes them; read with the node's own certificate, or with the token before it has one. */
async function clusterSettings(
  { files }: Session,
  { token, registry }: Options,
  { server, caPem }: Discovery,
  before: SetupRecord | undefined,
): Promise<ClusterSettings> {
  const kubeconfig = kubeconfigPath('kubelet');
  const client = (await files.exists(kubeconfig))
    ? await connect(files.path(kubeconfig))
    : createClient(new HttpsTransport({ server, ca: caPem, token }));
  const settings = (await readSettings(client)) ?? {
    ...defaults,
    registry: before?.desired.cluster.registry ?? `${new URL(server).hostname}:${registryPort}`,
  };
  if (registry === '') return settings;
  return { ...settings, registry: registry === 'none' ? '' : registry };
}

const nextSteps = ({ nodeName, server }: Desired, ready: boolean): string => `
Node ${nodeName} of ${server} is ${ready ? 'Ready' : 'set up'}. See it there: kubectl get nodes
Take it away again: kubectl delete node ${nodeName} there, then here: k8ts reset`;
