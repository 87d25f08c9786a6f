// `k8ts ingress`: one per node. Routes HTTP and HTTPS requests at the node's address to pods, as the Ingress objects say.
// While the API server cannot be reached, it serves the last state, also that of the last process.
import { secrets } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import type { Logger } from '../../controlplane/base/logger';
import { connect } from '../../controlplane/client/connect';
import { LiveObjects } from '../../controlplane/client/live-objects';
import { serveHealth } from '../../controlplane/process/health';
import { defineCommand } from '../../controlplane/process/process';
import { Names } from '../../dataplane/ingress/names';
import { type Answered, IngressServer } from '../../dataplane/ingress/server';
import { ownAddresses } from '../../dataplane/link/own-addresses';
import { IngressController, surroundings } from './controller';
import { failureLog } from './failure-log';
import { openInformers } from './informers';
import { Answers } from './metrics';
import { type Options, options } from './options';
import { refusedByName, type Surroundings } from './reach';
import { RequestCounts } from './requests';
import { openResolver } from './resolve';

/** How long running requests may take to finish when the process stops. */
const drainMs = 10_000;

export const command = defineCommand({
  name: 'ingress',
  summary: 'route HTTP and HTTPS to pods by the Ingress objects',
  options,
  async run({ options, log, signal }) {
    const client = await connect(options.kubeconfig, { userAgent: 'k8ts-ingress' });
    const informers = openInformers(client, log, options.stateDir);
    const facts = { ...informers, ownAddresses: ownAddresses(), refusedRanges: options.refusedRanges };
    const answers = new Answers();
    const requests = new RequestCounts();
    const onAnswer = (answered: Answered) => {
      answers.count(answered.status);
      requests.count(answered);
    };
    const server = await openServer(options, surroundings(facts), onAnswer, log);
    const tlsSecrets = new LiveObjects({ client, log, clock: systemClock }, secrets);
    const controller = new IngressController({
      ...facts,
      client,
      server,
      log,
      nodeName: options.nodeName,
      className: options.ingressClass,
      secrets: tlsSecrets,
      clock: systemClock,
    });
    log.info('listening', await server.listen());
    const check = () => (controller.configured ? undefined : 'waiting for the first list of Ingresses');
    const metrics = () => answers.render();
    const streams = { '/requests': () => requests.lines() };
    await serveHealth({ host: '127.0.0.1', port: options.healthzPort, check, metrics, streams }, signal);
    try {
      await Promise.all([...Object.values(informers), controller].map((part) => part.run(signal)));
    } finally {
      tlsSecrets.close();
      await server.close(drainMs);
    }
  },
});

/** The server does not listen yet. `around` decides at each connection whether its address is allowed. */
async function openServer(
  options: Options,
  around: Surroundings,
  onAnswer: (answered: Answered) => void,
  log: Logger,
): Promise<IngressServer> {
  const names = new Names(await openResolver(options));
  return new IngressServer({
    host: options.bindAddress,
    httpPort: options.httpPort,
    httpsPort: options.httpsPort,
    limits: { maxHeaderBytes: options.maxHeaderBytes, maxConnections: options.maxConnections },
    dialing: {
      lookup: (name) => names.lookup(name),
      refuse: (address, port) => refusedByName(around, address, port),
    },
    onFailure: failureLog(log),
    onAnswer,
  });
}
