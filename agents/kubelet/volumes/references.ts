// Which ConfigMaps and Secrets a pod needs, by volumes, environment and image pulls. Pure.
import { allContainers, type Pod } from '../../../controlplane/api';
import { contentOf } from './plugins/list';
import type { References } from './plugins/plugin';

/** Names in the pod's namespace, without repeats. */
export function podReferences(pod: Pod): References {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const take = (configMap: string | undefined, secret: string | undefined) => {
    if (configMap) configMaps.add(configMap);
    if (secret) secrets.add(secret);
  };
  for (const volume of pod.spec?.volumes ?? []) {
    const references = contentOf(volume)?.references;
    for (const name of references?.configMaps ?? []) take(name, undefined);
    for (const name of references?.secrets ?? []) take(undefined, name);
  }
  for (const container of allContainers(pod.spec ?? {})) {
    for (const from of container.envFrom ?? []) take(from.configMapRef?.name, from.secretRef?.name);
    for (const { valueFrom } of container.env ?? [])
      take(valueFrom?.configMapKeyRef?.name, valueFrom?.secretKeyRef?.name);
  }
  for (const { name } of pod.spec?.imagePullSecrets ?? []) take(undefined, name);
  return { configMaps: [...configMaps], secrets: [...secrets] };
}
