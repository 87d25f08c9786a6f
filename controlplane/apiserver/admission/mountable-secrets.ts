// Pods of an annotated ServiceAccount may use only the Secrets that the account names. A part of upstream's plug-in ServiceAccount. Pure.
import type { Pod, ServiceAccount } from '../../api/index';
import { mountableSecretsAnnotation } from '../../api/service-account';

type Spec = NonNullable<Pod['spec']>;
type Container = Spec['containers'][number];

/** Go's strconv.ParseBool. */
const isTrue = (text: string | undefined): boolean => /^(1|t|T|true|TRUE|True)$/.test(text ?? '');

/** Why the pod is refused. */
export function foreignSecret(spec: Spec, account: ServiceAccount): string | undefined {
  const { name = '', annotations } = account.metadata ?? {};
  if (!isTrue(annotations?.[mountableSecretsAnnotation])) return undefined;
  const secrets = new Set((account.secrets ?? []).map((secret) => secret.name));
  const because = `is not allowed because service account ${name} does not reference that`;
  for (const { secret } of spec.volumes ?? []) {
    if (secret && !secrets.has(secret.secretName)) {
      return `volume with secret.secretName="${secret.secretName ?? ''}" ${because} secret`;
    }
  }
  const env =
    foreignVariable('init container', spec.initContainers, secrets) ??
    foreignVariable('container', spec.containers, secrets);
  if (env) return `${env} ${because} secret`;
  const pullSecrets = new Set((account.imagePullSecrets ?? []).map((secret) => secret.name));
  const foreign = (spec.imagePullSecrets ?? []).findIndex((secret) => !pullSecrets.has(secret.name));
  if (foreign < 0) return undefined;
  return `imagePullSecrets[${foreign}].name="${spec.imagePullSecrets![foreign]!.name ?? ''}" ${because} imagePullSecret`;
}

function foreignVariable(
  word: string,
  containers: readonly Container[] = [],
  secrets: ReadonlySet<string | undefined>,
): string | undefined {
  for (const { name, env = [] } of containers) {
    for (const variable of env) {
      const secret = variable.valueFrom?.secretKeyRef?.name;
      if (secret === undefined || secrets.has(secret)) continue;
      return `${word} ${name} with envVar ${variable.name} referencing secret.secretName="${secret}"`;
    }
  }
  return undefined;
}
