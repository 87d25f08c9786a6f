// What a node is asked about a packet, and what it answers: its hops, in the order in which the kernel takes them. Shared by the node
// (dataplane/hops), the API (api/hop-report.ts) and those who join the parts of several nodes to one way (controlplane/path).

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
  /** resolv.conf of the pod that sends. */
  readonly resolver?: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly ndots: number;
  };
}
