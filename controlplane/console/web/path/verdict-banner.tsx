// The one sentence of the answer, and what to change.
import type { Verdict } from '../../../base/path-report';
import { useTexts } from '../app/context';
import { Copyable } from '../parts/controls';

const tones = { yes: 'good', no: 'bad', unsure: 'wait' } as const;
const titles = { yes: 'verdictYes', no: 'verdictNo', unsure: 'verdictUnsure' } as const;

interface Props {
  readonly verdict: Verdict;
  readonly note?: string;
}

export function VerdictBanner({ verdict, note }: Props) {
  const t = useTexts();
  const { works, sentence, remedy, code } = verdict;
  return (
    <div class={`verdict ${tones[works]}`}>
      <h2>
        {t(titles[works])}
        {code !== undefined && <code class="code"> {code}</code>}
      </h2>
      <p>{sentence}</p>
      {remedy !== undefined && (
        <p>
          {t('remedy')} <Copyable text={remedy} />
        </p>
      )}
      {note !== undefined && <p class="muted">{note}</p>}
    </div>
  );
}
