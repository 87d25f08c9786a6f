// hack/up: creates a cluster with the demo, or repairs a damaged one. Each step creates what is missing and keeps what
// exists; a first start that fails early is undone.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { describeError, isUnavailable } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import type { CertificateRequest } from '../../controlplane/pki/certificate';
import { writePrivate } from '../../controlplane/pki/files';
import { ensureKubeconfig, readEntry } from '../../controlplane/pki/kubeconfig';
import { ensureNodePki, identities, readAuthority } from '../../controlplane/pki/pki';
import type { Exec } from '../../dataplane/exec/exec';
import { pauseImage } from '../image/catalog';
import { pushImage, waitForRegistry } from '../image/registry';
import { ensureImages } from '../image/store';
import { Api, readManifests } from './api';
import { demoDir, findPrograms, imagePaths, supervisorProgram, waitUntil } from './cluster';
import { ensureControlPki } from './control-pki';
import { teardown } from './down';
import { freeRegistryPort, gatherFacts, upstreamResolvers } from './facts';
import { recordHost } from './host-record';
import { addressInHosts, withHosts, withoutHosts } from './hosts-file';
import { type ReplacedMembers, replacedMembers } from './lost-members';
import { ensureNetwork } from './network';
import { agents, type ClusterPlan, chooseSubnet, controlNodes, planCluster, ranges } from './plan';
import { checkFree, checkHost, type HostFacts, overlapping, shadowed } from './preflight';
import {
  dockerConfig,
  dockerConfigPath,
  isAgentProcess,
  planProcesses,
  registries,
  registryConfig,
  registryConfigPath,
} from './processes';
import { Progress } from './progress';
import { changedSettings, checkKept, newSettings, type UpOptions } from './settings';
import { startEtcd } from './start-etcd';
import { type ClusterState, claimForwarding, readState, writeState } from './state';
import type { ProcessSpec } from './supervisor/spec';
import { applyProcesses, ensureSupervisor } from './supervisor-control';
import { requestJson, requestText } from './unix-http';
import { findUserKubeconfig, mergeIntoUserKubeconfig } from './user-kubeconfig';
import { nameOption, nodesReady, serversReady, whyWaiting } from './waiting';

export interface UpContext {
  readonly exec: Exec;
  readonly options: UpOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly tty: boolean;
}

const engineTimeoutMs = 30_000;
const demoTimeoutMs = 90_000;
const urlTimeoutMs = 2_000;
const ipForward = '/proc/sys/net/ipv4/ip_forward';

export async function up(context: UpContext): Promise<void> {
  const { exec, options, env, write, tty } = context;
  const progress = new Progress({
    write,
    tty,
    color: tty && env['NO_COLOR'] === undefined,
    quiet: options.quiet,
    now: Date.now,
    total: options.demo ? 8 : 7,
  });
  const known = readState(options.name);
  const { state, notes } = await progress.step('Checking this machine', () =>
    known ? recheck(context, known) : firstCheck(context),
  );
  for (const note of notes) write(`  note: ${note}\n`);
  const plan = planCluster(state);
  const undo = new Scope();
  if (!known) undo.defer(() => teardown(exec, plan, state));
  try {
    await progress.step('Certificates and configuration', () => prepareFiles(plan, state));
    await progress.step(`Network ${plan.subnet} on bridge ${plan.bridge}`, () => prepareNetwork(exec, plan));
    const members = replacedMembers(plan);
    const specs = processSpecs(plan, env['PATH'] ?? '', members.rejoined);
    await progress.step(`${plan.store === 'etcd' ? 'etcd, ' : ''}API server, registry and Docker engines`, () =>
      startEngines(plan, specs, members),
    );
    // From here on a failure keeps the cluster: its logs show the cause, and the next hack/up continues.
    undo.release();
    await progress.step('Images', () => pushImages(exec, plan));
    await progress.step(`Agents on ${plan.nodes.length} nodes`, () => startAgents(plan, specs));
    await progress.step('kubeconfig and /etc/hosts', () => userFiles(plan, state, options.demo));
    if (options.demo) await progress.step('Demo', () => deployDemo(plan));
  } catch (err) {
    await undo.close();
    throw err;
  }
  writeSummary(context, plan, progress.elapsed());
}

interface Checked {
  readonly state: ClusterState;
  readonly notes: readonly string[];
}

async function firstCheck({ exec, options, env }: UpContext): Promise<Checked> {
  const settings = newSettings(options);
  const facts = await gatherFacts(exec, env['PATH'] ?? '', settings.store === 'etcd');
  checkHost(facts);
  const overlaps = (subnet: string) => overlapping(subnet, facts.ranges).length > 0;
  const spec = {
    ...settings,
    name: options.name,
    subnet: options.subnet || chooseSubnet(['taken'], overlaps),
    registryPort: freeRegistryPort(),
  };
  checkFree(planCluster(spec), facts);
  const kubeconfig = findUserKubeconfig(env);
  const before = await recordHost(exec, { kubeconfigPath: kubeconfig.path });
  const state = { ...spec, kubeconfig, before };
  await claimForwarding(spec.name, readFileSync(ipForward, 'utf8').trim());
  await writeState(state);
  return { state, notes: notesOn(facts) };
}

async function recheck({ exec, options, env }: UpContext, state: ClusterState): Promise<Checked> {
  checkKept(state, options);
  checkHost(await gatherFacts(exec, env['PATH'] ?? '', state.store === 'etcd'));
  const given = changedSettings(state, options);
  if (Object.keys(given).length === 0) return { state, notes: [] };
  const changed = { ...state, ...given };
  await writeState(changed);
  return { state: changed, notes: [] };
}

function notesOn(facts: HostFacts): string[] {
  const hidden = shadowed(facts, [ranges.pods, ranges.services, ranges.pods6, ranges.services6]);
  return hidden.length === 0 ? [] : [`pods cannot reach ${hidden.join(', ')}: the cluster uses these addresses itself`];
}

async function prepareFiles(plan: ClusterPlan, state: ClusterState): Promise<string> {
  const written = await ensureControlPki(plan);
  const authority = (await readAuthority(plan.pkiDir))!;
  const clients: { path: string; identity: CertificateRequest }[] = [
    { path: plan.adminConf, identity: identities.admin },
  ];
  for (const node of plan.nodes) {
    written.push(...(await ensureNodePki(`${node.dir}/pki`, authority, node)));
    for (const agent of agents) {
      const identity = agent === 'kubelet' ? identities.kubelet(node.name) : identities[agent];
      clients.push({ path: node.kubeconfigs[agent], identity });
    }
    mkdirSync(node.runDir, { recursive: true, mode: 0o700 });
    await writePrivate(dockerConfigPath(node), JSON.stringify(dockerConfig(plan, node), null, 2));
  }
  for (const { path, identity } of clients) {
    const reason = await ensureKubeconfig(path, authority, {
      name: plan.context,
      server: path === plan.adminConf ? plan.server : plan.agentServer,
      identity,
    });
    if (reason) written.push(path);
  }
  for (const which of registries) {
    await writePrivate(registryConfigPath(plan, which), stringify(registryConfig(plan, which)));
  }
  mkdirSync(plan.logDir, { recursive: true, mode: 0o700 });
  await claimForwarding(state.name, readFileSync(ipForward, 'utf8').trim());
  return written.length === 0 ? 'all there' : '';
}

async function prepareNetwork(exec: Exec, plan: ClusterPlan): Promise<string> {
  if (readFileSync(ipForward, 'utf8').trim() !== '1') writeFileSync(ipForward, '1');
  const made = await ensureNetwork(exec, plan);
  return made.length === 0 ? 'all there' : '';
}

function processSpecs(plan: ClusterPlan, path: string, rejoined: ReadonlySet<string>): readonly ProcessSpec[] {
  const facts = {
    programs: findPrograms(path),
    upstreams: upstreamResolvers(),
    pauseImage,
    rejoined,
  };
  return planProcesses(plan, facts);
}

async function startEngines(
  plan: ClusterPlan,
  specs: readonly ProcessSpec[],
  members: ReplacedMembers,
): Promise<string> {
  const started = await ensureSupervisor(plan.runDir, supervisorProgram(), `${plan.logDir}/supervisor.log`);
  await startEtcd(plan, specs, members, (name) => whyWaiting(plan, name));
  await applyProcesses(
    plan.runDir,
    specs.filter(({ name }) => !isAgentProcess(name)),
  );
  await Promise.all([
    serversReady(plan),
    ...plan.nodes.map((node) =>
      waitUntil(`Docker of ${node.name} answers`, engineTimeoutMs, async () =>
        (await engineAnswers(node.dockerSocket)) ? undefined : await whyWaiting(plan, `${node.name}/docker`),
      ),
    ),
  ]);
  return started ? '' : 'all there';
}

async function engineAnswers(socketPath: string): Promise<boolean> {
  try {
    await requestJson({ socketPath, path: '/_ping', timeoutMs: 2_000 });
    return true;
  } catch (err) {
    if (isUnavailable(err)) return false;
    throw err;
  }
}

async function pushImages(exec: Exec, plan: ClusterPlan): Promise<string> {
  const { images, built } = await ensureImages(exec, imagePaths);
  await Promise.all([plan.registry, plan.pushRegistry].map(waitForRegistry));
  const sent = await Promise.all(images.map((image) => pushImage(plan.pushRegistry, image)));
  await Promise.all(plan.nodes.map((node) => pullImage(node.dockerSocket, pauseImage)));
  return built ? 'built' : sent.some(Boolean) ? '' : 'all there';
}

/** Every pod of a node needs this image, so it is pulled before the first pod. The answer is a stream that ends with the pull. */
async function pullImage(socketPath: string, image: string): Promise<void> {
  const [repository, tag] = image.split(':');
  const path = `/images/create?fromImage=${encodeURIComponent(repository!)}&tag=${tag}`;
  await requestText({ socketPath, method: 'POST', path });
}

async function startAgents(plan: ClusterPlan, specs: readonly ProcessSpec[]): Promise<void> {
  await applyProcesses(plan.runDir, specs);
  const api = await Api.open(plan.adminConf);
  await nodesReady(plan, api);
  for (const { name } of controlNodes(plan)) await api.markControlPlane(name);
}

async function userFiles(plan: ClusterPlan, state: ClusterState, demo: boolean): Promise<string> {
  const entry = readEntry(readFileSync(plan.adminConf, 'utf8'), plan.context);
  if (entry) await mergeIntoUserKubeconfig(state.kubeconfig, entry);
  const text = hostsText();
  const entries = hostsEntries(plan, text, demo);
  const hosts = entries.length === 0 ? withoutHosts(text, plan.context) : withHosts(text, plan.context, entries);
  if (hosts !== text) writeFileSync('/etc/hosts', hosts);
  return `context ${plan.context} in ${state.kubeconfig.path}`;
}

export const demoHost = 'codereview.local';
const hostsText = (): string => (existsSync('/etc/hosts') ? readFileSync('/etc/hosts', 'utf8') : '');

/** The demo's host name, unless another cluster has it in /etc/hosts already: the first entry of a name wins. */
function hostsEntries(plan: ClusterPlan, text: string, demo: boolean) {
  const elsewhere = text
    .split(/^# BEGIN /m)
    .slice(1)
    .some((block) => !block.startsWith(`${plan.context} `) && block.split('# END ')[0]!.includes(` ${demoHost}`));
  return demo && !elsewhere ? [{ address: plan.nodes[0]!.ip, names: [demoHost] }] : [];
}

/** Undefined if the URL answers, else the fault. */
async function silentUrl(url: string): Promise<string | undefined> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(urlTimeoutMs) });
    return status === 200 ? undefined : `${url} answers with status ${status}`;
  } catch (err) {
    return `${url} does not answer: ${describeError(err)}`;
  }
}

async function deployDemo(plan: ClusterPlan): Promise<string> {
  const api = await Api.open(plan.adminConf);
  const created = await api.createMissing(await readManifests(demoDir));
  await waitUntil('the demo is ready', demoTimeoutMs, async () => {
    type Deployment = { spec: { replicas: number }; status?: { readyReplicas?: number } };
    const path = '/apis/apps/v1/namespaces/codereview/deployments/codereviewapi';
    const { spec, status } = await api.get<Deployment>(path);
    const ready = status?.readyReplicas ?? 0;
    if (ready < spec.replicas)
      return `${ready} of ${spec.replicas} replicas are ready; see: kubectl -n codereview get pods`;
    const toolbox = await api.get<{ status?: { phase?: string } }>('/api/v1/namespaces/codereview/pods/toolbox');
    if (toolbox.status?.phase !== 'Running') return `pod toolbox is ${toolbox.status?.phase ?? 'new'}`;
    // The API's status may date from before a crash or a reboot: only an answer of the demo is proof.
    const answers = await Promise.all(plan.nodes.map(({ ip }) => silentUrl(`http://${ip}:30080/`)));
    return answers.find((problem) => problem !== undefined);
  });
  return created.length === 0 ? 'all there' : '';
}

/** What reaches this cluster's Ingress: the name alone, or with the address where the name leads to another cluster. */
function ingressLine(address: string): string {
  const known = addressInHosts(hostsText(), demoHost);
  if (known === address) return `http://${demoHost}/`;
  return `curl -H 'Host: ${demoHost}' http://${address}/${known === undefined ? '' : `  (${demoHost} is ${known} here)`}`;
}

function writeSummary({ write, options }: UpContext, plan: ClusterPlan, elapsed: string): void {
  const control = plan.nodes[0]!.ip;
  const kubectl = 'kubectl';
  const lines = [
    '',
    `Cluster ${plan.name} is up after ${elapsed}: ${plan.nodes.length} nodes, API ${plan.server}, context ${plan.context}.`,
    ...(options.demo
      ? [
          `  NodePort  http://${control}:30080/  (and on every other node's address)`,
          `  Ingress   ${ingressLine(control)}`,
          '',
          'Try:',
          `  ${kubectl} get nodes -o wide`,
          `  hack/console${nameOption(plan)}`,
          `  curl http://${control}:30080/`,
          `  ${kubectl} -n codereview exec -it toolbox -- nslookup codereviewapi`,
        ]
      : [
          '',
          'Try:',
          `  ${kubectl} get nodes -o wide`,
          `  ${kubectl} apply -f hack/demo`,
          `  hack/status${nameOption(plan)}`,
        ]),
    '',
    `Stop it with hack/down${nameOption(plan)}; hack/status${nameOption(plan)} and hack/logs${nameOption(plan)} show its state.`,
  ];
  write(`${lines.join('\n')}\n`);
}
