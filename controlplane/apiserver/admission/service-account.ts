// ServiceAccount: every pod gets an account and, unless it opts out, a volume with a token for the API, the cluster's CA and the
// namespace, mounted where client libraries look for them.
import { type Pod, pods, serviceAccounts } from '../../api/index';
import { initAndAppContainers } from '../../api/pods/facts';
import { podReferences } from '../../api/pods/references';
import { pathSegment } from '../../api/validation/names';
import { randomSuffix } from '../rest/metadata';
import { type OpenRule, refusal, type Write } from '../write/rule';
import { foreignEphemeralSecret, foreignSecret } from './mountable-secrets';
import { mirrorAnnotation } from './node-pods';
import { createsPod } from './pod-creation';

const volumePrefix = 'kube-api-access-';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** An hour and seven seconds, as upstream: readers of a token recognise the default by it. */
const tokenSeconds = 3607;

type Spec = NonNullable<Pod['spec']>;
type Volume = NonNullable<Spec['volumes']>[number];

const addsEphemeral = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'update' && kind.prefix === pods.prefix && subresource === 'ephemeralcontainers';

export const serviceAccount: OpenRule = ({ cache }) => ({
  name: 'ServiceAccount',
  concerns: (write) => createsPod(write) || addsEphemeral(write),
  mutate(write) {
    if (addsEphemeral(write)) return;
    const { namespace, object } = write;
    const { spec, metadata } = object as Pod;
    if (!spec) return;
    if (metadata?.annotations?.[mirrorAnnotation] !== undefined) {
      // The kubelet reads a mirror pod from a file, so the server must not change it.
      const why = mirrorRefusal(object as Pod);
      if (why !== undefined) throw refusal(write, why);
      return;
    }
    const account = spec.serviceAccountName || spec.serviceAccount || 'default';
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
    const found = cache.kind(serviceAccounts).get(`${namespace}/${account}`)?.object;
    if (!found) {
      const wrong = pathSegment(account);
      const why =
        wrong.length > 0
          ? `invalid resource name ${JSON.stringify(account)}: [${wrong.join(' ')}]`
          : `serviceaccount "${account}" not found`;
      throw refusal(write, `error looking up service account ${namespace}/${account}: ${why}`);
    }
    if ((spec.imagePullSecrets ?? []).length === 0 && found.imagePullSecrets && found.imagePullSecrets.length > 0) {
      spec.imagePullSecrets = found.imagePullSecrets.map((secret) => ({ ...secret }));
    }
    const wanted = spec.automountServiceAccountToken ?? found.automountServiceAccountToken ?? true;
    if (wanted) mountToken(spec);
  },
  /** Webhooks may have changed the pod since `mutate`. */
  validate(write) {
    const { spec, metadata } = write.object as Pod;
    if (!spec || metadata?.annotations?.[mirrorAnnotation] !== undefined) return;
    const account = cache.kind(serviceAccounts).get(`${write.namespace}/${spec.serviceAccountName}`)?.object;
    const why = account && (addsEphemeral(write) ? foreignEphemeralSecret : foreignSecret)(spec, account);
    if (why) throw refusal(write, why);
  },
});

/** Access that a mirror pod may not have. */
function mirrorRefusal(pod: Pod): string | undefined {
  if (pod.spec?.serviceAccountName || pod.spec?.serviceAccount)
    return 'a mirror pod may not reference service accounts';
  const references = podReferences(pod);
  if (references.some(({ resource }) => resource === 'secrets')) return 'a mirror pod may not reference secrets';
  return references.some(({ resource }) => resource === 'serviceaccounts')
    ? 'a mirror pod may not use ServiceAccountToken volume projections'
    : undefined;
}

function mountToken(spec: Spec): void {
  const missing = initAndAppContainers(spec).filter(
    (c) => !(c.volumeMounts ?? []).some((mount) => mount.mountPath === mountPath),
  );
  if (missing.length === 0) return;
  // A webhook may have added containers after the first pass of this rule.
  const mounted = spec.volumes?.find(({ name }) => name?.startsWith(volumePrefix))?.name;
  const name = mounted ?? `${volumePrefix}${randomSuffix()}`;
  for (const container of missing) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  }
  if (mounted === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}
