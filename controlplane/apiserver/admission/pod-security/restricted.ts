// The controls that level restricted adds: the pod must drop every privilege it does not need.
import type { Volume } from '../../../api/pods/types';
import { procMount } from './baseline';
import {
  type Check,
  type Control,
  exceptUserNamespace,
  exceptWindows,
  named,
  namesOf,
  plural,
  quoted,
  setters,
  unique,
} from './control';
import { seccompRestricted } from './profiles';

const allowPrivilegeEscalation: Check = ({ containers }) => {
  const found = containers.filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (found.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${setters(false, found)} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

const capabilities: Check = ({ containers }) => {
  const kept = containers.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
  const added = (container: (typeof containers)[number]) =>
    (container.securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE');
  const adding = containers.filter((container) => added(container).length > 0);
  const names = quoted(unique(adding.flatMap(added)));
  const details = [
    ...(kept.length > 0 ? [`${setters(false, kept)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [`${setters(false, adding)} must not include ${names} in securityContext.capabilities.add`]
      : []),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const allowedVolumes = new Set<string>([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
] satisfies (keyof Volume)[]);

const volumeTypes: Check = ({ spec }) => {
  const typesOf = (volume: Volume) => Object.keys(volume).filter((key) => key !== 'name');
  const found = (spec.volumes ?? []).filter((volume) => !typesOf(volume).some((type) => allowedVolumes.has(type)));
  if (found.length === 0) return undefined;
  const types = unique(found.map((volume) => typesOf(volume)[0] ?? 'unknown'));
  const names = found.map(({ name }) => name ?? '');
  const what = `${plural(types.length, 'restricted volume type')} ${quoted(types)}`;
  const verb = plural(names.length, 'uses', 'use');
  return { reason: 'restricted volume types', detail: `${named('volume', names)} ${verb} ${what}` };
};

const runAsNonRoot: Check = ({ spec, containers }) => {
  const reason = 'runAsNonRoot != true';
  const pod = spec.securityContext?.runAsNonRoot;
  const rooted = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  const who = setters(pod === false, rooted);
  if (who !== '') return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  const silent = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (pod === true || silent.length === 0) return undefined;
  const names = named('container', namesOf(silent));
  return { reason, detail: `pod or ${names} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: Check = ({ spec, containers }) => {
  const rooted = containers.filter(({ securityContext }) => securityContext?.runAsUser === 0);
  const who = setters(spec.securityContext?.runAsUser === 0, rooted);
  return who === '' ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
};

/** Before 1.25 pods had no field that says they are for Windows. */
const spareWindows = (since: number, check: Check) => [
  { since, check },
  { since: 25, check: exceptWindows(check) },
];
/** User namespaces came out of alpha with 1.35. */
const spareUserNamespaces = (since: number, check: Check) => [
  { since, check },
  { since: 35, check: exceptUserNamespace(check) },
];

export const restrictedControls: readonly Control[] = [
  { id: 'allowPrivilegeEscalation', level: 'restricted', versions: spareWindows(8, allowPrivilegeEscalation) },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    replaces: 'capabilities_baseline',
    versions: spareWindows(22, capabilities),
  },
  // Baseline relaxed this check with 1.35; restricted keeps what both had.
  {
    id: 'procMount_restricted',
    level: 'restricted',
    replaces: 'procMount',
    versions: [{ since: 35, check: procMount }],
  },
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    replaces: 'hostPathVolumes',
    versions: [{ since: 0, check: volumeTypes }],
  },
  { id: 'runAsNonRoot', level: 'restricted', versions: spareUserNamespaces(0, runAsNonRoot) },
  { id: 'runAsUser', level: 'restricted', versions: spareUserNamespaces(23, runAsUser) },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    replaces: 'seccompProfile_baseline',
    versions: spareWindows(19, seccompRestricted),
  },
];
