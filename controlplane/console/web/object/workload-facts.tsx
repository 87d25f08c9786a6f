// A workload: its replicas as kubectl counts them, and why a rollout does not go on.
import { at, containersOf, type KubeObject, listAt, selectorOf, textAt } from '../../model/objects';
import { isFailing, troubleOf } from '../../model/pod-state';
import { collectionPath, hashOf, type ObjectRoute, podsRef, type ResourceRef } from '../../model/routes';
import { type ReplicaSet, refs } from '../../model/topology/objects';
import { replicaSetId, revisionsOf } from '../../model/topology/revisions';
import { useTexts } from '../app/context';
import { Toned } from '../parts/controls';
import { PodItems } from './related';
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
  const listOf = (resource: ResourceRef) =>
    labelSelector === '' ? '' : `${collectionPath(resource, namespace)}?${new URLSearchParams({ labelSelector })}`;
  const known = useList(listOf(podsRef));
  const pods = known ?? [];
  const replicaSets = useList<ReplicaSet>(kind === 'Deployment' ? listOf(refs.replicaSets) : '') ?? [];
  const wanted = textAt(spec, 'replicas') || textAt(status, 'desiredNumberScheduled');
  const count = (...keys: readonly string[]) => keys.map((key) => textAt(status, key)).find(Boolean) ?? '0';
  const failing = firstFailing(pods);
  const trouble = failing && troubleOf(failing);
  const failingName = failing?.metadata?.name ?? '';
  const box = drawn.has(kind)
    ? `workload/${namespace}/${kind}/${name}`
    : kind === 'Deployment'
      ? boxOfDeployment(name, pods, replicaSets)
      : undefined;
  const reached = failing ?? pods[0];
  const port = reached && containersOf(reached).flatMap(({ ports }) => ports)[0];
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
          <Toned tone={isFailing(trouble.state) ? 'bad' : 'wait'} text={trouble.state} />{' '}
          <a href={hashOf(podRoute)}>{failingName}</a>
          {trouble.message !== '' && <p class="long">{trouble.message}</p>}
        </Fact>
      )}
      {known && (
        <Fact label={t('pods')}>
          {pods.length === 0 && t('noPods')}
          <PodItems items={pods} />
          <a href={hashOf({ view: 'list', resource: podsRef, namespace, labelSelector })}>{t('showPods')}</a>
        </Fact>
      )}
      {box !== undefined && (
        <ToolLinks
          namespace={namespace}
          box={box}
          from={kind === 'Deployment' && pods.length > 0 ? `deploy/${namespace}/${name}` : undefined}
          to={port === undefined ? undefined : `pod/${namespace}/${reached?.metadata?.name}:${port}`}
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

/** That of its newest revision; for a user who may not list ReplicaSets, of its newest pod. */
function boxOfDeployment(
  name: string,
  pods: readonly KubeObject[],
  replicaSets: readonly ReplicaSet[],
): string | undefined {
  const revisions = [...revisionsOf(replicaSets).values()].filter((one) => one.name === name);
  if (revisions.length > 0) return replicaSetId(revisions.reduce((a, b) => (b.number > a.number ? b : a)));
  const bornAt = ({ metadata }: KubeObject) => metadata?.creationTimestamp ?? '';
  const [newest] = [...pods].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
  const owner = newest?.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return owner && `workload/${newest?.metadata?.namespace}/${owner.kind}/${owner.name}`;
}
