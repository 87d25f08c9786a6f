// Opens the HTTPS server with its dependencies, and the renewal of this node's certificates.
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { filesBeside } from '../../../controlplane/pki/node-files';
import { renderProcess } from '../../../controlplane/process/health';
import { startLineProgram } from '../../../dataplane/exec/line-program';
import { SystemExec } from '../../../dataplane/exec/system-exec';
import { ownNetns } from '../../../dataplane/netns/system-netns';
import { NftProgram } from '../../../dataplane/nftables/nft';
import { Accounting } from '../../../dataplane/traffic/accounting';
import { removeWatch } from '../../../dataplane/traffic/refusal-watch';
import { certificateEnds } from '../certificates/ends';
import { CertificateRenewer } from '../certificates/renewer';
import { ServingCertificate } from '../certificates/serving-certificate';
import type { Kubelet } from '../kubelet';
import type { MachineFacts } from '../node/facts';
import type { Options } from '../options';
import type { NodeEvent, Part } from '../part';
import type { ContainerRuntime } from '../runtime/runtime';
import { kubeletActivity, renderCertificateTtl } from '../stats/activity';
import { containerCounts } from '../stats/container-counts';
import { renderMetrics } from '../stats/exposition';
import type { NodeStats } from '../stats/node-stats';
import { volumeMetrics } from '../stats/volume-metrics';
import { createStreamingServer } from '../streaming/server';
import { Access } from './access/access';
import { configz } from './configz';
import { HealthSlis } from './health-slis';
import { serveKubelet } from './kubelet-server';
import { kubeletMetrics, shutdownMetrics } from './metrics';
import { networkPods } from './network-pods';
import { nodeLogDir } from './node-logs';
import { PacketPath } from './packet-path';
import { PodLookup } from './pod-lookup';
import { statsPages } from './stats-pages';
import { streamingHandlers } from './streaming-handlers';
import { Traffic } from './traffic';

interface OpenServerDeps {
  readonly options: Options;
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly kubelet: Pick<
    Kubelet,
    'pods' | 'records' | 'problem' | 'probeMetrics' | 'renderVolumeCounts' | 'shutdownTimes'
  >;
  readonly stats: NodeStats;
  readonly machine: MachineFacts;
  readonly nodeIps: readonly string[];
  readonly log: Logger;
  readonly report: NodeEvent;
}

/** Resolves when the server listens. It listens until the signal is aborted. The returned part renews the certificates. */
export async function openServer(deps: OpenServerDeps, signal: AbortSignal): Promise<Part> {
  const { options, client, runtime, kubelet, stats, machine, nodeIps, log, report } = deps;
  const { nodeName } = options;
  const { pods, records } = kubelet;
  const certificate = await ServingCertificate.open(options.pkiDir);
  const startedAtMs = systemClock.now() - process.uptime() * 1000;
  const lookup = new PodLookup(pods, records);
  const files = filesBeside(options.kubeconfig, options.pkiDir);
  const slis = new HealthSlis(() => kubelet.problem());
  const host = isIPv6(nodeIps[0]!) ? '::' : '0.0.0.0';
  // With all commands.
  const bundle = require.main?.filename ?? '';
  const traffic = new Traffic({
    program: [process.execPath, `--max-old-space-size=${maxTrafficHeapMb}`, bundle],
    nodeName,
    pods: () => networkPods(records).map(({ key, pid, addresses }) => ({ key, pid, addresses })),
    start: startLineProgram,
    accounting: new Accounting(ownNetns()),
    removeWatch: () => removeWatch(ownNetns(), new NftProgram(new SystemExec())),
    clock: systemClock,
    log: log.child('traffic'),
  });
  signal.addEventListener('abort', () => traffic.close(), { once: true });
  const server = {
    // The API server connects to the node's main address.
    host,
    port: options.port,
    certificate,
    access: new Access({ client, clock: systemClock, nodeName }),
    runtime,
    lookup,
    streaming: createStreamingServer({ handlers: streamingHandlers(runtime, lookup), log: log.child('streaming') }),
    stats: statsPages({ stats, runtime, machine, probes: kubelet.probeMetrics, startedAtMs }),
    packetPath: new PacketPath({
      program: [process.execPath, bundle],
      nodeName,
      records,
      resolvConf: (uid) => join(options.rootDir, 'pods', uid, 'resolv.conf'),
      hosts: (uid) => join(options.rootDir, 'pods', uid, 'etc-hosts'),
      exec: new SystemExec(),
    }),
    traffic,
    configz: () => configz({ options, address: host }),
    metrics: async () =>
      kubeletMetrics({ nodeName, records, pods: pods.list() }) +
      renderMetrics(volumeMetrics(await stats.claimVolumes())) +
      renderMetrics(shutdownMetrics(kubelet.shutdownTimes())) +
      lines(containerCounts.render()) +
      lines(kubeletActivity.render()) +
      lines(kubelet.renderVolumeCounts()) +
      lines(renderCertificateTtl(await certificateEnds(files), systemClock.now())) +
      renderProcess(),
    slis: () => slis.render(),
    problem: () => kubelet.problem(),
    logDir: nodeLogDir,
    clock: systemClock,
    log: log.child('server'),
  };
  await serveKubelet(server, signal);
  const renewer = new CertificateRenewer({
    client,
    clock: systemClock,
    log: log.child('certificates'),
    files,
    nodeName,
    nodeIps: () => nodeIps,
    served: () => certificate.reload(),
    report,
  });
  return {
    run: async (until) => {
      if (options.rotateCertificates) await renewer.run(until);
    },
  };
}

/** A table with 262,144 connections, each of another client, needs half of it; without a limit the heap grows before it is cleaned. */
const maxTrafficHeapMb = 256;

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
