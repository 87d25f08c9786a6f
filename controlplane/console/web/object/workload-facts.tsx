// A workload: its replicas as kubectl counts them, and why a rollout does not go on.
import { at, type KubeObject, listAt, selectorOf, textAt } from '../../model/objects';
import { isFailing, troubleOf } from '../../model/pod-state';
import { collectionPath, hashOf, type ObjectRoute, podsRef } from '../../model/routes';
import { useTexts } from '../app/context';
import { Toned } from '../parts/controls';
import { ToolLinks } from './service-facts';
import { Fact } from './summary-fact';
import { useList } from './use-list';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

/** Their boxes in the topology have the name of the kind. */
const drawn: ReadonlySet<string> = new Set(['StatefulSet', 'DaemonSet', 'Job', 'ReplicaSet']);

export function WorkloadParts({ route, object }: Props) {
  const t = useTexts();
  const { namespace, name } = route;
  const { kind = '', spec, status } = object;
  const labelSelector = selectorOf(kind, object);
  // Without a selector it would be all pods of the namespace.
  const path =
    labelSelector === '' ? '' : `${collectionPath(podsRef, namespace)}?${new URLSearchParams({ labelSelector })}`;
  const pods = useList(path) ?? [];
  const wanted = textAt(spec, 'replicas') || textAt(status, 'desiredNumberScheduled');
  const count = (...keys: readonly string[]) => keys.map((key) => textAt(status, key)).find(Boolean) ?? '0';
  const failing = firstFailing(pods);
  const trouble = failing && troubleOf(failing);
  const failingName = failing?.metadata?.name ?? '';
  const podRoute = { view: 'object', resource: podsRef, namespace, name: failingName, tab: 'summary' } as const;
  return (
    <>
      {wanted !== '' && (
        <Fact label={t('replicas')}>
          {t('replicaCounts', {
            wanted,
            ready: count('readyReplicas', 'numberReady'),
            updated: count('updatedReplicas', 'updatedNumberScheduled'),
            available: count('availableReplicas', 'numberAvailable'),
          })}
        </Fact>
      )}
      {failing && trouble && (
        <Fact label={t('notGoingOn')}>
          <Toned tone="bad" text={trouble.state} /> <a href={hashOf(podRoute)}>{failingName}</a>
          {trouble.message !== '' && <p class="long">{trouble.message}</p>}
        </Fact>
      )}
      {boxOf(kind, namespace, name, pods) !== undefined && (
        <ToolLinks
          namespace={namespace}
          box={boxOf(kind, namespace, name, pods) ?? ''}
          from={kind === 'Deployment' ? `deploy/${namespace}/${name}` : undefined}
        />
      )}
    </>
  );
}

/** Of the newest pods first: a rollout waits for them. */
function firstFailing(pods: readonly KubeObject[]): KubeObject | undefined {
  const bornAt = ({ metadata }: KubeObject) => metadata?.creationTimestamp ?? '';
  const newest = [...pods].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
  const inTrouble = newest.filter((pod) => troubleOf(pod) && pod.metadata?.deletionTimestamp === undefined);
  const hasEnd = (pod: KubeObject) =>
    listAt(pod.status, 'containerStatuses').some((one) => at(one, 'lastState', 'terminated'));
  return inTrouble.find((pod) => isFailing(troubleOf(pod)?.state ?? '') || hasEnd(pod)) ?? inTrouble[0];
}

/** The box of a Deployment is that of its newest ReplicaSet. */
function boxOf(kind: string, namespace: string, name: string, pods: readonly KubeObject[]): string | undefined {
  if (drawn.has(kind)) return `workload/${namespace}/${kind}/${name}`;
  if (kind !== 'Deployment') return undefined;
  const bornAt = ({ metadata }: KubeObject) => metadata?.creationTimestamp ?? '';
  const [newest] = [...pods].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
  const owner = newest?.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return owner && `workload/${namespace}/${owner.kind}/${owner.name}`;
}
