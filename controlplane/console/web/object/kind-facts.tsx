// What is particular to a kind: a pod's containers, a Service's ports, the pods of a workload.
import { containersOf, type KubeObject, listAt, portForwardCommand, selectorOf, textAt } from '../../model/objects';
import { hashOf, type ObjectRoute, podsRef } from '../../model/routes';
import { toneOf } from '../../model/tones';
import { useTexts } from '../app/context';
import { Copyable, Toned } from '../parts/controls';
import { Fact } from './summary-fact';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

export function KindFacts({ route, object }: Props) {
  const { group, plural } = route.resource;
  if (group === '' && plural === 'pods') return <PodFacts route={route} object={object} />;
  if (group === '' && plural === 'services') return <ServiceFacts route={route} object={object} />;
  if (selectorOf(object.kind ?? '', object) !== '') return <WorkloadFacts route={route} object={object} />;
  return null;
}

function PodFacts({ route, object }: Props) {
  const t = useTexts();
  const { spec, status } = object;
  const node = textAt(spec, 'nodeName');
  const nodeRoute = { ...route, resource: { ...podsRef, plural: 'nodes' }, namespace: '', name: node, tab: 'summary' };
  const containers = containersOf(object);
  const port = containers.flatMap(({ ports }) => ports)[0];
  return (
    <>
      <Fact label={t('state')}>
        <Toned tone={toneOf(textAt(status, 'phase'))} text={textAt(status, 'phase')} />
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
          {containers.map(({ name, image, isInit, isReady, restarts, state }) => (
            <li key={name}>
              <strong>{name}</strong> {isInit && <span class="muted">({t('initContainer')})</span>}{' '}
              <Toned tone={isReady ? 'good' : toneOf(state)} text={state} />
              {restarts > 0 && (
                <span class="muted">
                  {' '}
                  {t('restarts')}: {restarts}
                </span>
              )}
              <br />
              <code class="long">{image}</code>
            </li>
          ))}
        </ul>
      </Fact>
      {port !== undefined && <PortForward type="pod" route={route} port={port} />}
    </>
  );
}

function ServiceFacts({ route, object }: Props) {
  const t = useTexts();
  const { spec } = object;
  const ports = listAt(spec, 'ports').map((port) => {
    const nodePort = textAt(port, 'nodePort');
    return `${textAt(port, 'port')}${nodePort === '' ? '' : `:${nodePort}`}/${textAt(port, 'protocol')}`;
  });
  const first = Number(textAt(listAt(spec, 'ports')[0], 'port'));
  return (
    <>
      <Fact label={t('clusterIp')}>
        {listAt(spec, 'clusterIPs').join(', ') || textAt(spec, 'clusterIP') || textAt(spec, 'externalName')}
      </Fact>
      <Fact label={t('ports')}>{ports.join(', ')}</Fact>
      <PodsLink route={route} object={object} />
      {first > 0 && <PortForward type="service" route={route} port={first} />}
    </>
  );
}

function WorkloadFacts({ route, object }: Props) {
  const t = useTexts();
  const wanted = textAt(object.spec, 'replicas');
  const ready = textAt(object.status, 'readyReplicas') || '0';
  const images = listAt(object.spec, 'template', 'spec', 'containers').map((one) => textAt(one, 'image'));
  return (
    <>
      {wanted !== '' && (
        <Fact label={t('replicas')}>
          {ready} / {wanted}
        </Fact>
      )}
      {images.length > 0 && (
        <Fact label={t('image')}>
          <code class="long">{images.join(', ')}</code>
        </Fact>
      )}
      <PodsLink route={route} object={object} />
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
