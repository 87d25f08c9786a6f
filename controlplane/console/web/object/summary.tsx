// The summary of an object: what every kind has, and in front of it what is particular to its kind.
import { formatAge } from '../../model/ages';
import { resourceOfKind } from '../../model/discovery';
import { conditionsOf, type KubeObject, type Owner } from '../../model/objects';
import { hashOf, type ObjectRoute } from '../../model/routes';
import { toneOfCondition } from '../../model/tones';
import { useConsole, useTexts } from '../app/context';
import { useNow } from '../app/page-state';
import { Toned } from '../parts/controls';
import { KindFacts } from './kind-facts';
import { Fact } from './summary-fact';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

const ageMs = 10_000;

export function Summary({ route, object }: Props) {
  const t = useTexts();
  const now = useNow(ageMs);
  const { creationTimestamp = '', labels, annotations, finalizers = [], ownerReferences = [] } = object.metadata ?? {};
  const createdMs = Date.parse(creationTimestamp);
  return (
    <div class="summary">
      <dl class="facts">
        {!Number.isNaN(createdMs) && (
          <Fact label={t('created')}>
            <time dateTime={creationTimestamp}>{new Date(createdMs).toLocaleString()}</time>{' '}
            <span class="muted">({t('ago', { age: formatAge(now - createdMs) })})</span>
          </Fact>
        )}
        {ownerReferences.length > 0 && (
          <Fact label={t('owner')}>
            {ownerReferences.map((owner) => (
              <OwnerLink key={`${owner.kind}/${owner.name}`} owner={owner} namespace={route.namespace} />
            ))}
          </Fact>
        )}
        <KindFacts route={route} object={object} />
        <Pairs label={t('labels')} pairs={labels} />
        {finalizers.length > 0 && <Fact label={t('finalizers')}>{finalizers.join(', ')}</Fact>}
      </dl>
      <Conditions object={object} now={now} />
      {annotations && Object.keys(annotations).length > 0 && (
        <details class="annotations">
          <summary>
            {t('annotations')} ({Object.keys(annotations).length})
          </summary>
          <dl class="facts">
            {Object.entries(annotations).map(([key, value]) => (
              <Fact key={key} label={key}>
                <span class="long">{value}</span>
              </Fact>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

function Pairs({ label, pairs }: { label: string; pairs: Readonly<Record<string, string>> | undefined }) {
  const entries = Object.entries(pairs ?? {});
  if (entries.length === 0) return null;
  return (
    <Fact label={label}>
      {entries.map(([key, value]) => (
        <code key={key} class="chip">
          {key}={value}
        </code>
      ))}
    </Fact>
  );
}

/** Owners are in the same namespace, or have none. */
function OwnerLink({ owner: { apiVersion, kind, name }, namespace }: { owner: Owner; namespace: string }) {
  const { resources } = useConsole();
  const resource = resourceOfKind(resources, apiVersion, kind);
  const text = `${kind} ${name}`;
  if (!resource) return <span>{text}</span>;
  const within = resource.namespaced ? namespace : '';
  return <a href={hashOf({ view: 'object', resource, namespace: within, name, tab: 'summary' })}>{text}</a>;
}

function Conditions({ object, now }: { readonly object: KubeObject; readonly now: number }) {
  const t = useTexts();
  const conditions = conditionsOf(object);
  if (conditions.length === 0) return null;
  return (
    <section aria-labelledby="conditions">
      <h2 id="conditions">{t('conditions')}</h2>
      <div class="table-frame" tabIndex={0} role="group" aria-labelledby="conditions">
        <table>
          <thead>
            <tr>
              <th scope="col">{t('conditionType')}</th>
              <th scope="col">{t('conditionStatus')}</th>
              <th scope="col">{t('since')}</th>
              <th scope="col">{t('reason')}</th>
              <th scope="col">{t('message')}</th>
            </tr>
          </thead>
          <tbody>
            {conditions.map(({ type, status, sinceMs, reason, message }) => (
              <tr key={type}>
                <td>{type}</td>
                <td>
                  <Toned tone={toneOfCondition(type, status, reason)} text={status} />
                </td>
                <td>{Number.isNaN(sinceMs) ? '' : formatAge(now - sinceMs)}</td>
                <td>{reason}</td>
                <td class="long">{message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
