// Certificates by server name (SNI): exact host first, then the wildcard of one label. A name without a certificate is refused
// during the handshake: another host's certificate does not help a client.
import { createSecureContext, type SecureContext } from 'node:tls';

export interface TlsInput {
  /** Lower-case hosts, `*.` wildcards allowed. */
  readonly hosts: readonly string[];
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** namespace/name of the Secret, for messages. */
  readonly secret: string;
}

export interface TlsTable {
  readonly contexts: ReadonlyMap<string, SecureContext>;
  /** Secrets without a usable pair, and why. */
  readonly broken: readonly { readonly secret: string; readonly reason: string }[];
}

/** When two Secrets have one host, the first of `inputs` wins. */
export function compileTls(inputs: readonly TlsInput[]): TlsTable {
  const contexts = new Map<string, SecureContext>();
  const broken: { secret: string; reason: string }[] = [];
  for (const { hosts, certificate, key, secret } of inputs) {
    try {
      const context = createSecureContext({ cert: certificate, key });
      for (const host of hosts) if (!contexts.has(host)) contexts.set(host, context);
    } catch (err) {
      broken.push({ secret, reason: err instanceof Error ? err.message : String(err) });
    }
  }
  return { contexts, broken };
}

export function contextFor(table: TlsTable, host: string): SecureContext | undefined {
  const lower = host.toLowerCase();
  const dot = lower.indexOf('.');
  return table.contexts.get(lower) ?? (dot > 0 ? table.contexts.get(`*${lower.slice(dot)}`) : undefined);
}
