// The end of the tour: what was learned, a sentence for each chapter, and what to try next.
import type { PathReport } from '../../../base/path-report';
import { learnedOf, nextStepsOf } from '../../model/path/chapters';
import { pathHash } from '../../model/topology/path-ends';
import { useTexts } from '../app/context';
import { intend } from './intent';

interface Props {
  readonly report: PathReport;
  readonly asked: { readonly from: string; readonly to: string };
}

export function TourEnd({ report, asked }: Props) {
  const t = useTexts();
  return (
    <>
      <ul class="lesson learned">
        {learnedOf(report).map(({ key, values }) => (
          <li key={key}>{t(key, values)}</li>
        ))}
      </ul>
      <h3>{t('tryNext')}</h3>
      <ul class="lesson learned">
        {nextStepsOf(report, asked).map(({ key, values, ask }) => (
          <li key={key}>
            {t(key, values)}{' '}
            {ask && (
              <a
                class="button small"
                href={pathHash({ ...ask, ask: '1' })}
                onClick={({ currentTarget }) => intend(currentTarget.hash)}
              >
                {ask.from} → {ask.to}
              </a>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
