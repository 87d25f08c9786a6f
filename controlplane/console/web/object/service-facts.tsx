// A Service: what it selects, its ports, and the endpoints behind it.
import { at, type KubeObject, listAt, selectorOf, textAt } from '../../model/objects';
import { collectionPath, hashOf, type ObjectRoute, podsRef } from '../../model/routes';
import { refs } from '../../model/topology/objects';
import { pathHash } from '../../model/topology/path-ends';
import { useTexts } from '../app/context';
import { Toned } from '../parts/controls';
import { Fact } from './summary-fact';
import { useList } from './use-list';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

export function ServiceParts({ route, object }: Props) {
  const t = useTexts();
  const { namespace, name } = route;
  const selector = selectorOf('Service', object);
  const query = new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${name}` });
  const slices = useList(`${collectionPath(refs.slices, namespace)}?${query}`);
  const endpoints = (slices ?? []).flatMap((slice) => listAt(slice, 'endpoints'));
  return (
    <>
      <Fact label={t('selector')}>{selector === '' ? t('noSelector') : <code>{selector}</code>}</Fact>
      <Fact label={t('ports')}>
        <ul class="containers">
          {listAt(object.spec, 'ports').map((port) => {
            const text = (key: string) => textAt(port, key);
            return (
              <li key={`${text('port')}/${text('protocol')}`}>
                {text('name') !== '' && <strong>{text('name')} </strong>}
                {text('port')}/{text('protocol') || 'TCP'} → {t('targetPort')} {text('targetPort') || text('port')}
                {text('nodePort') !== '' && ` · ${t('nodePort')} ${text('nodePort')}`}
              </li>
            );
          })}
        </ul>
      </Fact>
      {slices && (
        <Fact label={t('endpoints')}>
          {endpoints.length === 0 && t('noEndpoints')}
          <ul class="containers">
            {endpoints.map((endpoint) => {
              const pod = textAt(endpoint, 'targetRef', 'name');
              const isReady = at(endpoint, 'conditions', 'ready') !== false;
              const address = listAt(endpoint, 'addresses').join(', ');
              return (
                <li key={address}>
                  <Toned tone={isReady ? 'good' : 'bad'} text={t(isReady ? 'ready' : 'notReady')} /> {address}{' '}
                  {textAt(endpoint, 'targetRef', 'kind') === 'Pod' && (
                    <a href={hashOf({ view: 'object', resource: podsRef, namespace, name: pod, tab: 'summary' })}>
                      {pod}
                    </a>
                  )}
                </li>
              );
            })}
          </ul>
        </Fact>
      )}
    </>
  );
}

/** Where else the page shows this object. `box` is its box in the topology. */
export function ToolLinks({
  namespace,
  box,
  from,
  to,
}: {
  readonly namespace: string;
  readonly box: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}) {
  const t = useTexts();
  return (
    <Fact label={t('traffic')}>
      <span class="tool-links">
        <a href={hashOf({ view: 'topology', namespace, query: { box } })}>{t('showInTopology')}</a>
        {to !== undefined && <a href={pathHash({ to })}>{t('whyNotArrive')}</a>}
        {from !== undefined && <a href={pathHash({ from })}>{t('pathFromHere')}</a>}
      </span>
    </Fact>
  );
}
