// `k8ts ingress`: one per node. Routes HTTP and HTTPS requests at the node's address to pods, as the Ingress objects say.
// While the API server cannot be reached, it serves the last state.
import { secrets } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { connect } from '../../controlplane/client/connect';
import { LiveObjects } from '../../controlplane/client/live-objects';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { nameServersIn, readHostResolvConf } from '../../dataplane/dns/resolv-conf';
import { Names } from '../../dataplane/ingress/names';
import { IngressServer } from '../../dataplane/ingress/server';
import { ownAddresses } from '../../dataplane/link/own-addresses';
import { IngressController, surroundings } from './controller';
import { failureLog } from './failure-log';
import { openInformers } from './informers';
import { options } from './options';
import { refusedByName } from './reach';
import { readHosts, resolveByAny, resolveWith } from './resolve';

/** How long running requests may take to finish when the process stops. */
const drainMs = 10_000;

export const command = defineCommand({
  name: 'ingress',
  summary: 'route HTTP and HTTPS to pods by the Ingress objects',
  options,
  async run({ options, log, signal }) {
    const client = await connect(options.kubeconfig);
    const answers = new Map<number, number>();
    const informers = openInformers(client, log);
    const facts = { ...informers, ownAddresses: ownAddresses(), refusedRanges: options.refusedRanges };
    const around = surroundings(facts);
    const { clusterDomain, clusterDns, nodeIp, resolvConf } = options;
    const servers = nameServersIn(await readHostResolvConf(resolvConf));
    const resolve = resolveWith({
      clusterDomain,
      cluster: resolveByAny(clusterDns.length > 0 ? clusterDns : [nodeIp]),
      node: resolveByAny(servers),
      hosts: readHosts,
    });
    const names = new Names(resolve);
    const server = new IngressServer({
      host: options.bindAddress,
      httpPort: options.httpPort,
      httpsPort: options.httpsPort,
      limits: { maxHeaderBytes: options.maxHeaderBytes, maxConnections: options.maxConnections },
      dialing: {
        lookup: (name) => names.lookup(name),
        refuse: (address, port) => refusedByName(around, address, port),
      },
      onFailure: failureLog(log),
      onAnswer: (status) => answers.set(status, (answers.get(status) ?? 0) + 1),
    });
    const tlsSecrets = new LiveObjects({ client, log, clock: systemClock }, secrets);
    const controller = new IngressController({
      client,
      server,
      log,
      nodeName: options.nodeName,
      className: options.ingressClass,
      secrets: tlsSecrets,
      clock: systemClock,
      ...facts,
    });
    const ports = await server.listen();
    log.info('listening', ports);
    await serveHealth(
      {
        host: '127.0.0.1',
        port: options.healthzPort,
        check: () => (controller.configured ? undefined : 'waiting for the first list of Ingresses'),
        metrics: () => renderMetrics(answers),
      },
      signal,
    );
    const running = Object.values(informers).map((informer) => informer.run(signal));
    try {
      await Promise.all([...running, controller.run(signal)]);
    } finally {
      tlsSecrets.close();
      await server.close(drainMs);
    }
  },
});

function renderMetrics(answers: ReadonlyMap<number, number>): string {
  const lines = [...answers]
    .sort(([a], [b]) => a - b)
    .map(([code, n]) => `k8ts_ingress_requests_total{code="${code}"} ${n}\n`);
  return `# HELP k8ts_ingress_requests_total Requests answered, by status.\n# TYPE k8ts_ingress_requests_total counter\n${lines.join('')}`;
}
