// POST of the kinds of path.k8ts.io: the question goes to the kubelet of the node that it names, the answer becomes the status.

import { validateValue } from '../../api/crd/validate-value';
import { nodes } from '../../api/node';
import { hopReports, packetProbes } from '../../api/packet-path';
import { BadRequest, describeError } from '../../base/errors';
import type { Cache } from '../cache/cache';
import type { KubeletProxy } from '../kubelet/proxy';
import { jsonReply, type Reply } from '../request';
import { type RestRequest, readObject } from '../rest/context';
import type { SubresourceHandler } from '../servers/kind-server';
import { invalid, notFound } from '../status';

interface PacketPathDeps {
  readonly kubelets: Pick<KubeletProxy, 'post'>;
  readonly cache: Cache;
}

interface NodeQuestion {
  readonly spec: { readonly nodeName: string };
}

/** By plural.group, for KindServer's virtual kinds. */
export const packetPathHandlers = (deps: PacketPathDeps): readonly (readonly [string, SubresourceHandler])[] => [
  [`hopreports.${hopReports.group}`, (rest) => ask(deps, rest, 'hops')],
  [`packetprobes.${packetProbes.group}`, (rest) => ask(deps, rest, 'probe')],
];

async function ask({ kubelets, cache }: PacketPathDeps, rest: RestRequest, what: string): Promise<Reply> {
  const { kind } = rest.route;
  const object = (await readObject(rest, kind)) as NodeQuestion & { readonly metadata?: object };
  const { schema } = kind.options;
  const causes = 'definition' in schema ? validateValue(object, schema.definition) : [];
  if (causes.length > 0) throw invalid(kind, '', causes);
  const { metadata = {}, spec } = object;
  if (cache.kind(nodes).get(spec.nodeName) === undefined) throw notFound(nodes, spec.nodeName);
  const { nodeName, ...question } = spec;
  const text = await kubelets.post(
    nodeName,
    `/path/${what}`,
    JSON.stringify(question),
    () => rest.request.isGone?.() ?? false,
  );
  const { kind: name, apiVersion } = kind;
  return jsonReply({ kind: name, apiVersion, metadata, spec, status: parsed(text, nodeName) }, 201);
}

function parsed(text: string, node: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadRequest(`the kubelet of node ${node} answered with something else than JSON: ${describeError(error)}`);
  }
}
