// The last minutes as a line: a reader goes back on it, or returns to the present.
import type { Moment } from '../../model/topology/timeline';
import { useTexts } from '../app/context';

interface Props {
  readonly moments: readonly Moment[];
  /** The time of the moment that is shown; undefined: the present. */
  readonly atMs: number | undefined;
  /** Present: no answer has come since then, so the present is not known. */
  readonly silentSinceMs: number | undefined;
  readonly onMove: (atMs: number | undefined) => void;
}

const markHeight = 14;

export function TimelineBar({ moments, atMs, silentSinceMs, onMove }: Props) {
  const t = useTexts();
  const last = moments.length - 1;
  const shown = atMs === undefined ? last : moments.findIndex((moment) => moment.atMs >= atMs);
  const timeOf = (ms: number) => new Date(ms).toLocaleTimeString();
  const present = silentSinceMs === undefined ? t('timelineNow') : t('timelineSilent', { time: timeOf(silentSinceMs) });
  const text = atMs === undefined ? present : timeOf(atMs);
  return (
    <div class="timeline">
      <button type="button" class="button small" disabled={atMs === undefined} onClick={() => onMove(undefined)}>
        {t('timelineLive')}
      </button>
      <div class="timeline-line">
        <svg
          aria-hidden="true"
          class="timeline-marks"
          viewBox={`0 0 ${Math.max(1, last)} ${markHeight}`}
          preserveAspectRatio="none"
        >
          {moments.map(({ mark, atMs: time }, i) =>
            mark === undefined ? null : (
              <rect key={time} class={`mark ${mark}`} x={i - 0.4} y={0} width={0.8} height={markHeight} />
            ),
          )}
        </svg>
        <input
          type="range"
          min={0}
          max={Math.max(0, last)}
          value={Math.max(0, shown)}
          disabled={last < 1}
          aria-label={t('timeline')}
          aria-valuetext={text}
          onInput={({ currentTarget }) => {
            const next = Number(currentTarget.value);
            onMove(next >= last ? undefined : moments[next]?.atMs);
          }}
        />
      </div>
      <output class="timeline-time">{text}</output>
    </div>
  );
}
