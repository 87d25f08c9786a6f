// The chapters of the tour, with a dot for each of their steps. A click begins a chapter.
import type { Chapter, ChapterKind } from '../../model/path/chapters';
import type { TextKey } from '../../texts/texts';
import { useTexts } from '../app/context';

const titles = {
  name: 'chapterName',
  ingress: 'chapterIngress',
  service: 'chapterService',
  node: 'chapterNode',
  policy: 'chapterPolicy',
  container: 'chapterContainer',
  answer: 'chapterAnswer',
} as const satisfies Readonly<Record<ChapterKind, TextKey>>;

interface Props {
  readonly chapters: readonly Chapter[];
  /** The step that is shown; `last` is the end, behind all chapters. */
  readonly at: number;
  readonly last: number;
  readonly onStep: (step: number) => void;
}

export function TourChapters({ chapters, at, last, onStep }: Props) {
  const t = useTexts();
  const starts = chapters.map((_, i) => chapters.slice(0, i).reduce((sum, { steps }) => sum + steps.length, 0));
  return (
    <nav aria-label={t('chapters')}>
      <ol class="tour-chapters">
        {chapters.map(({ kind, steps }, i) => {
          const start = starts[i]!;
          const isHere = at >= start && at < start + steps.length;
          return (
            <li key={start}>
              <button
                type="button"
                class="link-button"
                aria-current={isHere ? 'step' : undefined}
                onClick={() => onStep(start)}
              >
                {t(titles[kind])}
              </button>
              <div class="tour-line" aria-hidden="true">
                {steps.map(({ index, state, leg }, at0) => {
                  const own = start + at0;
                  const place = own === at ? ' here' : own < at ? ' done' : '';
                  return <span key={index} class={`tour-dot ${state}${place} ${leg}`} />;
                })}
              </div>
            </li>
          );
        })}
        <li>
          <button
            type="button"
            class="link-button"
            aria-current={at === last ? 'step' : undefined}
            onClick={() => onStep(last)}
          >
            {t('learnedTitle')}
          </button>
        </li>
      </ol>
    </nav>
  );
}
