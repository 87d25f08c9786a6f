// `k8ts kubelet`: runs the pods of one node. Started inside the node's network namespace.
import { mkdir, statfs } from 'node:fs/promises';
import { systemClock } from '../../controlplane/base/clock';
import { BadRequest } from '../../controlplane/base/errors';
import { connect } from '../../controlplane/client/connect';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import { loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { SystemMounts } from '../../dataplane/mount/system-mounts';
import packageJson from '../../package.json';
import { Kubelet, type KubeletConfig } from './kubelet';
import { openNetwork } from './network/open';
import { machineCapacity, numericAllocatable, podsLimitOf } from './node/capacity';
import { type MachineFacts, readMachineFacts } from './node/facts';
import { NodeAddress } from './node/node-address';
import { nodePolicy } from './node/policy-options';
import { overReserved } from './node/reservations';
import { machineStops } from './node/shutdown';
import { shutdownPeriods } from './node/shutdown-plan';
import { kubeletOptions, type Options, withConfigFile } from './options';
import type { NodeEvent, Part } from './part';
import { DockerRuntime } from './runtime/docker';
import { MeasuredRuntime } from './runtime/measured-runtime';
import { openServer } from './server/open';
import { kubeletActivity } from './stats/activity';
import { openStats } from './stats/open';

export const command = defineCommand({
  name: 'kubelet',
  summary: 'run the pods of one node in Docker',
  options: kubeletOptions,
  expand: withConfigFile,
  async run({ options, log, signal }) {
    const machine = await readMachineFacts();
    const client = await connect(options.kubeconfig, { userAgent: 'kubelet' });
    await mkdir(options.rootDir, { recursive: true, mode: 0o750 });
    const { server: apiServer } = await loadKubeconfig(options.kubeconfig);
    const addressDeps = { given: options.nodeIp, server: apiServer, rootDir: options.rootDir, clock: systemClock };
    const nodeAddress = new NodeAddress({ ...addressDeps, log: log.child('address') });
    const nodeIps = await nodeAddress.find(signal);
    const runtime = new MeasuredRuntime(new DockerRuntime(options.dockerHost), kubeletActivity);
    const { nodeName } = options;
    const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log: log.child('events') });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } };
    const report: NodeEvent = (type, reason, message) => events.record(node, type, reason, message);
    const exec = new SystemExec();
    const network = openNetwork({ options, nodeIp: nodeIps[0]!, exec, log, report });
    const kubelet: Kubelet = new Kubelet({
      client,
      runtime,
      network: network.network,
      mounts: new SystemMounts(),
      clock: systemClock,
      log,
      machine,
      config: await configOf(options, machine, nodeIps),
      // Read only when the kubelet runs: the measurement needs the records of the kubelet.
      samples: async () => (await stats.measure('all')).pods,
      machineStops: () => machineStops(exec, { log, clock: systemClock }),
      runRoutes: network.runRoutes,
    });
    const stats = await openStats({
      options,
      machine,
      runtime,
      records: kubelet.records,
      pod: (uid) => kubelet.pods.list().find(({ metadata }) => metadata?.uid === uid),
      volumes: (uid, which) => kubelet.volumeUsage(uid, which),
    });
    const server = await openServer(
      { options, client, runtime, kubelet, stats, machine, nodeIps, log, report },
      signal,
    );
    await serveHealth({ host: '127.0.0.1', port: options.healthzPort, check: () => kubelet.problem() }, signal);
    const address: Part = { run: (until) => nodeAddress.watch(nodeIps, report, until) };
    const parts: readonly Part[] = [kubelet, address, network, server];
    const tasks = parts.map((part) => part.run(signal));
    try {
      await Promise.all(tasks);
    } finally {
      // A task that ends at the signal must not interrupt another one that has work left.
      if (signal.aborted) await Promise.allSettled(tasks);
    }
  },
});

async function configOf(options: Options, machine: MachineFacts, nodeIps: readonly string[]): Promise<KubeletConfig> {
  const disk = await statfs(options.rootDir);
  const policy = nodePolicy(options);
  const capacity = machineCapacity({ machine, diskBytes: disk.blocks * disk.bsize, ...options, ...policy });
  const problems = overReserved(capacity, policy);
  if (problems.length > 0) throw new BadRequest(`invalid Node Allocatable configuration. ${problems.join(' ')}`);
  return {
    nodeName: options.nodeName,
    nodeIps,
    rootDir: options.rootDir,
    pauseImage: options.pauseImage,
    dns: { address: options.clusterDns, domain: options.clusterDomain },
    resolvConf: options.resolvConf,
    memoryBytes: machine.memoryBytes,
    lowestOomScore: machine.lowestOomScore,
    allocatable: numericAllocatable(capacity, policy),
    policy,
    cgroupRoot: options.cgroupsPerQos ? options.cgroupRoot : undefined,
    podsLimit: podsLimitOf(capacity, policy),
    hasAppArmor: machine.hasAppArmor,
    allowedUnsafeSysctls: options.allowedUnsafeSysctls,
    labels: options.nodeLabels,
    kubeletPort: options.port,
    // The form of GET /version: the API level, then the version of k8ts.
    kubeletVersion: `v${packageJson.version.replace('-', '+')}`,
    maxPods: options.maxPods,
    parallelStarts: options.parallelStarts,
    shutdownGraceSeconds: options.shutdownGraceSeconds,
    shutdownPeriods: shutdownPeriods({
      periodMs: options.nodeShutdownGracePeriod,
      criticalMs: options.nodeShutdownGracePeriodCriticalPods,
      byPriority: options.nodeShutdownGracePeriodByPodPriority,
    }),
  };
}
