// The desired signatures of kube-public/cluster-info: one for each bootstrap token that signs. Pure.
import type { BootstrapToken } from '../../api/bootstrap-token';
import { isSignedWith, kubeconfigKey, signatureKeyPrefix, signClusterInfo } from '../../pki/cluster-info';

type Data = Readonly<Record<string, string>>;

/** The desired data; the same object when nothing changes. */
export function planSignatures(data: Data, tokens: readonly BootstrapToken[], nowMs: number): Data {
  const kubeconfig = data[kubeconfigKey];
  const signing = kubeconfig === undefined ? [] : tokens.filter((token) => signs(token, nowMs));
  const desired = new Map(signing.map(({ id, secret }) => [`${signatureKeyPrefix}${id}`, { id, secret }]));
  const stale = Object.keys(data).filter((key) => key.startsWith(signatureKeyPrefix) && !desired.has(key));
  const missing = [...desired].filter(
    ([key, { id, secret }]) => !isSignedWith(kubeconfig!, data[key] ?? '', id, secret),
  );
  if (stale.length === 0 && missing.length === 0) return data;
  return {
    ...Object.fromEntries(Object.entries(data).filter(([key]) => !stale.includes(key))),
    ...Object.fromEntries(missing.map(([key, { id, secret }]) => [key, signClusterInfo(kubeconfig!, id, secret)])),
  };
}

/** A token that has expired signs nothing. */
const signs = ({ usages, expiresAtMs, problem }: BootstrapToken, nowMs: number): boolean =>
  problem === undefined && usages.includes('signing') && (expiresAtMs === undefined || expiresAtMs > nowMs);

/** When the next token that signs expires, in ms from now; undefined when none expires. */
export function nextEndMs(tokens: readonly BootstrapToken[], nowMs: number): number | undefined {
  const ends = tokens.flatMap((token) =>
    signs(token, nowMs) && token.expiresAtMs !== undefined ? [token.expiresAtMs - nowMs] : [],
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
