// The topology: who talks to whom in the cluster, with the traffic that the nodes' kernels count, now and in the last minutes.
import { useMemo, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import type { ToolRoute } from '../../model/routes';
import { type Frame, type FrameInput, frameOf, matches } from '../../model/topology/frame';
import { useConsole, useTexts } from '../app/context';
import { filterId } from '../app/keys';
import { Failed, Waiting } from '../parts/notice';
import { type Chosen, Graph } from './graph';
import { type Layout, layoutOf } from './layout';
import { Panel } from './panel';
import { RefusedList } from './refused-list';
import { TimelineBar } from './timeline-bar';
import { type MomentsState, useMoments } from './use-moments';

/** More boxes are no picture any more; those with the most links are drawn. */
const maxBoxes = 200;
/** The first one is the size that fits the width; at 1 the smallest letters are 11 pixels high. */
const zooms = [undefined, 0.5, 0.75, 1, 1.25, 1.5] as const;
const readable = 3;

export function TopologyView({ route }: { readonly route: ToolRoute }) {
  const t = useTexts();
  const { go } = useConsole();
  const { namespace, query } = route;
  const { moments, now, objects, traffic } = useMoments(namespace);
  const [atMs, setAtMs] = useState<number>();
  const [words, setWords] = useState('');
  const [withSystem, setWithSystem] = useState(false);
  const [zoom, setZoom] = useState<number>(readable);
  const past = atMs === undefined ? undefined : moments.find((moment) => moment.atMs >= atMs);
  const shown = past ?? now;
  const chosen = chosenOf(query);
  const found = useMemo(() => foundIn(shown, words), [shown, words]);
  const first = useMemo(() => new Set([...(found ?? []), chosen?.id ?? '']), [found, chosen?.id]);
  const frame = useMemo(
    () => frameOf(shown, { namespace, withSystem, maxBoxes, first }),
    [shown, namespace, withSystem, first],
  );
  const layout = useStableLayout(frame);
  const refusedNow = frame.refused.filter(({ packetsPerSecond }) => packetsPerSecond > 0);
  const choose = (next: Chosen | undefined) =>
    go({ view: 'topology', namespace, query: next === undefined ? {} : { [next.kind]: next.id } });
  if (objects.error !== undefined) {
    return <Failed text={messageOf(objects.error)} retry={objects.retry} />;
  }
  if (!objects.isLoaded) return <Waiting isSilent={objects.state === 'reconnecting'} retry={objects.retry} />;
  return (
    <section
      class="topology"
      aria-labelledby="view-title"
      onKeyDown={({ key, target }) => {
        const isField = target instanceof HTMLElement && target.matches('input');
        if (key === 'Escape' && chosen && !isField) choose(undefined);
      }}
    >
      <div class="view-head">
        <h1 id="view-title">{t('topology')}</h1>
        <input
          id={filterId}
          type="search"
          class="filter"
          aria-label={t('searchTopology')}
          placeholder={`${t('searchTopology')}  /`}
          value={words}
          onInput={({ currentTarget }) => setWords(currentTarget.value)}
          onKeyDown={({ key }) => {
            const [first] = found ?? [];
            if (key === 'Enter' && first !== undefined) choose({ kind: 'box', id: first });
          }}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={withSystem}
            onChange={({ currentTarget }) => setWithSystem(currentTarget.checked)}
          />
          {t('withSystem')}
        </label>
        <span class="zoom">
          <button
            type="button"
            class="button small"
            aria-label={t('zoomOut')}
            disabled={zoom === 0}
            onClick={() => setZoom(zoom - 1)}
          >
            −
          </button>
          <button
            type="button"
            class="button small"
            aria-label={t('zoomIn')}
            disabled={zoom === zooms.length - 1}
            onClick={() => setZoom(zoom + 1)}
          >
            +
          </button>
        </span>
      </div>
      <Legend />
      <Remarks {...{ frame, objects, found, namespace }} remarks={shown.remarks} />
      <div class={chosen ? 'topology-body with-panel' : 'topology-body'}>
        <div class="graph-box" tabIndex={0} role="region" aria-label={t('topologyLabel')}>
          {frame.boxes.length === 0 ? (
            <p class="muted">{t(objects.refused.includes('pods') ? 'topologyRefused' : 'topologyEmpty')}</p>
          ) : (
            <Graph {...{ frame, layout, chosen, found, namespace }} zoom={zooms[zoom]} onChoose={choose} />
          )}
        </div>
        {chosen && <Panel {...{ frame, chosen }} node={objects.objects.nodes[0]?.metadata?.name} onChoose={choose} />}
      </div>
      {refusedNow.length > 0 && (
        <details class="refused-now">
          <summary>{t(past ? 'refusedThen' : 'refusedNow', { count: refusedNow.length })}</summary>
          <RefusedList refused={refusedNow} boxes={new Map(frame.boxes.map((box) => [box.id, box]))} />
        </details>
      )}
      <TimelineBar
        moments={moments}
        atMs={past ? atMs : undefined}
        silentSinceMs={traffic.silentSinceMs}
        onMove={setAtMs}
      />
    </section>
  );
}

function chosenOf({ box, link }: ToolRoute['query']): Chosen | undefined {
  if (box !== undefined) return { kind: 'box', id: box };
  return link === undefined ? undefined : { kind: 'link', id: link };
}

const foundIn = ({ structure: { boxes } }: FrameInput, words: string): ReadonlySet<string> | undefined =>
  words.trim() === '' ? undefined : new Set(boxes.filter((box) => matches(box, words)).map(({ id }) => id));

/** Another layout only when boxes, their sizes or links come or go: a picture that moves cannot be read. */
function useStableLayout({ boxes, links }: Frame): Layout {
  const last = useRef<{ readonly key: string; readonly layout: Layout }>(undefined);
  const key = [...boxes.map(({ id, pods }) => `${id} ${pods.length}`), ...links.map(({ id }) => id)].join('\n');
  if (last.current?.key !== key) last.current = { key, layout: layoutOf(boxes, links) };
  return last.current.layout;
}

function Legend() {
  const t = useTexts();
  return (
    <details class="legend">
      <summary>{t('legend')}</summary>
      <ul>
        <li>{t('legendLines')}</li>
        <li>{t('legendNumbers')}</li>
        <li>
          <span class="swatch good" />
          {t('ready')} <span class="swatch wait" />
          {t('legendStarting')} <span class="swatch bad" />
          {t('notReady')} <span class="swatch" />
          {t('deleting')}
        </li>
        <li>{t('legendMarks')}</li>
      </ul>
    </details>
  );
}

interface RemarksProps extends Pick<MomentsState, 'objects'>, Pick<FrameInput, 'remarks'> {
  readonly frame: Frame;
  readonly namespace: string;
  readonly found: ReadonlySet<string> | undefined;
}

/** What the picture cannot show, and why. */
function Remarks({ frame, objects, remarks, found, namespace }: RemarksProps) {
  const t = useTexts();
  const refused = objects.refused.length > 0 ? [t('refusedKinds', { kinds: objects.refused.join(', ') })] : [];
  const hint = namespace === '' ? 'omittedBoxes' : 'omittedBoxesSearch';
  const omitted = frame.omitted > 0 ? [t(hint, { count: frame.omitted })] : [];
  const lines = [...refused, ...omitted, ...remarks.map(({ key, values }) => t(key, values))];
  return (
    <div class="remarks" role="status">
      {found && <p>{t('foundBoxes', { count: found.size })}</p>}
      {objects.state === 'reconnecting' && <p class="live reconnecting">{t('reconnecting')}</p>}
      {objects.isPartial && <p class="muted">{t('partlyVisible')}</p>}
      {lines.map((line) => (
        <p key={line} class="muted">
          {line}
        </p>
      ))}
    </div>
  );
}
