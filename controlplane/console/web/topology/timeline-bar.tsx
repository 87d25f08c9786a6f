// The last minutes as a line: a reader goes back on it, or returns to the present.
import { type Moment, nearestTo, spansOf, ticksOf } from '../../model/topology/timeline';
import { useTexts } from '../app/context';
import { useSize } from '../parts/use-size';

interface Props {
  readonly moments: readonly Moment[];
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

const percent = (part: number): string => `${Math.round(part * 10_000) / 100}%`;

export function TimelineBar({ moments, atMs, silentSinceMs, onMove }: Props) {
  const t = useTexts();
  const [size, ref] = useSize();
  const last = moments.length - 1;
  const fromMs = moments[0]?.atMs ?? 0;
  const toMs = moments[last]?.atMs ?? 0;
  const shown = atMs === undefined ? last : moments.findIndex((moment) => moment.atMs >= atMs);
  const timeOf = (ms: number) => new Date(ms).toLocaleTimeString();
  const present = silentSinceMs === undefined ? t('timelineNow') : t('timelineSilent', { time: timeOf(silentSinceMs) });
  const text = atMs === undefined ? present : timeOf(atMs);
  const moveTo = (moment: Moment | undefined) =>
    onMove(moment === undefined || moment.atMs >= toMs ? undefined : moment.atMs);
  return (
    <div class="timeline">
      <button type="button" class="button small" disabled={atMs === undefined} onClick={() => onMove(undefined)}>
        {t('timelineLive')}
      </button>
      <div class="timeline-line" ref={ref}>
        <svg aria-hidden="true" class="timeline-marks">
          {spansOf(moments).map(({ from, to, mark }) => (
            <rect
              key={`${from} ${mark}`}
              class={`mark ${mark}`}
              x={percent(from)}
              width={percent(to - from)}
              height="6"
            />
          ))}
        </svg>
        <input
          type="range"
          min={fromMs}
          max={Math.max(fromMs, toMs)}
          value={moments[Math.max(0, shown)]?.atMs ?? 0}
          disabled={last < 1}
          aria-label={t('timeline')}
          aria-valuetext={text}
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
      <output class="timeline-time">{text}</output>
    </div>
  );
}
