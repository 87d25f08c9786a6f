// The topology: who talks to whom in the cluster, with the traffic that the nodes' kernels count, now and in the last minutes.
import { useMemo, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import type { ToolRoute } from '../../model/routes';
import { type Frame, type FrameInput, frameOf, matches } from '../../model/topology/frame';
import { sumsOf } from '../../model/topology/link-sums';
import { drawnRows, refusedRows, wholeMs } from '../../model/topology/refused-rows';
import { useConsole, useTexts } from '../app/context';
import { filterId } from '../app/keys';
import { Failed, Waiting } from '../parts/notice';
import { type Chosen, Graph } from './graph';
import { Legend } from './legend';
import { Panel } from './panel';
import { RefusedList } from './refused-list';
import { TimelineBar } from './timeline-bar';
import { type MomentsState, useMoments } from './use-moments';
import { useView } from './use-view';

/** More boxes are no picture any more; those with the most links are drawn. */
const maxBoxes = 200;

interface Props {
  readonly route: ToolRoute;
  /** False: another view is looked at. Moments are recorded, and nothing is drawn. */
  readonly isShown: boolean;
}

export function TopologyView({ route, isShown }: Props) {
  const state = useMoments(route.namespace);
  return isShown ? <Topology route={route} state={state} /> : null;
}

function Topology({ route, state }: { readonly route: ToolRoute; readonly state: MomentsState }) {
  const t = useTexts();
  const { go } = useConsole();
  const { namespace, query } = route;
  const { moments, now, objects, traffic } = state;
  const [atMs, setAtMs] = useState<number>();
  const [words, setWords] = useState('');
  const [withSystem, setWithSystem] = useState(false);
  const past = atMs === undefined ? undefined : moments.find((moment) => moment.atMs >= atMs);
  const shown = past ?? now;
  const chosen = chosenOf(query);
  const found = useMemo(() => foundIn(shown, words), [shown, words]);
  const first = useMemo(() => new Set([...(found ?? []), chosen?.id ?? '']), [found, chosen?.id]);
  const frame = useMemo(
    () => frameOf(shown, { namespace, withSystem, maxBoxes, first }),
    [shown, namespace, withSystem, first],
  );
  const { layout, zoom, near, size, larger, smaller, bodyRef, canvasRef } = useView(frame, chosen);
  const drawn = useMemo(() => new Set(frame.boxes.map(({ id }) => id)), [frame]);
  const rows = useMemo(() => drawnRows(refusedRows(moments, shown), drawn), [moments, shown, drawn]);
  // At a box: all that the timeline has, and then what was before.
  const boxRows = useMemo(
    () => (chosen ? drawnRows(refusedRows(moments, shown, wholeMs), drawn) : []),
    [moments, shown, drawn, chosen === undefined],
  );
  const sums = useMemo(() => {
    const link = chosen?.kind === 'link' ? frame.links.find(({ id }) => id === chosen.id) : undefined;
    return link && sumsOf(moments, shown.atMs, link);
  }, [moments, shown, frame, chosen?.id]);
  const [isListOpen, setListOpen] = useState(false);
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
            disabled={!smaller}
            onClick={() => smaller?.()}
          >
            −
          </button>
          <button
            type="button"
            class="button small"
            aria-label={t('zoomIn')}
            disabled={!larger}
            onClick={() => larger?.()}
          >
            +
          </button>
        </span>
      </div>
      <Remarks {...{ frame, objects, found, namespace }} remarks={shown.remarks} />
      <div ref={bodyRef} class={chosen ? 'topology-body with-panel' : 'topology-body'}>
        <div ref={canvasRef} class="graph-box" tabIndex={0} role="region" aria-label={t('topologyLabel')}>
          {frame.boxes.length === 0 ? (
            <p class="muted">{t(objects.refused.includes('pods') ? 'topologyRefused' : 'topologyEmpty')}</p>
          ) : (
            <Graph {...{ frame, layout, chosen, near, found, zoom, namespace }} view={size} onChoose={choose} />
          )}
        </div>
        {chosen && (
          <Panel
            {...{ frame, chosen, sums }}
            rows={boxRows}
            node={objects.objects.nodes[0]?.metadata?.name}
            onChoose={choose}
          />
        )}
      </div>
      <Legend />
      {rows.length > 0 && (
        <div class="refused-now">
          <button
            type="button"
            class="link-button trouble-text"
            aria-expanded={isListOpen}
            onClick={() => setListOpen(!isListOpen)}
          >
            <span aria-hidden="true">{isListOpen ? '▾' : '▸'}</span>{' '}
            {t(past ? 'refusedThen' : 'refusedNow', { count: rows.length })}
          </button>
          {isListOpen && (
            <div class="refused-rows" tabIndex={0} role="region" aria-label={t('refusedHere')}>
              <RefusedList rows={rows} boxes={new Map(frame.boxes.map((box) => [box.id, box]))} />
            </div>
          )}
        </div>
      )}
      <TimelineBar
        moments={moments}
        namespace={namespace}
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
