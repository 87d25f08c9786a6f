// `k8ts path`: why a packet arrives, or does not.
import { parse } from 'yaml';
import { BadRequest } from '../../controlplane/base/errors';
import type { ProbeAsked } from '../../controlplane/base/hops';
import { connect } from '../../controlplane/client/connect';
import { contextNamespace } from '../../controlplane/client/kubeconfig';
import { defineCommand } from '../../controlplane/process/process';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { probe } from '../../dataplane/probe/probe';
import { ClusterReader } from './cluster';
import type { PathDeps } from './deps';
import { lookUp } from './look-up';
import { readManifestFiles } from './manifest-files';
import { pathOptions, shortForms } from './options';
import { ownAddress } from './own-address';
import { findPath } from './path';
import { readFrom, readTo } from './question';
import { withRole } from './refusal';
import schema from './schema.json';
import { renderSvg } from './svg';
import { renderReport } from './text';
import { findWith, propose } from './what-if';
import { asItWouldBe, renderWhatIf } from './what-if-text';

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

With --what-if the objects of a manifest stand in front of those that are there: the API server tries them out without storing them, each node
compiles the rules that it would write, and the packet goes through these. Then the output has the path as it is and as it would be.

Exit status 0: it arrives, or would; 1: it does not, or the question could not be answered; 2: that is not sure, or it arrives, but not well.

examples:
  k8ts path deploy/shop svc/cart:http
  k8ts path shop/web-0 cart.shop:80 --output wide
  k8ts path outside http://shop.local/cart
  k8ts path deploy/shop svc/cart --output svg >path.svg
  k8ts path deploy/shop svc/cart --what-if -f policy.yaml
  k8ts path deploy/shop svc/cart --what-if --without networkpolicy/deny
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
    const { output, kubeconfig, clusterDomain, filename, without } = options;
    if (options.whatIf !== filename.length + without.length > 0)
      throw new BadRequest('--what-if goes with --filename or --without: what would be so; see k8ts path --help');
    const namespace = options.namespace || (await contextNamespace(kubeconfig));
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
    const deps: PathDeps = {
      cluster,
      ...(options.probe ? { probes: { cluster, ...(isHere ? { sendHere } : {}) } } : {}),
      domain: clusterDomain,
      ownAddress,
      lookUp,
    };
    const manifests = await readManifestFiles(filename, process.stdin);
    const find = async () =>
      options.whatIf
        ? findWith(question, await propose({ manifests, parse: parseYaml, without, namespace }, cluster), deps)
        : findPath(question, deps);
    const report = await find().catch(withRole);
    if (output === 'json') process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else if (output === 'svg') process.stdout.write(renderSvg(asItWouldBe(report)));
    else {
      const colour = options.color === 'always' || (options.color === 'auto' && process.stdout.isTTY === true);
      const width = process.stdout.isTTY ? Math.max(60, process.stdout.columns) : 120;
      const style = { details: output === 'wide', colour, width };
      process.stdout.write(renderReport(report, style));
      if (report.whatIf) process.stdout.write(renderWhatIf(report, report.whatIf, style));
    }
    process.exitCode = exitCodes[(report.whatIf ?? report).verdict.works];
  },
});

const exitCodes = { yes: 0, no: 1, unsure: 2 } as const;

/** @throws BadRequest */
function parseYaml(document: string): unknown {
  try {
    return parse(document);
  } catch (cause) {
    if (cause instanceof RangeError) throw new BadRequest('the manifest is nested too deep', { cause });
    const [first] = (cause as Error).message.split('\n');
    throw new BadRequest(`the manifest is no YAML: ${first}`, { cause });
  }
}
