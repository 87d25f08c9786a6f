// path.k8ts.io/v1alpha1: questions about packets; nothing is stored. Two kinds are questions to a node, which the API server passes to its
// kubelet: to look at a node's rules is less than to send packets from it. The third asks for a whole way, as `k8ts path` does.
import type { HopAnswer, HopQuestion, HopWhatIf, ProbeDone, ProbeOrder } from '../base/hops';
import type { PathReport } from '../base/path-report';
import { defineKind, type KindOptions } from './kind';
import type { Definition } from './schema/schema';
import type { KubeObject } from './types';

/** `hops` of a node: what it would do with packets. */
export interface HopReport extends KubeObject {
  readonly spec: {
    readonly nodeName: string;
    readonly questions: readonly HopQuestion[];
    readonly whatIf?: HopWhatIf;
  };
  readonly status?: { readonly answers: readonly (HopAnswer | { readonly error: string })[] };
}

/** Packets that a node sends, and watches. */
export interface PacketProbe extends KubeObject {
  readonly spec: { readonly nodeName: string } & ProbeOrder;
  readonly status?: ProbeDone;
}

/** The words of `k8ts path FROM TO`. */
export interface PathAsked {
  readonly from: string;
  readonly to: string;
  /** Of names without one; default: `default`. */
  readonly namespace?: string;
  readonly connectTo?: string;
  readonly family?: 4 | 6;
  /** Default: true. */
  readonly probe?: boolean;
  /** A manifest, YAML or JSON: the answer has the path as it would be, too. */
  readonly whatIf?: string;
}

/** The whole way of a packet. */
export interface PacketPath extends KubeObject {
  readonly spec: PathAsked;
  readonly status?: PathReport;
}

const shared = {
  group: 'path.k8ts.io',
  version: 'v1alpha1',
  namespaced: false,
  verbs: ['create'],
} satisfies Partial<KindOptions<KubeObject>>;

const nodeName = { type: 'string', description: 'The node that is asked.', minLength: 1 } as const;
const answer: Definition = {
  type: 'object',
  description: 'What the node answers.',
  'x-kubernetes-preserve-unknown-fields': true,
};
const text = { type: 'string', maxLength: 2_048 } as const;
const port = { type: 'integer', minimum: 1, maximum: 65_535 } as const;
const end: Definition = { type: 'object', properties: { address: text, port }, required: ['address'] };

const anyObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const satisfies Definition;
const objects = (description: string): Definition => ({ type: 'array', description, items: anyObject });
const keys = (description: string): Definition => ({ type: 'array', description, items: text });
const whatIf: Definition = {
  type: 'object',
  description:
    'Objects as they would be. The node answers with the rules that its kube-proxy would write then; nothing is written.',
  properties: {
    services: {
      type: 'array',
      description: 'Services that would change, each with all of its EndpointSlices.',
      items: {
        type: 'object',
        properties: { service: anyObject, slices: { type: 'array', items: anyObject } },
        required: ['service', 'slices'],
      },
    },
    policies: objects('NetworkPolicies that would change.'),
    pods: objects('Pods that would change, as far as policies see them.'),
    namespaces: objects('Namespaces whose labels would change.'),
    gone: {
      type: 'object',
      description: 'NAMESPACE/NAME of objects that would no longer be there.',
      properties: { services: keys('Services.'), policies: keys('NetworkPolicies.'), pods: keys('Pods.') },
    },
  },
};

export const hopReports = defineKind<HopReport>({
  ...shared,
  kind: 'HopReport',
  plural: 'hopreports',
  schema: {
    definition: {
      type: 'object',
      description:
        'Asks a node what it does with packets: each rule, route, link and socket on their way. It sends nothing.',
      properties: {
        spec: {
          type: 'object',
          properties: {
            nodeName,
            questions: {
              type: 'array',
              description: 'One for each packet.',
              minItems: 1,
              maxItems: 16,
              items: {
                type: 'object',
                properties: {
                  packet: {
                    type: 'object',
                    description: 'Its addresses as the node sees it arrive. Without a source the sender has its own.',
                    properties: {
                      protocol: { ...text, enum: ['tcp', 'udp', 'sctp', 'icmp'] },
                      source: text,
                      destination: text,
                      sourcePort: port,
                      destinationPort: port,
                    },
                    required: ['protocol', 'destination'],
                  },
                  from: {
                    type: 'object',
                    description: 'Where it comes from: a pod of the node, the node itself, or another machine.',
                    properties: {
                      kind: { ...text, enum: ['pod', 'node', 'machine'] },
                      pod: { ...text, description: 'NAMESPACE/NAME' },
                      address: { ...text, description: 'Of the other machine.' },
                      tunnel: { type: 'boolean', description: 'It comes by the tunnel between nodes.' },
                    },
                    required: ['kind'],
                  },
                  endpoint: { ...text, description: 'Of several endpoints the one to follow: ADDRESS:PORT.' },
                  answer: {
                    type: 'object',
                    description: 'The packet is an answer: what connection tracking restores of its addresses.',
                    properties: { source: end, destination: end },
                  },
                },
                required: ['packet', 'from'],
              },
            },
            whatIf,
          },
          required: ['nodeName', 'questions'],
        },
        status: answer,
      },
      required: ['spec'],
    },
  },
});

const origin: Definition = {
  type: 'object',
  properties: { kind: { ...text, enum: ['pod', 'node'] }, pod: { ...text, description: 'NAMESPACE/NAME' } },
  required: ['kind'],
};

export const packetProbes = defineKind<PacketProbe>({
  ...shared,
  kind: 'PacketProbe',
  plural: 'packetprobes',
  schema: {
    definition: {
      type: 'object',
      description: 'Lets a node send a few packets from itself or one of its pods, and watch them at its links.',
      properties: {
        spec: {
          type: 'object',
          properties: {
            nodeName,
            from: origin,
            delayMs: { type: 'integer', minimum: 0, maximum: 3_000, description: 'Before the first packet.' },
            requests: {
              type: 'array',
              description: 'Sent one after another.',
              maxItems: 8,
              items: {
                type: 'object',
                properties: {
                  protocol: { ...text, enum: ['tcp', 'udp', 'icmp', 'http', 'https'] },
                  address: { ...text, description: 'An address, not a name.' },
                  port,
                  sourcePort: port,
                  timeoutMs: { type: 'integer', minimum: 1, maximum: 5_000 },
                  size: {
                    type: 'integer',
                    minimum: 0,
                    maximum: 9_000,
                    description: 'Bytes, to find a path that loses large packets.',
                  },
                  http: {
                    type: 'object',
                    properties: { host: text, path: text, serverName: text },
                    required: ['host', 'path'],
                  },
                  dns: {
                    type: 'object',
                    description: 'With udp: the datagram asks this question.',
                    properties: { name: { type: 'string', maxLength: 254 }, type: { ...text, enum: ['A', 'AAAA'] } },
                    required: ['name', 'type'],
                  },
                },
                required: ['protocol', 'address', 'timeoutMs'],
              },
            },
            watch: {
              type: 'object',
              properties: {
                protocol: { ...text, enum: ['tcp', 'udp', 'icmp', 'icmpv6'] },
                addresses: { type: 'array', items: text, minItems: 1, maxItems: 64 },
                ports: { type: 'array', items: port, maxItems: 64 },
                ms: { type: 'integer', minimum: 1, maximum: 10_000 },
              },
              required: ['protocol', 'addresses', 'ms'],
            },
          },
          required: ['nodeName'],
        },
        status: answer,
      },
      required: ['spec'],
    },
  },
});

export const packetPaths = defineKind<PacketPath>({
  ...shared,
  kind: 'PacketPath',
  plural: 'packetpaths',
  schema: {
    definition: {
      type: 'object',
      description:
        'Asks why a packet arrives, or does not: each hop over all machines, and what stops it. The answer has what the caller may see.',
      properties: {
        spec: {
          type: 'object',
          properties: {
            from: {
              ...text,
              minLength: 1,
              description:
                'pod/NAME, NAMESPACE/POD, deploy/NAME, node/NAME, an address, or outside: the machine that asks.',
            },
            to: {
              ...text,
              minLength: 1,
              description:
                'svc/NAME[:PORT], pod/NAME:PORT, node/NAME:PORT, ADDRESS:PORT, a DNS name with :PORT, each with /udp if it is not TCP; or a URL.',
            },
            namespace: {
              type: 'string',
              maxLength: 63,
              pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
              description: 'Of names without one; absent: default.',
            },
            connectTo: { ...text, description: "The address for the URL's host, which is then not resolved." },
            family: { type: 'integer', enum: [4, 6], description: 'Of several addresses of the destination.' },
            probe: {
              type: 'boolean',
              description: 'False: nothing is sent. Absent: probes are sent, if the caller may create packetprobes.',
            },
            whatIf: {
              type: 'string',
              minLength: 1,
              // Characters; the finder counts bytes.
              maxLength: 262_144,
              description:
                'A manifest, YAML or JSON. The answer has the path as it would be, too: each object is tried out as the caller and nothing is stored.',
            },
          },
          required: ['from', 'to'],
        },
        status: { ...answer, description: 'The report, as `k8ts path --output json` prints it.' },
      },
      required: ['spec'],
    },
  },
});

/** Kinds that the API server adds to the catalog when it starts: they need the kubelets. */
export const packetPathKinds = [hopReports, packetProbes] as const;
