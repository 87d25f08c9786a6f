// The zone's input and output: small plain records. This file knows neither API objects nor the wire format.

/** One Service. Keys are `namespace/name`. */
export interface ServiceInput {
  readonly namespace: string;
  readonly name: string;
  /** cluster: has addresses of its own; headless: its records are those of its endpoints; external: an alias of another name. */
  readonly kind: 'cluster' | 'headless' | 'external';
  /** Cluster addresses, of either family. */
  readonly addresses: readonly string[];
  readonly ports: readonly PortInput[];
  /** Without a trailing dot; only for external. */
  readonly externalName?: string;
}
export interface PortInput {
  /** '' when the port has no name. */
  readonly name: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly port: number;
}

/** Ready endpoints of one Service; a Service may have several of these records. */
export interface EndpointsInput {
  /** `namespace/name` of the Service. */
  readonly service: string;
  readonly endpoints: readonly EndpointInput[];
  readonly ports: readonly PortInput[];
}
export interface EndpointInput {
  readonly addresses: readonly string[];
  readonly hostname?: string;
}

export interface PodInput {
  readonly namespace: string;
  readonly addresses: readonly string[];
}

interface Owned {
  /** Without a trailing dot. */
  readonly name: string;
  readonly ttl: number;
}
export type DnsRecord = Owned &
  (
    | { readonly type: 'A' | 'AAAA'; readonly address: string }
    | { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly target: string }
    | {
        readonly type: 'SRV';
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      }
    | { readonly type: 'TXT'; readonly text: string }
    | { readonly type: 'HINFO'; readonly cpu: string; readonly os: string }
    | {
        readonly type: 'SOA';
        readonly primary: string;
        readonly admin: string;
        readonly serial: number;
        readonly refresh: number;
        readonly retry: number;
        readonly expire: number;
        readonly minimum: number;
      }
  );

/** Types of the zone's records; for an existing name, a query for any other type gets NODATA. */
export type RecordType = DnsRecord['type'];

export interface Answer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  /** The target of an alias that leads out of the zone: an upstream server must resolve the rest. */
  readonly chase?: string;
}
