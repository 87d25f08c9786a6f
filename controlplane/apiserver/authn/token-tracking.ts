// Since which day this server records the use of tokens of Secrets: the ConfigMap
// kube-system/kube-apiserver-legacy-service-account-token-tracking. A controller that cleans up such tokens deletes none that may have been
// used before that day. Source: KEP-2799.
import type { ConfigMap } from '../../api/config-map';
import { isDay, tokenTrackingName } from '../../api/service-account-token';

/** A date that is there stays, since the use of tokens is recorded from that day on. Text that is no date becomes today. */
export function tokenTracking(nowMs: number, found?: ConfigMap): ConfigMap {
  const since = found?.data?.since;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: tokenTrackingName, namespace: 'kube-system', ...found?.metadata },
    data: { ...found?.data, since: isDay(since) ? since : new Date(nowMs).toISOString().slice(0, 10) },
  };
}
