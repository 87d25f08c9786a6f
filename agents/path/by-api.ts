// A path for someone who asks by the API: a PacketPath, in the API server's process. The composition root hands this to the server.
import { isIP } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PathAsked } from '../../controlplane/api/packet-path';
import { BadRequest, describeError, type FieldCause, Invalid } from '../../controlplane/base/errors';
import type { PathReport } from '../../controlplane/base/path-report';
import type { Client } from '../../controlplane/client/client';
import { refusedRange } from '../../dataplane/ingress/destination';
import { ClusterReader } from './cluster';
import type { PathDeps, PathQuestion } from './deps';
import { lookUp } from './look-up';
import { ownAddress } from './own-address';
import { findPath } from './path';
import { readFrom, readTo } from './question';
import { withRole } from './refusal';
import { findWith, propose } from './what-if';

/** As the API server's PathCaller. */
export interface Caller {
  readonly client: Client;
  readonly address?: string;
  readonly domain: string;
  /** One document, bounded and off the event loop. @throws BadRequest */
  readonly yamlToJson: (text: string) => Promise<string>;
}

/**
 * `outside` is the machine that the request comes from. A request over loopback comes from this machine, so its own address towards the
 * nodes is meant, and its own names. No probe is ever sent from here: a user would let the API server connect to addresses of the user's
 * choice, past its firewall. Where the machine is a node, its kubelet sends instead. @throws Invalid, NotFound, Forbidden
 */
export async function findByApi(
  asked: PathAsked,
  { client, address, domain, yamlToJson }: Caller,
): Promise<PathReport> {
  const question = readQuestion(asked);
  const cluster = new ClusterReader(client);
  const isHere = address !== undefined && refusedRange(address) === 'loopback';
  const sender = async (node: string): Promise<string> => {
    if (address === undefined) throw new BadRequest('name the address of the sender in place of "outside"');
    return isHere ? ownAddress(node) : address;
  };
  const deps: PathDeps = {
    cluster,
    ...(asked.probe === false ? {} : { probes: { cluster } }),
    domain,
    ownAddress: sender,
    ...(isHere ? { lookUp } : {}),
  };
  const { whatIf, namespace = 'default' } = asked;
  const find = async () => {
    if (whatIf === undefined) return findPath(question, deps);
    const parse = async (document: string): Promise<unknown> => {
      // Many short documents must not hold the event loop together.
      await nextTurn();
      return JSON.parse(await yamlToJson(document));
    };
    const proposal = await propose({ manifests: [whatIf], parse, namespace }, cluster).catch((error: unknown) => {
      if (!(error instanceof BadRequest)) throw error;
      throw refused([{ reason: 'FieldValueInvalid', field: 'spec.whatIf', message: describeError(error) }]);
    });
    return findWith(question, proposal, deps);
  };
  return find().catch((error: unknown) => {
    // Of what is left to be wrong with a question that could be read, the destination is the reason: a port without a name, a name.
    if (error instanceof BadRequest) throw refused([causeOf('spec.to', asked.to, error)]);
    return withRole(error);
  });
}

/** @throws Invalid with each field that is wrong */
function readQuestion({ from, to, namespace = 'default', connectTo, family }: PathAsked): PathQuestion {
  const causes: FieldCause[] = [];
  const read = <T>(field: string, text: string, reader: () => T): T | undefined => {
    try {
      return reader();
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      causes.push(causeOf(field, text, error));
      return undefined;
    }
  };
  const sender = read('spec.from', from, () => readFrom(from, namespace));
  const destination = read('spec.to', to, () => readTo(to, namespace));
  if (connectTo !== undefined && isIP(connectTo) === 0) {
    causes.push(causeOf('spec.connectTo', connectTo, new BadRequest('expected an address')));
  }
  if (sender === undefined || destination === undefined || causes.length > 0) throw refused(causes);
  return {
    from: sender,
    to: destination,
    texts: { from, to },
    ...(connectTo === undefined ? {} : { connectTo }),
    ...(family === undefined ? {} : { family }),
  };
}

const causeOf = (field: string, text: string, error: BadRequest): FieldCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(text)}: ${describeError(error)}`,
});

const refused = (causes: readonly FieldCause[]): Invalid => new Invalid('the question cannot be answered', causes);
