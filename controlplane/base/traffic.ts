// What a node reports of its traffic: connections, counters of its pods, and packets that rules stopped. All numbers only grow, from the
// start of the collector on: who reads twice has the rate. Shared by the node (dataplane/traffic), the API (api/node-traffic.ts) and the
// console (console/model).

export interface PacketsAndBytes {
  readonly packets: number;
  readonly bytes: number;
}

/** Connections with the same client address, destination and backend. */
export interface TrafficEdge {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** The client, as this node sees it. */
  readonly source: string;
  /** Where the client sent it; no port for ICMP. */
  readonly destination: { readonly address: string; readonly port?: number };
  /** Who answers, where a rule has changed the destination. */
  readonly backend?: { readonly address: string; readonly port?: number };
  /** The client's address as the backend sees it, where a rule has changed the source. */
  readonly translatedSource?: string;
  /** Connections that have begun. */
  readonly opened: number;
  /** Connections of now: those in which packets can still come. */
  readonly open: number;
  /** Connections of now that have had no answer yet (UNREPLIED, SYN_SENT). */
  readonly unanswered: number;
  /**
   * Connections of now whose packets the kernel does not count: those that began before it counted (`accounting`). `request` and `answer`
   * are without them, so an edge that has some may carry much and read as idle.
   */
  readonly uncounted: number;
  /** Of the connections that the kernel counts. */
  readonly request: PacketsAndBytes;
  readonly answer: PacketsAndBytes;
}

export interface PodTraffic {
  /** NAMESPACE/NAME */
  readonly pod: string;
  readonly addresses: readonly string[];
  /** As the pod sees it. */
  readonly received: PacketsAndBytes & { readonly dropped: number };
  readonly sent: PacketsAndBytes & { readonly dropped: number };
}

/** A rule that stops packets, and has stopped some. */
export interface StoppedTraffic extends PacketsAndBytes {
  readonly verdict: 'drop' | 'reject';
  /** `policy`: no NetworkPolicy allows it. `service`: a Service without endpoints, a refused source range. `other`: a rule of another program. */
  readonly cause: 'policy' | 'service' | 'other';
  /** NAMESPACE/NAME of the policies that select the pods, or of the Service; empty for `other`. */
  readonly objects: readonly string[];
  /** Of policies: ingress, at the receiver; egress, at the sender. */
  readonly direction?: 'ingress' | 'egress';
  /** Addresses of this node's pods that the rule is for; empty: not known. */
  readonly pods: readonly string[];
  /** The rule in the words of nft or iptables-save. */
  readonly rule: string;
}

/**
 * Who sends what rules of this node stop, or what its receiver refuses at once because nothing listens there. Counted while the collector
 * runs, and only while it does. Two directions at one pair of ends are two of them.
 */
export interface RefusedFlow {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** The sender, as this node sees it. */
  readonly source: string;
  /** As the sender wrote it: of a Service, the Service's address. */
  readonly destination: string;
  /** Who would have got it, where a rule has changed the destination. */
  readonly backend?: string;
  /** Of the receiver: of the backend, where there is one. No port for ICMP. */
  readonly port?: number;
  /**
   * `policy`: no NetworkPolicy allows it. `rule`: a rule of a Service (without endpoints, a refused source range), or one of another program.
   * `receiver`: its first answer says that nothing listens (a reset; of UDP, port unreachable).
   */
  readonly by: 'policy' | 'rule' | 'receiver';
  /** Of policies. Egress: the sender may not send it. Ingress: the receiver may not get it. */
  readonly direction?: 'ingress' | 'egress';
  /** Packets, not attempts: a connection that is refused sends its first packet again. Only grows. */
  readonly packets: number;
  /** NAMESPACE/NAME of the policies that select the pod; absent while they are not known. */
  readonly policies?: readonly string[];
  /** Of `rule`, where only one of `stopped` can be meant: its text, as it stands there. */
  readonly rule?: string;
  /** Of `rule`: NAMESPACE/NAME of the Service whose rule it is. */
  readonly services?: readonly string[];
}

/** Requests that the Ingress proxy of the node has answered, or whose client has left: an Ingress' rule, the Service behind it, and the pod. */
export interface IngressRequests {
  /** NAMESPACE/NAME */
  readonly ingress: string;
  /** NAMESPACE/NAME */
  readonly service: string;
  /** ADDRESS:PORT of the pod; absent: the Service had none. */
  readonly endpoint?: string;
  readonly requests: number;
  /** Those of them with a status of 500 and more, and those whose client left before the answer began. */
  readonly failed: number;
}

export interface NodeTrafficStatus {
  /** Another value: the counters have begun again. */
  readonly collector: string;
  /** Of the answer: microseconds, RFC 3339. */
  readonly time: string;
  /**
   * When each part was read. A part that costs much is read less often, and its last reading is answered meanwhile: who computes rates
   * divides by the difference of these times.
   */
  readonly readAt: {
    readonly connections: string;
    readonly pods: string;
    readonly stopped: string;
    readonly refused: string;
    readonly requests: string;
  };
  /** False: the kernel does not count packets of connections (nf_conntrack_acct). */
  readonly accounting: boolean;
  readonly connections: { readonly count: number; readonly max: number };
  /** At most 1,000, the largest first. When there are more, no source has more than 100 of these places. */
  readonly edges: readonly TrafficEdge[];
  readonly omittedEdges: number;
  readonly pods: readonly PodTraffic[];
  readonly stopped: readonly StoppedTraffic[];
  /** The most packets first, at most 500. */
  readonly refused: readonly RefusedFlow[];
  /** From the start of the proxy on; empty on a node without one. Connections that change their protocol do not count. */
  readonly requests: readonly IngressRequests[];
  /** What could not be read, each as one sentence. */
  readonly problems: readonly string[];
  /** CPU time of the collector since its start, and its age: the share that it costs. */
  readonly cost: { readonly cpuMs: number; readonly ageMs: number };
}
