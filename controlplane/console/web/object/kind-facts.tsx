// What is particular to a kind: a pod's containers, a Service's ports, the pods of a workload.

import type { ComponentChild } from 'preact';
import { wordsOf } from '../../model/container-words';
import {
  type Container,
  containersOf,
  type KubeObject,
  listAt,
  portForwardCommand,
  selectorOf,
  textAt,
} from '../../model/objects';
import { podState, troubleOf } from '../../model/pod-state';
import { hashOf, type ObjectRoute, podsRef } from '../../model/routes';
import { toneOf } from '../../model/tones';
import { useTexts } from '../app/context';
import { Copyable, Toned } from '../parts/controls';
import {
  CronJobFacts,
  DataFacts,
  DefinitionFacts,
  IngressFacts,
  NodeFacts,
  PolicyFacts,
  PrintedFacts,
} from './more-facts';
import { ServiceParts, ToolLinks } from './service-facts';
import { Fact } from './summary-fact';
import { WorkloadParts } from './workload-facts';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

export function KindFacts({ route, object }: Props) {
  const { group, plural } = route.resource;
  if (group === '' && plural === 'pods') return <PodFacts route={route} object={object} />;
  if (group === '' && plural === 'services') return <ServiceFacts route={route} object={object} />;
  const Own = ownFacts[`${plural}.${group}`];
  if (Own) return <Own route={route} object={object} />;
  if (selectorOf(object.kind ?? '', object) !== '') return <WorkloadFacts route={route} object={object} />;
  return isOwnGroup(group) ? <PrintedFacts route={route} object={object} /> : null;
}

const ownFacts: Readonly<Record<string, (props: Props) => ComponentChild>> = {
  'networkpolicies.networking.k8s.io': PolicyFacts,
  'ingresses.networking.k8s.io': IngressFacts,
  'cronjobs.batch': CronJobFacts,
  'configmaps.': (props) => <DataFacts {...props} isSecret={false} />,
  'secrets.': (props) => <DataFacts {...props} isSecret={true} />,
  'nodes.': NodeFacts,
  'customresourcedefinitions.apiextensions.k8s.io': DefinitionFacts,
};

/** Of a custom resource, mostly: the groups of Kubernetes have no dot, or end in k8s.io. */
const isOwnGroup = (group: string): boolean => group.includes('.') && !group.endsWith('.k8s.io');

function PodFacts({ route, object }: Props) {
  const t = useTexts();
  const { spec, status } = object;
  const node = textAt(spec, 'nodeName');
  const nodeRoute = { ...route, resource: { ...podsRef, plural: 'nodes' }, namespace: '', name: node, tab: 'summary' };
  const containers = containersOf(object);
  const state = podState(object);
  const trouble = troubleOf(object);
  const controller = object.metadata?.ownerReferences?.find((owner) => owner.controller === true);
  const owner = controller ? `${controller.kind}/${controller.name}` : `Pod/${route.name}`;
  const port = containers.flatMap(({ ports }) => ports)[0];
  return (
    <>
      <Fact label={t('state')}>
        <Toned tone={toneOf(state)} text={state} />
        {trouble && trouble.message !== '' && <p class="long">{trouble.message}</p>}
      </Fact>
      {node !== '' && (
        <Fact label={t('node')}>
          <a href={hashOf(nodeRoute)}>{node}</a>
        </Fact>
      )}
      <Fact label={t('podIp')}>
        {listAt(status, 'podIPs')
          .map((one) => textAt(one, 'ip'))
          .join(', ')}
      </Fact>
      <Fact label={t('serviceAccount')}>{textAt(spec, 'serviceAccountName')}</Fact>
      <Fact label={t('containers')}>
        <ul class="containers">
          {containers.map((one) => (
            <ContainerFacts key={one.name} container={one} spec={specOf(object, one.name)} />
          ))}
        </ul>
      </Fact>
      <ToolLinks
        namespace={route.namespace}
        box={`workload/${route.namespace}/${owner}`}
        from={`${route.namespace}/${route.name}`}
        to={port === undefined ? undefined : `pod/${route.namespace}/${route.name}:${port}`}
      />
      {port !== undefined && <PortForward type="pod" route={route} port={port} />}
    </>
  );
}

/** Names are unique among all containers of a pod. */
const specOf = ({ spec }: KubeObject, name: string): unknown =>
  ['containers', 'initContainers', 'ephemeralContainers']
    .flatMap((list) => listAt(spec, list))
    .find((one) => textAt(one, 'name') === name);

function ContainerFacts({ container, spec }: { readonly container: Container; readonly spec: unknown }) {
  const t = useTexts();
  const words = wordsOf(spec, (value) => t('atMost', { value }));
  const parts = [
    [t('command'), words.command],
    [t('ports'), words.ports.join(', ')],
    [t('resources'), words.resources.join(', ')],
    [t('probes'), words.probes.join(', ')],
    [t('mounts'), words.mounts.join(', ')],
  ].filter(([, text]) => text !== '');
  const { name, image, isInit, isReady, restarts, state, message, last } = container;
  const isDone = state === 'Completed';
  return (
    <li>
      <strong>{name}</strong> {isInit && <span class="muted">({t('initContainer')})</span>}{' '}
      <Toned tone={isReady || isDone ? 'good' : toneOf(state)} text={state} />{' '}
      {!isReady && !isDone && !isInit && <Toned tone="wait" text={t('notReady')} />}{' '}
      {restarts > 0 && (
        <span class="muted">
          {t('restarts')}: {restarts}
        </span>
      )}
      {last && (
        <p class="muted">
          {t('lastEnd', {
            reason: last.reason,
            code: last.exitCode,
            time: last.at === '' ? '?' : new Date(last.at).toLocaleString(),
          })}
        </p>
      )}
      {message !== '' && <p class="long">{message}</p>}
      <code class="long">{image}</code>
      {parts.map(([label, text]) => (
        <p key={label} class="long">
          <span class="muted">{label}</span> {text}
        </p>
      ))}
      {words.env.length > 0 && (
        <details>
          <summary>
            {t('environment')} ({words.env.length})
          </summary>
          <pre class="value">{words.env.join('\n')}</pre>
        </details>
      )}
    </li>
  );
}

function ServiceFacts({ route, object }: Props) {
  const t = useTexts();
  const { spec } = object;
  const first = Number(textAt(listAt(spec, 'ports')[0], 'port'));
  return (
    <>
      <Fact label={t('clusterIp')}>
        {listAt(spec, 'clusterIPs').join(', ') || textAt(spec, 'clusterIP') || textAt(spec, 'externalName')}
      </Fact>
      <ServiceParts route={route} object={object} />
      <ToolLinks
        namespace={route.namespace}
        box={`service/${route.namespace}/${route.name}`}
        to={first > 0 ? `svc/${route.namespace}/${route.name}:${first}` : undefined}
      />
      <PodsLink route={route} object={object} />
      {first > 0 && <PortForward type="service" route={route} port={first} />}
    </>
  );
}

function WorkloadFacts({ route, object }: Props) {
  const t = useTexts();
  const images = listAt(object.spec, 'template', 'spec', 'containers').map((one) => textAt(one, 'image'));
  return (
    <>
      <WorkloadParts route={route} object={object} />
      {images.length > 0 && (
        <Fact label={t('image')}>
          <code class="long">{images.join(', ')}</code>
        </Fact>
      )}
    </>
  );
}

function PodsLink({ route: { namespace }, object }: Props) {
  const t = useTexts();
  const labelSelector = selectorOf(object.kind ?? '', object);
  if (labelSelector === '') return null;
  return (
    <Fact label={t('pods')}>
      <a href={hashOf({ view: 'list', resource: podsRef, namespace, labelSelector })}>{t('showPods')}</a>
    </Fact>
  );
}

function PortForward({ type, route, port }: { type: 'pod' | 'service'; route: ObjectRoute; port: number }) {
  const t = useTexts();
  return (
    <Fact label={t('portForward')}>
      <Copyable text={portForwardCommand(type, route.namespace, route.name, port)} />
      <p class="muted">{t('portForwardHint')}</p>
    </Fact>
  );
}
