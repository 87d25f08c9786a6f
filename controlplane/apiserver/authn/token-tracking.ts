// Since which day this server records the use of tokens of Secrets: the ConfigMap
// kube-system/kube-apiserver-legacy-service-account-token-tracking. A controller that cleans up such tokens deletes none that may have been
// used before that day. Source: KEP-2799.
import type { ConfigMap } from '../../api/config-map';

export const tokenTrackingName = 'kube-apiserver-legacy-service-account-token-tracking';

/** The form of upstream: 2006-01-02. Days that do not exist are no dates. */
function isDate(text: string | undefined): boolean {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** A date that is there stays, since the use of tokens is recorded from that day on. Text that is no date becomes today. */
export function tokenTracking(nowMs: number, found?: ConfigMap): ConfigMap {
  const since = found?.data?.since;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: tokenTrackingName, namespace: 'kube-system', ...found?.metadata },
    data: { ...found?.data, since: isDate(since) ? since! : new Date(nowMs).toISOString().slice(0, 10) },
  };
}
