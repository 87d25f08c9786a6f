// Pods of an annotated ServiceAccount may use only the Secrets that the account names. A part of upstream's plug-in ServiceAccount. Pure.
import type { Pod, ServiceAccount } from '../../api/index';
import { mountableSecretsAnnotation } from '../../api/service-account';

type Spec = NonNullable<Pod['spec']>;
type Container = Pick<Spec['containers'][number], 'name' | 'env'>;

/** Go's strconv.ParseBool. */
const isTrue = (text: string | undefined): boolean => /^(1|t|T|true|TRUE|True)$/.test(text ?? '');

const isEnforced = ({ metadata }: ServiceAccount): boolean =>
  isTrue(metadata?.annotations?.[mountableSecretsAnnotation]);
const secretsOf = ({ secrets = [] }: ServiceAccount): ReadonlySet<string | undefined> =>
  new Set(secrets.map(({ name }) => name));
const becauseOf = ({ metadata }: ServiceAccount): string =>
  `is not allowed because service account ${metadata?.name ?? ''} does not reference that`;

/** Why ephemeral containers are refused. */
export function foreignEphemeralSecret({ ephemeralContainers }: Spec, account: ServiceAccount): string | undefined {
  if (!isEnforced(account)) return undefined;
  const env = foreignVariable('ephemeral container', ephemeralContainers, secretsOf(account));
  return env && `${env} ${becauseOf(account)} secret`;
}

/** Why a new pod is refused. */
export function foreignSecret(spec: Spec, account: ServiceAccount): string | undefined {
  if (!isEnforced(account)) return undefined;
  const secrets = secretsOf(account);
  const because = becauseOf(account);
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
