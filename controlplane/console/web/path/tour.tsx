// The tour: chapters of one hop after another, from the sender to the container and back, with what a person who learns should know about such
// a hop; at its end what was learned.
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { HopKind } from '../../../base/hops';
import type { PathReport } from '../../../base/path-report';
import { chaptersOf } from '../../model/path/chapters';
import type { Step } from '../../model/path/steps';
import type { TextKey } from '../../texts/texts';
import { useTexts } from '../app/context';
import { HopBody, stateMarks } from './hop-list';
import { TourChapters } from './tour-chapters';
import { TourEnd } from './tour-end';

const lessons = {
  name: 'lessonName',
  choice: 'lessonChoice',
  proxy: 'lessonProxy',
  interface: 'lessonInterface',
  hook: 'lessonHook',
  routing: 'lessonRouting',
  neighbour: 'lessonNeighbour',
  tunnel: 'lessonTunnel',
  socket: 'lessonSocket',
  machine: 'lessonMachine',
  probe: 'lessonProbe',
} as const satisfies Readonly<Record<HopKind, TextKey>>;

interface Props {
  readonly report: PathReport;
  /** What the reader has asked, as written. */
  readonly asked: { readonly from: string; readonly to: string };
  /** Behind the last hop stands what was learned. */
  readonly step: number;
  /** undefined: the tour ends. */
  readonly onStep: (step: number | undefined) => void;
}

export function Tour({ report, asked, step, onStep }: Props) {
  const t = useTexts();
  const chapters = chaptersOf(report);
  const steps = chapters.flatMap((chapter) => chapter.steps);
  const last = steps.length;
  const at = Math.min(Math.max(0, step), last);
  const hop = steps[at];
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [at]);
  // Keys come faster than the address of the page changes.
  const aim = useRef(at);
  useLayoutEffect(() => {
    aim.current = at;
  }, [at]);
  // Before the reader sees the step: a key that is pressed at once counts, too.
  useLayoutEffect(() => {
    const onKey = ({ key, target }: KeyboardEvent) => {
      if (target instanceof HTMLElement && target.matches('input, select, textarea')) return;
      const by = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
      const next = Math.min(Math.max(0, aim.current + by), last);
      if (next === aim.current) return;
      aim.current = next;
      onStep(next);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [last, onStep]);
  return (
    <section class="tour" aria-labelledby="tour-title">
      <TourChapters chapters={chapters} at={at} last={last} onStep={onStep} />
      <p class="muted">
        {t('tourStep', { step: at + 1, count: last + 1 })}
        {hop?.node !== undefined && ` · ${t('onNode', { node: hop.node })}`}
      </p>
      <h2 id="tour-title" ref={title} tabIndex={-1}>
        {hop ? <HopTitle hop={hop} /> : t('learnedTitle')}
      </h2>
      {hop ? (
        <>
          <p class="lesson">{t(lessons[hop.kind])}</p>
          <HopBody step={hop} />
        </>
      ) : (
        <TourEnd report={report} asked={asked} />
      )}
      <p class="tour-buttons">
        <button type="button" class="button" disabled={at === 0} onClick={() => onStep(at - 1)}>
          {t('tourBack')}
        </button>
        <button type="button" class="button primary" disabled={at === last} onClick={() => onStep(at + 1)}>
          {t('tourNext')}
        </button>
        <button type="button" class="button" onClick={() => onStep(undefined)}>
          {t('tourEnd')}
        </button>
      </p>
    </section>
  );
}

function HopTitle({ hop: { leg, name, state } }: { readonly hop: Step }) {
  const t = useTexts();
  return (
    <>
      <span aria-hidden="true">{stateMarks[state]}</span> {name}
      {leg === 'answer' && <span class="muted"> · {t('legAnswer')}</span>}
    </>
  );
}
