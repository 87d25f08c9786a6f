// `k8ts balancer`: one address for the API servers of a cluster. One per node, for its agents, and one on the host of a local cluster.
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../controlplane/base/clock';
import { BadRequest } from '../../controlplane/base/errors';
import type { Logger } from '../../controlplane/base/logger';
import { connect } from '../../controlplane/client/connect';
import { loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { writePrivate } from '../../controlplane/pki/files';
import { serveHealth } from '../../controlplane/process/health';
import { type CommandContext, defineCommand } from '../../controlplane/process/process';
import { ownAddresses } from '../../dataplane/link/own-addresses';
import { formatAddress, serverName } from './address';
import { Balancer } from './balancer';
import { followServers } from './follow';
import { learn, type Members, parseMembers, renderMembers, serversOf, withoutLoops } from './members';
import { BalancerMetrics } from './metrics';
import { options } from './options';

type Context = CommandContext<typeof options>;

export const command = defineCommand({
  name: 'balancer',
  summary: 'one address for several API servers',
  options,
  async run({ options, log, signal }: Context) {
    const ca = await readAuthority(options);
    let members = await readMembers(options, log);
    const metrics: BalancerMetrics = new BalancerMetrics(() => balancer.servers());
    const { maxConnections } = options;
    const balancer = new Balancer({ ca, maxConnections }, { clock: systemClock, log, metrics });
    const own = ownAddresses();
    const use = () => balancer.use(withoutLoops(serversOf(members), options.listen, own()));
    use();
    signal.addEventListener('abort', () => balancer.close(), { once: true });
    for (const address of options.listen) {
      await balancer.listen(address, signal);
      log.info('listening', { address: formatAddress(address) });
    }
    const { healthzAddress: host, healthzPort: port } = options;
    const check = () => (balancer.isServing ? undefined : 'no API server is ready');
    await serveHealth({ host, port, check, metrics: () => metrics.render() }, signal);
    if (options.kubeconfig === '') return aborted(signal);
    const client = await connect(options.kubeconfig, { userAgent: 'k8ts-balancer' });
    let saving = Promise.resolve();
    const onList = (listed: readonly string[]) => {
      const learned = learn(members, listed);
      if (renderMembers(learned) === renderMembers(members)) return;
      members = learned;
      use();
      saving = saving.then(() => saveMembers(options.stateFile, members, log));
    };
    await followServers({ client, log, onList }, signal);
    await saving;
  },
});

/** @throws BadRequest */
async function readAuthority({ ca: path, kubeconfig }: Context['options']): Promise<string> {
  if (path !== '') return readFile(path, 'utf8');
  if (kubeconfig === '') throw new BadRequest('--ca or --kubeconfig is required: by it the servers are checked');
  const { ca } = await loadKubeconfig(kubeconfig);
  if (ca === undefined)
    throw new BadRequest(`--kubeconfig=${kubeconfig}: it names no certificate-authority; give --ca`);
  return ca;
}

/** What the last run learned, if there is a state file that can be read. */
async function readMembers({ servers: named, stateFile }: Context['options'], log: Logger): Promise<Members> {
  const none: Members = { named, listed: [], former: [] };
  if (stateFile === '') return none;
  try {
    return parseMembers(await readFile(stateFile, 'utf8'), named, serverName);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn('the state file is not readable; the servers of the options are used', { path: stateFile, error });
    return none;
  }
}

async function saveMembers(path: string, members: Members, log: Logger): Promise<void> {
  if (path === '') return;
  await writePrivate(path, renderMembers(members)).catch((error: unknown) => {
    log.warn('the list of servers is not stored; the next change tries again', { path, error });
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
