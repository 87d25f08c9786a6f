// Lists of objects that belong to the one that is shown: pods of a workload or a policy, Jobs of a CronJob.
import { containersOf, type KubeObject, textAt } from '../../model/objects';
import { podState } from '../../model/pod-state';
import { hashOf, podsRef, type ResourceRef } from '../../model/routes';
import { toneOf } from '../../model/tones';
import { useTexts } from '../app/context';
import { Toned } from '../parts/controls';

const maxItems = 50;

interface Props {
  readonly items: readonly KubeObject[];
}

/** With state, node and restarts. */
export function PodItems({ items }: Props) {
  const t = useTexts();
  return (
    <Items items={items} resource={podsRef}>
      {(pod) => {
        const state = podState(pod);
        const restarts = containersOf(pod).reduce((sum, one) => sum + one.restarts, 0);
        return (
          <>
            <Toned tone={toneOf(state)} text={state} />{' '}
            <span class="muted">
              {[textAt(pod.spec, 'nodeName'), textAt(pod.status, 'podIP')].filter(Boolean).join(' · ')}
              {restarts > 0 && ` · ${t('restarts')}: ${restarts}`}
            </span>
          </>
        );
      }}
    </Items>
  );
}

interface ItemsProps extends Props {
  readonly resource: ResourceRef;
  readonly children: (object: KubeObject) => preact.ComponentChild;
}

export function Items({ items, resource, children }: ItemsProps) {
  const t = useTexts();
  const sorted = [...items].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  return (
    <>
      <ul class="containers">
        {sorted.slice(0, maxItems).map((object) => {
          const { namespace = '', name = '' } = object.metadata ?? {};
          return (
            <li key={`${namespace}/${name}`}>
              <a href={hashOf({ view: 'object', resource, namespace, name, tab: 'summary' })}>{name}</a>{' '}
              {children(object)}
            </li>
          );
        })}
      </ul>
      {items.length > maxItems && <p class="muted">{t('moreItems', { count: items.length - maxItems })}</p>}
    </>
  );
}
