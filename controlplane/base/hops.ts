// What a node is asked about a packet, and what it answers: its hops, in the order in which the kernel takes them. Shared by the node
// (dataplane/hops), the API (api/packet-path.ts) and those who join the parts of several nodes to one way (controlplane/path).

/** A packet as its IP and transport headers say. */
export interface HopPacket {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** '' in a question: the sender's own address. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface AddressAndPort {
  readonly address: string;
  readonly port?: number;
}

export interface HopQuestion {
  readonly packet: HopPacket;
  readonly from: HopOrigin;
  /** Of several endpoints this one is to be chosen: ADDRESS:PORT. */
  readonly endpoint?: string;
  /**
   * Present for the packet that answers: what connection tracking of this node undoes, because it translated the packet that the answer
   * belongs to.
   */
  readonly answer?: { readonly destination?: AddressAndPort; readonly source?: AddressAndPort };
}

/**
 * API objects as they would be, for a node that answers with the rules that kube-proxy would write then. Everything else on the node is as
 * it is.
 */
export interface HopWhatIf {
  /** Each with all of its EndpointSlices. */
  readonly services?: readonly { readonly service: object; readonly slices: readonly object[] }[];
  readonly policies?: readonly object[];
  readonly pods?: readonly object[];
  readonly namespaces?: readonly object[];
  /** NAMESPACE/NAME of what would no longer be there. */
  readonly gone?: {
    readonly services?: readonly string[];
    readonly policies?: readonly string[];
    readonly pods?: readonly string[];
  };
}

/** Where the packet comes from, as this node sees it. */
export type HopOrigin =
  /** A pod of this node. */
  | { readonly kind: 'pod'; readonly pod: string }
  /** A process of this node, or a pod with hostNetwork. */
  | { readonly kind: 'node' }
  /** Another machine; `tunnel`: by the overlay. */
  | { readonly kind: 'machine'; readonly address: string; readonly tunnel?: boolean };

export type HopKind =
  | 'name'
  | 'choice'
  | 'proxy'
  | 'interface'
  | 'hook'
  | 'routing'
  | 'neighbour'
  | 'tunnel'
  | 'socket'
  | 'machine'
  | 'probe';

/**
 * `passes`: the packet goes on. `stops`: it does not, for sure. `doubtful`: something here is not as it should be, and only a probe can
 * tell. `unknown`: this hop could not be judged.
 */
export type HopState = 'passes' | 'stops' | 'doubtful' | 'unknown';

export interface Hop {
  readonly kind: HopKind;
  /** `cni0`, `prerouting`, `eth0 of pod shop/web-0`. */
  readonly name: string;
  readonly state: HopState;
  /** What is true here, a short sentence each. */
  readonly facts: readonly string[];
  /** Of an interface: its name in its namespace, and the largest packet that it takes. */
  readonly link?: { readonly name: string; readonly mtu: number; readonly inPod: boolean };
  readonly rules?: readonly HopRule[];
  /** The packet after this hop, where it is another one than before. */
  readonly becomes?: HopPacket;
  readonly fault?: HopFault;
}

export interface HopRule {
  /** `nat K8TS-SERVICES:1` */
  readonly place: string;
  /** As iptables-save or nft prints it. */
  readonly rule: string;
  readonly verdict: string;
  /** `Service shop/web:http` */
  readonly objects: readonly string[];
  /** The program that writes rules with such names; absent: unknown. */
  readonly writer?: string;
  /** Packets that matched since the rule was written, where the rule counts. */
  readonly packets?: number;
  /** RFC 3339: when the newest of its objects was created or last changed. Nodes do not know it; who asks them adds it. */
  readonly since?: string;
  /** True where chance decides. */
  readonly byChance?: boolean;
}

export interface HopFault {
  /** A word that does not change: NoRoute, PolicyDenies. The table of all is in controlplane/path/README.md. */
  readonly code: string;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** What repairs it: a command, or an instruction. */
  readonly remedy?: string;
}

/** Where the packet is after this node's hops. */
export type HopEnd =
  | { readonly kind: 'stopped' }
  /** In the namespace of a pod of this node, at its socket. */
  | { readonly kind: 'pod'; readonly pod: string }
  /** With a process of this node. */
  | { readonly kind: 'node' }
  /** On its way to another machine. `machine`: the address of the next machine: of the gateway, or of the other end of the tunnel. */
  | {
      readonly kind: 'machine';
      readonly machine: string;
      readonly link: string;
      readonly tunnel: boolean;
      /** The link address to which the frame goes, if the neighbour is known. */
      readonly mac?: string;
    };

export interface HopAnswer {
  readonly hops: readonly Hop[];
  readonly end: HopEnd;
  /** As it came, with the source that the sender has given it. */
  readonly sent: HopPacket;
  /** As it leaves this node, or as its receiver sees it. */
  readonly packet: HopPacket;
  /** Links of this node by which machines reach it: name, link address, MTU. */
  readonly links: readonly { readonly name: string; readonly mac: string; readonly mtu: number }[];
  /**
   * UDP flows of this sender to this destination that the kernel knows already: a client that keeps its port keeps the translation,
   * whatever the rules say.
   */
  readonly flows?: readonly { readonly sourcePort: number; readonly to: string }[];
  /** resolv.conf of the pod that sends, and its hosts file, which is read before any server is asked. */
  readonly resolver?: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly ndots: number;
    /** `options use-vc`: names are asked by TCP alone. */
    readonly tcp?: true;
    readonly hosts?: readonly { readonly address: string; readonly names: readonly string[] }[];
  };
}

/** Packets that a node is to send, and whose way it is to watch at its links. */
export interface ProbeOrder {
  /** Where they are sent from; absent: the node only watches. */
  readonly from?: Exclude<HopOrigin, { readonly kind: 'machine' }>;
  /** Sent one after another. */
  readonly requests?: readonly ProbeAsked[];
  /** Before the first one, so that other nodes watch by then. */
  readonly delayMs?: number;
  readonly watch?: {
    readonly protocol: 'tcp' | 'udp' | 'icmp' | 'icmpv6';
    readonly addresses: readonly string[];
    readonly ports?: readonly number[];
    /** How long, if the node sends nothing itself. */
    readonly ms: number;
  };
}

/** As dataplane/probe takes it. */
export interface ProbeAsked {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'http' | 'https';
  readonly address: string;
  readonly port?: number;
  readonly sourcePort?: number;
  readonly timeoutMs: number;
  readonly size?: number;
  readonly http?: { readonly host: string; readonly path: string; readonly serverName?: string };
  /** With udp or tcp: what is sent is this question. */
  readonly dns?: { readonly name: string; readonly type: 'A' | 'AAAA' };
}

export interface ProbeCame {
  readonly outcome:
    | 'connected'
    | 'answered'
    | 'refused'
    | 'reset'
    | 'closed'
    | 'unreachable'
    | 'timeout'
    | 'tls'
    | 'failed';
  readonly connectMs?: number;
  readonly totalMs: number;
  readonly error?: string;
  readonly reportedBy?: string;
  readonly localPort?: number;
  readonly http?: { readonly status: number; readonly server?: string };
  /** Of the server. `validTo`: RFC 3339, or `unknown`. */
  readonly tls?: { readonly subject: string; readonly names: readonly string[]; readonly validTo?: string };
  /** Present when the answer is one of DNS to the question. `code`: NOERROR, NXDOMAIN, SERVFAIL. */
  readonly dns?: { readonly code: string; readonly addresses: readonly string[]; readonly truncated?: true };
}

export interface ProbeDone {
  readonly results: readonly ProbeCame[];
  /** Microseconds since 1970: when the node began to watch, and when it sent the first packet. */
  readonly watchesFromUs?: number;
  readonly sentAtUs?: number;
  readonly sightings: readonly Seen[];
  /** Packets that were seen, but not kept. */
  readonly lost: number;
}

/** A packet at a link of the node. */
export interface Seen {
  readonly link: string;
  readonly direction: 'in' | 'out';
  readonly atUs: number;
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly length: number;
  readonly flags?: readonly string[];
  readonly seq?: number;
  readonly ack?: number;
  readonly icmp?: {
    readonly type: number;
    readonly code: number;
    readonly mtu?: number;
    readonly echo?: { readonly id: number };
  };
  readonly tunnel?: { readonly source: string; readonly destination: string };
}
