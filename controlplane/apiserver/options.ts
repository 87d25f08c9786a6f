// What the API server is opened with: options of its user, and the parts that it builds on.
import type { Catalog } from '../api/catalog';
import type { SchemaSet } from '../api/schema/schema-set';
import type { Clock } from '../base/clock';
import type { Logger } from '../base/logger';
import type { AuthenticationOptions, AuthorizationOptions, IssuerOptions } from './access';
import type { PodSecurityConfig } from './admission/pod-security/config';
import type { AuditOptions } from './audit/open';
import type { FrontProxyConfig } from './authn/front-proxy';
import type { OpenCache } from './cache/open';
import type { LimitOptions } from './flowcontrol/options';
import type { PublicPages } from './http/public-pages';
import type { FindPath } from './packet-path/path-finder';
import type { ServedKinds } from './served-kinds';
import type { ResourceServer } from './servers/server';
import type { Address } from './webhooks/service-address';
import type { OpenRule } from './write/rule';

/** PEM texts. */
export interface ApiServerKeys {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly kubeletClientCertificate: string;
  readonly kubeletClientKey: string;
  /** The authority of the next certificate: aggregated API servers trust it to name users. */
  readonly proxyCa: string;
  readonly proxyClientCertificate: string;
  readonly proxyClientKey: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
}
export type ServerCertificates = Omit<ApiServerKeys, 'serviceAccountKey' | 'serviceAccountPublicKey'>;
export interface ApiServerOptions {
  readonly bindAddress: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  readonly advertiseAddress: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  readonly keys: ApiServerKeys;
  /** Text of a static token file; see parseTokenFile. */
  readonly tokenFile?: string;
  /** Servers whose headers name users. */
  readonly frontProxy?: FrontProxyConfig;
  readonly issuer?: IssuerOptions;
  readonly authentication?: AuthenticationOptions;
  readonly authorization?: AuthorizationOptions;
  readonly audit?: AuditOptions;
  /** Users may log in to the console: serves console.k8ts.io. Default: false. */
  readonly console?: boolean;
  readonly podSecurity?: PodSecurityConfig;
  /** Other parts in this process, by their names in componentstatuses: scheduler, controller-manager. Default: none. */
  readonly localComponents?: readonly string[];
  readonly limits?: LimitOptions;
  /** Default: externalIPs of Services are refused. */
  readonly allowServiceExternalIps?: boolean;
  /** Default: true. False: an object gets managedFields at its first server-side apply. */
  readonly ownersFromCreate?: boolean;
}
export interface ApiServerDeps {
  readonly catalog: Catalog;
  readonly schemas: SchemaSet;
  readonly cache: OpenCache;
  /** Why the store takes no writes now, for all to read. Absent: it has no troubles. */
  readonly writeProblem?: () => string | undefined;
  /** Serves the kinds of CustomResourceDefinitions; of the same catalog and cache. */
  readonly kinds: ServedKinds;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
  /** Where the address of a pod is reached, for pods/proxy and services/proxy; default: at the address. */
  readonly routeToPods?: (address: Address) => Address;
  /** The rules that every write passes; default: writeOrder. */
  readonly rules?: readonly OpenRule[];
  /** Further parts of the API, for paths of no kind of the catalog; default: none. */
  readonly servers?: readonly ResourceServer[];
  /** Files for everyone, such as the console's; default: none. */
  readonly pages?: PublicPages;
  /** Answers packetpaths; absent: they are not served. */
  readonly findPath?: FindPath;
}
