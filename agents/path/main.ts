// `k8ts path`: why a packet arrives, or does not.
import { BadRequest } from '../../controlplane/base/errors';
import type { ProbeAsked } from '../../controlplane/base/hops';
import { connect } from '../../controlplane/client/connect';
import { defineCommand } from '../../controlplane/process/process';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { probe } from '../../dataplane/probe/probe';
import { ClusterReader } from './cluster';
import { lookUp } from './look-up';
import { pathOptions, shortForms } from './options';
import { ownAddress } from './own-address';
import { findPath } from './path';
import { readFrom, readTo } from './question';
import { withRole } from './refusal';
import schema from './schema.json';
import { renderSvg } from './svg';
import { renderReport } from './text';

export const command = defineCommand({
  name: 'path',
  summary: 'show the way of a packet through the cluster, and what stops it',
  options: pathOptions,
  arguments: 'FROM TO',
  tool: true,
  expand: shortForms,
  notes: `  FROM   pod/NAME, NAMESPACE/POD, deploy/NAME (its first running pod), node/NAME, an address, or outside (this machine)
  TO     svc/NAME[:PORT], pod/NAME:PORT, node/NAME:PORT, ADDRESS:PORT, a DNS name as the sender writes it with :PORT,
         each with /udp if it is not TCP; or a URL, by way of the Ingress

Exit status 1: it does not arrive, or the question could not be answered; 0: it arrives, or that is not sure.

examples:
  k8ts path deploy/shop svc/cart:http
  k8ts path shop/web-0 cart.shop:80 --output wide
  k8ts path outside http://shop.local/cart
  k8ts path deploy/shop svc/cart --output svg >path.svg
`,
  async run({ options, positional, signal }) {
    if (options.schema) {
      process.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
      return;
    }
    const [from, to, ...more] = positional;
    if (from === undefined || to === undefined || more.length > 0) {
      throw new BadRequest('expected FROM and TO; see k8ts path --help');
    }
    const { namespace, output, kubeconfig, clusterDomain } = options;
    const question = {
      from: readFrom(from, namespace),
      to: readTo(to, namespace),
      texts: { from, to },
      ...(options.connectTo === '' ? {} : { connectTo: options.connectTo }),
    };
    const client = await connect(kubeconfig, { userAgent: 'k8ts-path' });
    const cluster = new ClusterReader(client);
    // Only this machine can send as itself.
    const isHere = question.from.kind === 'outside' && question.from.address === undefined;
    const sendHere = (request: ProbeAsked) => probe(ownNetns(), request, signal);
    const asked = findPath(question, {
      cluster,
      ...(options.probe ? { probes: { cluster, ...(isHere ? { sendHere } : {}) } } : {}),
      domain: clusterDomain,
      ownAddress,
      lookUp,
    });
    const report = await asked.catch(withRole);
    if (output === 'json') process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else if (output === 'svg') process.stdout.write(renderSvg(report));
    else {
      const colour = options.color === 'always' || (options.color === 'auto' && process.stdout.isTTY === true);
      const width = process.stdout.isTTY ? Math.max(60, process.stdout.columns) : 120;
      process.stdout.write(renderReport(report, { details: output === 'wide', colour, width }));
    }
    if (report.verdict.works === 'no') process.exitCode = 1;
  },
});
