// `k8ts kubelet`: runs the pods of one node. Started inside the node's network namespace.
import { mkdir, statfs } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { systemClock } from '../../controlplane/base/clock';
import { connect } from '../../controlplane/client/connect';
import { createEventRecorder } from '../../controlplane/client/event-recorder';
import { loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { filesBeside } from '../../controlplane/pki/node-files';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { SystemMounts } from '../../dataplane/mount/system-mounts';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { Generations } from '../../dataplane/nftables/generations';
import { NftProgram } from '../../dataplane/nftables/nft';
import { vxlanPort } from '../../dataplane/overlay/vxlan';
import { SourceFilter } from '../../dataplane/pod-sources/filter';
import packageJson from '../../package.json';
import { CertificateRenewer } from './certificates/renewer';
import { ServingCertificate } from './certificates/serving-certificate';
import { Kubelet } from './kubelet';
import { NetlinkPodNetwork } from './network/netlink-pod-network';
import { NodeRoutes } from './network/node-routes';
import { PodSources } from './network/pod-sources';
import { readMachineFacts } from './node/facts';
import { NodeAddress, type NodeEvent } from './node/node-address';
import { machineStops } from './node/shutdown';
import { kubeletOptions } from './options';
import { DockerRuntime } from './runtime/docker';
import { serveKubelet } from './server/kubelet-server';
import { PodLookup } from './server/pod-lookup';
import { statsSummary } from './server/stats-summary';
import { streamingHandlers } from './server/streaming-handlers';
import { createStreamingServer } from './streaming/server';

export const command = defineCommand({
  name: 'kubelet',
  summary: 'run the pods of one node in Docker',
  options: kubeletOptions,
  async run({ options, log, signal }) {
    const machine = await readMachineFacts();
    const client = await connect(options.kubeconfig);
    await mkdir(options.rootDir, { recursive: true, mode: 0o750 });
    const { server: apiServer } = await loadKubeconfig(options.kubeconfig);
    const addressDeps = { given: options.nodeIp, server: apiServer, rootDir: options.rootDir, clock: systemClock };
    const nodeAddress = new NodeAddress({ ...addressDeps, log: log.child('address') });
    const nodeIps = await nodeAddress.find(signal);
    const runtime = new DockerRuntime(options.dockerHost);
    const disk = await statfs('/');
    const { nodeName } = options;
    const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, log: log.child('events') });
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } };
    const report: NodeEvent = (type, reason, message) => events.record(node, type, reason, message);
    const exec = new SystemExec();
    const generations = new Generations(ownNetns());
    const sources = new PodSources({
      filter: new SourceFilter(new NftProgram(exec, generations), {
        generations,
        ...(options.overlay === 'host-gw' ? {} : { tunnelPort: vxlanPort }),
      }),
      enabled: options.checkPodSources,
      clock: systemClock,
      log: log.child('sources'),
      report: (reason, message) => report('Warning', reason, message),
    });
    const kubelet = new Kubelet({
      client,
      runtime,
      network: new NetlinkPodNetwork({
        log: log.child('network'),
        nodeIp: nodeIps[0]!,
        overlay: options.overlay,
        sources,
      }),
      mounts: new SystemMounts(),
      clock: systemClock,
      log,
      machine,
      config: {
        nodeName,
        nodeIps,
        rootDir: options.rootDir,
        pauseImage: options.pauseImage,
        dns: { address: options.clusterDns, domain: options.clusterDomain },
        resolvConf: options.resolvConf,
        memoryBytes: machine.memoryBytes,
        allocatable: { cpu: machine.cores, memory: machine.memoryBytes, 'ephemeral-storage': disk.blocks * disk.bsize },
        allowedUnsafeSysctls: options.allowedUnsafeSysctls,
        labels: options.nodeLabels,
        kubeletPort: options.port,
        // As GET /version writes it: what follows the API level is ours.
        kubeletVersion: `v${packageJson.version.replace('-', '+')}`,
        maxPods: options.maxPods,
        parallelStarts: options.parallelStarts,
        shutdownGraceSeconds: options.shutdownGraceSeconds,
      },
      machineStops: () => machineStops(exec, log),
      runRoutes: (nodes, until) =>
        new NodeRoutes({ nodes, nodeName, mode: options.overlay, log: log.child('routes') }).run(until),
    });
    const certificate = await ServingCertificate.open(options.pkiDir);
    const lookup = new PodLookup(kubelet.pods, kubelet.records);
    const { records } = kubelet;
    const server = {
      // The API server comes to the address the node is known by.
      host: isIPv6(nodeIps[0]!) ? '::' : '0.0.0.0',
      port: options.port,
      certificate,
      runtime,
      lookup,
      streaming: createStreamingServer({ handlers: streamingHandlers(runtime, lookup), log: log.child('streaming') }),
      summary: () => statsSummary({ runtime, records, machine, nodeName, now: systemClock.now }),
      problem: () => kubelet.health,
      clock: systemClock,
      log: log.child('server'),
    };
    await serveKubelet(server, signal);
    await serveHealth({ host: '127.0.0.1', port: options.healthzPort, check: () => kubelet.health }, signal);
    const renewer = new CertificateRenewer({
      client,
      clock: systemClock,
      log: log.child('certificates'),
      files: filesBeside(options.kubeconfig, options.pkiDir),
      nodeName,
      nodeIps: () => nodeIps,
      served: () => certificate.reload(),
      report,
    });
    const tasks = [kubelet.run(signal), nodeAddress.watch(nodeIps, report, signal), sources.run(signal)];
    if (options.rotateCertificates) tasks.push(renewer.run(signal));
    try {
      await Promise.all(tasks);
    } finally {
      // A task that ends by the signal must not cut short another that has something left to do.
      if (signal.aborted) await Promise.allSettled(tasks);
    }
  },
});
