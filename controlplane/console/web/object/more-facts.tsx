// Kinds of which the summary tells what is in them: NetworkPolicy, Ingress, CronJob, ConfigMap, Secret, Node, custom resources.
import { useEffect, useState } from 'preact/hooks';
import { at, conditionsOf, type KubeObject, listAt, textAt, textsAt } from '../../model/objects';
import { directionsOf, rulesOf, selectorWords } from '../../model/policy-words';
import { collectionPath, hashOf, type ObjectRoute, objectPath, podsRef, type ResourceRef } from '../../model/routes';
import { type Table, tableType } from '../../model/rows';
import { refs } from '../../model/topology/objects';
import { useConsole, useTexts } from '../app/context';
import { pluralKind } from '../app/navigation';
import { Toned } from '../parts/controls';
import { Items, PodItems } from './related';
import { ToolLinks } from './service-facts';
import { Fact } from './summary-fact';
import { useList } from './use-list';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

export function PolicyFacts({ route, object: { spec } }: Props) {
  const t = useTexts();
  const rules = rulesOf(spec);
  const selected = selectorWords(at(spec, 'podSelector'));
  const query = selected === '' ? '' : `?${new URLSearchParams({ labelSelector: selected })}`;
  const pods = useList(`${collectionPath(podsRef, route.namespace)}${query}`);
  return (
    <>
      <Fact label={t('selector')}>{selected === '' ? t('allPodsHere') : <code>{selected}</code>}</Fact>
      {directionsOf(spec).map((direction) => {
        const own = rules.filter((rule) => rule.direction === direction);
        return (
          <Fact key={direction} label={t(direction === 'ingress' ? 'mayReceive' : 'maySend')}>
            {own.length === 0 && t('nothingAllowed')}
            <ul class="containers">
              {own.map(({ peers, ports }) => (
                <li key={`${peers} ${ports}`}>
                  {peers.length === 0 ? t('anyPeer') : peers.join(' | ')} ·{' '}
                  {ports.length === 0 ? t('anyPort') : ports.join(', ')}
                </li>
              ))}
            </ul>
          </Fact>
        );
      })}
      {pods && (
        <Fact label={t('selectedPods')}>
          {pods.length === 0 && t('selectsNone')}
          <PodItems items={pods} />
        </Fact>
      )}
    </>
  );
}

/** The objects of a kind are listed where its definition serves it. */
export function DefinitionFacts({ object: { spec } }: Props) {
  const t = useTexts();
  const { resources } = useConsole();
  const [group, plural] = [textAt(spec, 'group'), textAt(spec, 'names', 'plural')];
  const resource = resources.find((one) => one.group === group && one.plural === plural);
  const versions = listAt(spec, 'versions').filter((one) => at(one, 'served') === true);
  return (
    <>
      <Fact label={t('kind')}>
        {textAt(spec, 'names', 'kind')} <span class="muted">({textAt(spec, 'scope')})</span>
      </Fact>
      <Fact label={t('versions')}>{versions.map((one) => textAt(one, 'name')).join(', ')}</Fact>
      {resource && (
        <Fact label={t('objects')}>
          <a href={hashOf({ view: 'list', resource, namespace: '', labelSelector: '' })}>{pluralKind(resource)}</a>
        </Fact>
      )}
    </>
  );
}

export function IngressFacts({ route, object: { spec } }: Props) {
  const t = useTexts();
  const { namespace, name } = route;
  const link = (backend: unknown) => {
    const service = textAt(backend, 'service', 'name');
    if (service === '') return textAt(backend, 'resource', 'name');
    const port = textAt(backend, 'service', 'port', 'number') || textAt(backend, 'service', 'port', 'name');
    const to = hashOf({ view: 'object', resource: refs.services, namespace, name: service, tab: 'summary' });
    return (
      <a href={to}>
        {service}:{port}
      </a>
    );
  };
  const hosts = listAt(spec, 'rules').map((rule) => textAt(rule, 'host'));
  const host = hosts.find((one) => one !== '' && !one.startsWith('*'));
  const tls = listAt(spec, 'tls').map(
    (one) => `${listAt(one, 'hosts').join(', ')} (Secret ${textAt(one, 'secretName')})`,
  );
  return (
    <>
      <Fact label={t('ingressRules')}>
        <ul class="containers">
          {listAt(spec, 'rules').flatMap((rule) =>
            listAt(rule, 'http', 'paths').map((path) => (
              <li key={`${textAt(rule, 'host')} ${textAt(path, 'path')}`}>
                {textAt(rule, 'host') || '*'}
                {textAt(path, 'path')} <span class="muted">{textAt(path, 'pathType')}</span> →{' '}
                {link(at(path, 'backend'))}
              </li>
            )),
          )}
          {at(spec, 'defaultBackend') !== undefined && (
            <li>
              {t('everythingElse')} → {link(at(spec, 'defaultBackend'))}
            </li>
          )}
        </ul>
      </Fact>
      {tls.length > 0 && <Fact label="TLS">{tls.join(' | ')}</Fact>}
      <ToolLinks
        namespace={namespace}
        box={`ingress/${namespace}/${name}`}
        to={host === undefined ? undefined : `http://${host}/`}
      />
    </>
  );
}

const isEnd = ({ type, status }: { readonly type: string; readonly status: string }): boolean =>
  (type === 'Complete' || type === 'Failed') && status === 'True';

export function CronJobFacts({ route, object: { spec, status } }: Props) {
  const t = useTexts();
  const all = useList(collectionPath(jobsRef, route.namespace));
  const jobs = all?.filter((job) =>
    job.metadata?.ownerReferences?.some(({ kind, name }) => kind === 'CronJob' && name === route.name),
  );
  const last = textAt(status, 'lastScheduleTime');
  return (
    <>
      <Fact label={t('schedule')}>
        <code>{textAt(spec, 'schedule')}</code> {textAt(spec, 'timeZone')}
      </Fact>
      <Fact label={t('lastRun')}>{last === '' ? t('never') : new Date(last).toLocaleString()}</Fact>
      <Fact label={t('suspended')}>{t(at(spec, 'suspend') === true ? 'yes' : 'no')}</Fact>
      {jobs && (
        <Fact label="Jobs">
          {jobs.length === 0 && t('never')}
          <Items items={jobs} resource={jobsRef}>
            {(job) => {
              const end = conditionsOf(job).find(isEnd)?.type ?? 'Running';
              return <Toned tone={end === 'Failed' ? 'bad' : end === 'Complete' ? 'good' : 'wait'} text={end} />;
            }}
          </Items>
        </Fact>
      )}
    </>
  );
}

export function DataFacts({ object, isSecret }: Props & { readonly isSecret: boolean }) {
  const t = useTexts();
  const values = Object.entries(textsAt(at(object, 'data')));
  const binary = Object.keys(textsAt(at(object, 'binaryData')));
  return (
    <>
      {isSecret && <Fact label={t('secretType')}>{textAt(object, 'type')}</Fact>}
      {values.map(([key, value]) => (
        <Fact key={key} label={key}>
          {isSecret ? <Hidden base64={value} /> : <pre class="value">{value}</pre>}
        </Fact>
      ))}
      {binary.length > 0 && <Fact label={t('binaryKeys')}>{binary.join(', ')}</Fact>}
      {values.length + binary.length === 0 && <Fact label={t('keys')}>{t('never')}</Fact>}
    </>
  );
}

/** A value of a Secret: only after a click, since others may see the screen. */
function Hidden({ base64 }: { readonly base64: string }) {
  const t = useTexts();
  const [isShown, setShown] = useState(false);
  return (
    <>
      <button type="button" class="button small" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
        {t(isShown ? 'hideValue' : 'showValue')}
      </button>
      {isShown && <pre class="value">{decoded(base64)}</pre>}
    </>
  );
}

/** What is no text stays in base64. */
function decoded(base64: string): string {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return base64;
  }
}

const jobsRef: ResourceRef = { group: 'batch', version: 'v1', plural: 'jobs' };

/** Of a node, as links. */
const maxPods = 200;

export function NodeFacts({ route, object: { spec, status } }: Props) {
  const t = useTexts();
  const query = new URLSearchParams({ fieldSelector: `spec.nodeName=${route.name}` });
  const pods = useList(`${collectionPath(podsRef, '')}?${query}`);
  const pairs = (key: string) =>
    Object.entries(textsAt(at(status, key)))
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const taints = listAt(spec, 'taints').map((one) => {
    const value = textAt(one, 'value');
    return `${textAt(one, 'key')}${value === '' ? '' : `=${value}`}:${textAt(one, 'effect')}`;
  });
  return (
    <>
      <Fact label={t('addresses')}>
        {listAt(status, 'addresses')
          .map((one) => `${textAt(one, 'type')} ${textAt(one, 'address')}`)
          .join(', ')}
      </Fact>
      <Fact label={t('podRange')}>{listAt(spec, 'podCIDRs').join(', ') || textAt(spec, 'podCIDR')}</Fact>
      <Fact label="kubelet">{textAt(status, 'nodeInfo', 'kubeletVersion')}</Fact>
      <Fact label={t('capacity')}>{pairs('capacity')}</Fact>
      <Fact label={t('allocatable')}>{pairs('allocatable')}</Fact>
      {taints.length > 0 && <Fact label={t('taints')}>{taints.join(', ')}</Fact>}
      <Fact label={t('pods')}>
        {pods && <p class="muted">{t('objectCount', { count: pods.length })}</p>}
        <ul class="containers">
          {(pods ?? []).slice(0, maxPods).map(({ metadata: { namespace = '', name = '' } = {} }) => (
            <li key={`${namespace}/${name}`}>
              <a href={hashOf({ view: 'object', resource: podsRef, namespace, name, tab: 'summary' })}>
                {namespace}/{name}
              </a>
            </li>
          ))}
        </ul>
      </Fact>
      <ToolLinks namespace="" box={`node/${route.name}`} from={`node/${route.name}`} />
    </>
  );
}

/** What the definition of a custom resource prints in lists. */
export function PrintedFacts({ route, object }: Props) {
  const { api } = useConsole();
  const [table, setTable] = useState<Table>();
  const path = objectPath(route.resource, route.namespace, route.name);
  useEffect(() => {
    const stop = new AbortController();
    api.json<Table>(path, { accept: tableType, signal: stop.signal }).then(setTable, () => {});
    return () => stop.abort();
  }, [api, path, object.metadata?.resourceVersion]);
  const cells = table?.rows?.[0]?.cells ?? [];
  return (table?.columnDefinitions ?? []).map(({ name }, i) => {
    const cell = cells[i];
    if (['Name', 'Age', 'Namespace'].includes(name) || cell === null || cell === undefined || cell === '') return null;
    return (
      <Fact key={name} label={name}>
        {String(cell)}
      </Fact>
    );
  });
}
