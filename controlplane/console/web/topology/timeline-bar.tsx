// The last minutes as a line: a reader goes back on it, or returns to the present. Above it stand marks of what has begun and ended, and bars of
// what lasts.
import { useMemo } from 'preact/hooks';
import { type Change, changeNextTo, historyOf } from '../../model/topology/changes';
import { type Moment, nearestTo, placeOf, spansOf, ticksOf } from '../../model/topology/timeline';
import { useTexts } from '../app/context';
import { useSize } from '../parts/use-size';
import { changeWords } from './change-words';

interface Props {
  readonly moments: readonly Moment[];
  /** Whose changes are marked; '' for all. */
  readonly namespace: string;
  /** The time of the moment that is shown; undefined: the present. */
  readonly atMs: number | undefined;
  /** Present: no answer has come since then, so the present is not known. */
  readonly silentSinceMs: number | undefined;
  readonly onMove: (atMs: number | undefined) => void;
}

/** How many moments a key moves. */
const keySteps: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -15,
  PageUp: 15,
};
/** Room for one clock label, in pixels. */
const labelWidth = 90;
/** Each has a line of its own, so that none hides another. */
const spanTops = { gap: 12, stopped: 12, rollout: 16 } as const;

const percent = (part: number): string => `${Math.round(part * 10_000) / 100}%`;
const timeOf = (ms: number): string => new Date(ms).toLocaleTimeString();

export function TimelineBar({ moments, namespace, atMs, silentSinceMs, onMove }: Props) {
  const t = useTexts();
  const [size, ref] = useSize();
  const last = moments.length - 1;
  const fromMs = moments[0]?.atMs ?? 0;
  const toMs = moments[last]?.atMs ?? 0;
  const { lasting, changes } = useMemo(() => historyOf(moments, namespace), [moments, namespace]);
  const shown = atMs === undefined ? last : moments.findIndex((moment) => moment.atMs >= atMs);
  const present = silentSinceMs === undefined ? t('timelineNow') : t('timelineSilent', { time: timeOf(silentSinceMs) });
  const text = atMs === undefined ? present : timeOf(atMs);
  const then = atMs === undefined ? [] : changes.filter((change) => change.atMs === atMs);
  const happened = then.map((change) => changeWords(t, change)).join(' · ');
  const moveTo = (moment: { readonly atMs: number } | undefined) =>
    onMove(moment === undefined || moment.atMs >= toMs ? undefined : moment.atMs);
  const place = (ms: number) => percent(placeOf(ms, fromMs, toMs));
  return (
    <div class="timeline">
      <button type="button" class="button small" disabled={atMs === undefined} onClick={() => onMove(undefined)}>
        {t('timelineLive')}
      </button>
      <span class="timeline-steps">
        {([-1, 1] as const).map((direction) => {
          const next = changeNextTo(changes, atMs ?? toMs, direction);
          return (
            <button
              key={direction}
              type="button"
              class="button small"
              aria-label={t(direction < 0 ? 'changeBefore' : 'changeAfter')}
              title={t(direction < 0 ? 'changeBefore' : 'changeAfter')}
              disabled={next === undefined}
              onClick={() => moveTo(next)}
            >
              {direction < 0 ? '⇤' : '⇥'}
            </button>
          );
        })}
      </span>
      <div class="timeline-line" ref={ref}>
        <svg aria-hidden="true" class="timeline-marks">
          {spansOf(lasting, fromMs, toMs).map(({ from, to, what }) => (
            <rect
              key={`${from} ${what}`}
              class={`lasting ${what}`}
              x={percent(from)}
              y={spanTops[what]}
              width={percent(to - from)}
              height="3"
            />
          ))}
          {changes.map((change) => (
            <Mark key={changeKey(change)} change={change} x={place(change.atMs)} title={changeWords(t, change)} />
          ))}
        </svg>
        <input
          type="range"
          min={fromMs}
          max={Math.max(fromMs, toMs)}
          value={moments[Math.max(0, shown)]?.atMs ?? 0}
          disabled={last < 1}
          aria-label={t('timeline')}
          aria-valuetext={[text, happened].filter(Boolean).join(': ')}
          onInput={({ currentTarget }) => moveTo(nearestTo(moments, Number(currentTarget.value)))}
          onKeyDown={(event) => {
            // The browser's own step is a time, and would stay in a gap.
            const step = keySteps[event.key];
            if (step === undefined) return;
            event.preventDefault();
            moveTo(moments[Math.min(last, Math.max(0, shown + step))]);
          }}
        />
        <svg aria-hidden="true" class="timeline-clock">
          {ticksOf(fromMs, toMs, Math.max(1, Math.floor(size.width / labelWidth))).map(({ atMs: time, at }) => (
            <g key={time}>
              <line x1={percent(at)} x2={percent(at)} y1="0" y2="3" />
              <text x={percent(at)} y="13">
                {timeOf(time)}
              </text>
            </g>
          ))}
        </svg>
      </div>
      <output class="timeline-time">
        {text}
        {happened !== '' && <span class="timeline-change">{happened}</span>}
      </output>
    </div>
  );
}

const changeKey = (change: Change): string =>
  `${change.atMs} ${change.what} ${'stop' in change ? `${change.stop.cause} ${change.stop.objects} ${change.stop.direction} ${change.stop.box}` : change.name}`;

/** A beginning points down, an end up; a change of pods alone is a thin line. */
const shapes: Readonly<Record<Change['what'], string>> = {
  stopBegan: 'M-5 0H5L0 10z',
  stopEnded: 'M-5 10H5L0 0z',
  rolloutBegan: 'M-5 0H5L0 10z',
  rolloutEnded: 'M-5 10H5L0 0z',
  pods: 'M-0.5 3H0.5V10H-0.5z',
};

function Mark({ change, x, title }: { readonly change: Change; readonly x: string; readonly title: string }) {
  return (
    <svg aria-hidden="true" x={x} overflow="visible">
      <path class={`change ${change.what}`} d={shapes[change.what]}>
        <title>{title}</title>
      </path>
    </svg>
  );
}
