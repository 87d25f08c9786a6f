// What is known about the chosen box: its object, its traffic, its pods, and what is stopped there.
import type { ComponentChildren } from 'preact';
import { hashOf, type ResourceRef } from '../../model/routes';
import type { Box } from '../../model/topology/boxes';
import type { Frame } from '../../model/topology/frame';
import type { LinkSums } from '../../model/topology/link-sums';
import { bytesRate, short } from '../../model/topology/numbers';
import { refs } from '../../model/topology/objects';
import { endOf, pathHash } from '../../model/topology/path-ends';
import type { PodRates } from '../../model/topology/pod-rates';
import { type RefusedRow, refusedAt } from '../../model/topology/refused-rows';
import type { Stop } from '../../model/topology/traffic';
import { useTexts } from '../app/context';
import { boxTitle, causeText } from './box-shape';
import type { Chosen } from './graph';
import { LinkDetails } from './link-details';
import { boxWords, generationWords, linkWords } from './link-words';
import { RefusedList } from './refused-list';

interface Props {
  readonly frame: Frame;
  readonly chosen: Chosen;
  /** Whose rules are shown for what is on no node. */
  readonly node: string | undefined;
  /** Packets that were refused since the timeline begins. */
  readonly rows: readonly RefusedRow[];
  /** Of the chosen link, in the last minute. */
  readonly sums: LinkSums | undefined;
  readonly onChoose: (chosen: Chosen | undefined) => void;
}

export function Panel({ frame, chosen, node, rows, sums, onChoose }: Props) {
  const t = useTexts();
  const boxes = new Map(frame.boxes.map((box) => [box.id, box]));
  const box = chosen.kind === 'box' ? boxes.get(chosen.id) : undefined;
  const link = chosen.kind === 'link' ? frame.links.find(({ id }) => id === chosen.id) : undefined;
  return (
    <aside class="panel" aria-label={t('details')}>
      <button type="button" class="button small panel-close" onClick={() => onChoose(undefined)}>
        {t('close')}
      </button>
      {box && <BoxDetails {...{ frame, box, boxes, node, rows, onChoose }} />}
      {link && <LinkDetails link={link} sums={sums} boxes={boxes} onChoose={onChoose} />}
      {!box && !link && <p class="muted">{t('notInMoment')}</p>}
    </aside>
  );
}

interface BoxProps {
  readonly frame: Frame;
  readonly box: Box;
  readonly boxes: ReadonlyMap<string, Box>;
  readonly node: string | undefined;
  readonly rows: readonly RefusedRow[];
  readonly onChoose: (chosen: Chosen) => void;
}

function BoxDetails({ frame, box, boxes, node, rows, onChoose }: BoxProps) {
  const t = useTexts();
  const stops = frame.stops.filter((stop) => stop.box === box.id);
  const refused = refusedAt(box.id, rows, frame.refused);
  const links = frame.links.filter(({ from, to }) => from === box.id || to === box.id);
  const end = endOf(box);
  return (
    <>
      <h2>{box.object ? <ObjectLink {...box.object}>{boxTitle(t, box)}</ObjectLink> : boxTitle(t, box)}</h2>
      {box.generation && (
        <p class="muted">
          {generationWords(t, box.generation)} · pod-template-hash={box.generation.hash}
        </p>
      )}
      {box.facts.map((fact) => (
        <p key={fact} class="muted">
          {fact}
        </p>
      ))}
      {end && (
        <p class="panel-actions">
          {end.from !== undefined && (
            <a class="button small" href={pathHash({ from: end.from })}>
              {t('pathFromHere')}
            </a>
          )}
          {end.to !== undefined && (
            <a class="button small" href={pathHash({ to: end.to })}>
              {t('pathToHere')}
            </a>
          )}
          {box.kind === 'service' && node !== undefined && end.to !== undefined && (
            <a class="button small" href={pathHash({ from: `node/${node}`, to: end.to, ask: '1', probe: 'no' })}>
              {t('rulesBehind')}
            </a>
          )}
        </p>
      )}
      <Stops stops={stops} />
      {refused.length > 0 && (
        <section>
          <h3>{t('refusedHere')}</h3>
          <RefusedList rows={refused} boxes={boxes} />
        </section>
      )}
      {links.length > 0 && (
        <section>
          <h3>{t('traffic')}</h3>
          <ul class="panel-links">
            {links.map((link) => (
              <li key={link.id}>
                <button type="button" class="link-button" onClick={() => onChoose({ kind: 'link', id: link.id })}>
                  {link.from === box.id ? '→' : '←'}{' '}
                  {boxWords(t, boxes.get(link.from === box.id ? link.to : link.from))}
                </button>
                <span class={(link.requests?.failedPerSecond ?? 0) > 0 ? 'trouble-text' : 'muted'}>
                  {' '}
                  {linkWords(t, link)}
                </span>
              </li>
            ))}
          </ul>
          {links.some(({ traffic }) => (traffic?.uncounted ?? 0) > 0) && <p class="muted">{t('seePodCounters')}</p>}
        </section>
      )}
      <Pods box={box} rates={frame.podRates} />
      {box.policies.length > 0 && (
        <section>
          <h3>{t('selectedByPolicies')}</h3>
          <ul>
            {box.policies.map((key) => (
              <li key={key}>
                <KeyLink resource={refs.policies} objectKey={key} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Pods({ box, rates: all }: { readonly box: Box; readonly rates: Frame['podRates'] }) {
  const t = useTexts();
  if (box.pods.length === 0) return box.kind === 'workload' ? <p>{t('noPods')}</p> : null;
  return (
    <section>
      <h3>{t('pods')}</h3>
      <ul class="panel-pods">
        {box.pods.slice(0, 100).map(({ key, name, node, addresses, tone, trouble }) => (
          <li key={key} data-pod={key}>
            <span class={`swatch ${tone}`} />
            <ObjectLink resource={refs.pods} namespace={box.namespace} name={name}>
              {name}
            </ObjectLink>
            <span class="muted">
              {' '}
              {addresses.join(', ')} {node}
            </span>{' '}
            {trouble && (
              <span class="trouble-text" title={trouble.message}>
                {trouble.state === 'Running' ? t('notReady') : trouble.state}
                {trouble.message !== '' && `: ${trouble.message.slice(0, 160)}`}{' '}
              </span>
            )}
            <PodRate rates={all.get(key)} />
            <a href={hashOf({ view: 'object', resource: refs.pods, namespace: box.namespace, name, tab: 'logs' })}>
              {t('tabLogs')}
            </a>{' '}
            <a href={hashOf({ view: 'object', resource: refs.pods, namespace: box.namespace, name, tab: 'events' })}>
              {t('tabEvents')}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** By the counters of its link: also of connections that are not counted each for itself. */
function PodRate({ rates: known }: { readonly rates: PodRates | undefined }) {
  const t = useTexts();
  if (!known) return null;
  const { receivedPerSecond, sentPerSecond, dropped } = known;
  return (
    <span class="pod-rate" title={t('podRate')}>
      ↓ {bytesRate(receivedPerSecond)} ↑ {bytesRate(sentPerSecond)}
      {dropped > 0 && <span class="tone bad"> {t('linkDropped', { count: dropped })}</span>}{' '}
    </span>
  );
}

function Stops({ stops }: { readonly stops: readonly Stop[] }) {
  const t = useTexts();
  if (stops.length === 0) return null;
  return (
    <section class="panel-stops">
      <h3>{t('stoppedHere')}</h3>
      <ul>
        {stops.map((stop) => (
          <li
            key={`${stop.node} ${stop.direction ?? ''} ${stop.rule}`}
            class={stop.packetsPerSecond > 0 ? 'active' : ''}
          >
            <strong>{causeText(t, stop)}</strong>{' '}
            {t('stoppedCount', {
              rate: `${short(stop.packetsPerSecond)}/s`,
              packets: stop.packets,
              node: stop.node,
            })}
            {stop.direction && <span> {t(stop.direction === 'ingress' ? 'stoppedIngress' : 'stoppedEgress')}</span>}
            {stop.isShared && <span class="muted"> {t('stoppedShared')}</span>}
            <pre class="rule">{stop.rule}</pre>
            {stop.cause === 'policy' &&
              stop.objects.map((key) => (
                <span key={key} class="panel-object">
                  <KeyLink resource={refs.policies} objectKey={key} />{' '}
                </span>
              ))}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface ObjectLinkProps {
  readonly resource: ResourceRef;
  readonly namespace: string;
  readonly name: string;
  readonly children: ComponentChildren;
}

function ObjectLink({ resource, namespace, name, children }: ObjectLinkProps) {
  return <a href={hashOf({ view: 'object', resource, namespace, name, tab: 'summary' })}>{children}</a>;
}

function KeyLink({ resource, objectKey }: { readonly resource: ResourceRef; readonly objectKey: string }) {
  const [namespace = '', name = ''] = objectKey.split('/');
  return (
    <ObjectLink resource={resource} namespace={namespace} name={name}>
      {objectKey}
    </ObjectLink>
  );
}
