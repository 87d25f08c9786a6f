// A difference by lines. Each changed line has its sign, so no reader needs the colours.
import { type DiffLine, foldEqual, hasChanges } from '../../model/line-diff';
import { useTexts } from '../app/context';

const classes = { '+': 'added', '-': 'removed', ' ': 'equal' } as const;

export function DiffText({ lines, label }: { readonly lines: readonly DiffLine[]; readonly label: string }) {
  const t = useTexts();
  if (!hasChanges(lines)) return <p class="empty">{t('noChanges')}</p>;
  return (
    <pre class="diff" tabIndex={0} role="region" aria-label={label}>
      {foldEqual(lines).map((line, i) =>
        'skipped' in line ? (
          <span key={i} class="skipped">
            {t('equalLines', { count: line.skipped })}
            {'\n'}
          </span>
        ) : (
          <span key={i} class={classes[line.sign]}>
            {line.sign} {line.text}
            {'\n'}
          </span>
        ),
      )}
    </pre>
  );
}
