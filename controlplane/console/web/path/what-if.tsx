// The path as it would be with the manifests that the reader has typed: what changes for it, and by which rules.
import type { WhatIfReport } from '../../../base/path-report';
import { useTexts } from '../app/context';
import { Rule } from './hop-list';
import { VerdictBanner } from './verdict-banner';

export function WhatIf({ report }: { readonly report: WhatIfReport }) {
  const t = useTexts();
  const { sentence, verdict, objects, changes } = report;
  const lists = [
    { title: t('rulesNew'), rules: changes.flatMap(({ rulesNew }) => rulesNew) },
    { title: t('rulesGone'), rules: changes.flatMap(({ rulesGone }) => rulesGone) },
  ];
  return (
    <section class="what-if-result" aria-labelledby="what-if-title">
      <h2 id="what-if-title">{t('whatIfTitle')}</h2>
      <p>
        <strong>{sentence}</strong>
      </p>
      <ul>
        {objects.map(({ object, change, note }) => (
          <li key={object}>
            {object}: {change}
            {note !== undefined && <span class="muted"> ({note})</span>}
          </li>
        ))}
      </ul>
      <VerdictBanner verdict={verdict} />
      {lists.map(({ title, rules }) =>
        rules.length === 0 ? null : (
          <details key={title}>
            <summary>
              {title}: {rules.length}
            </summary>
            {rules.map((rule) => (
              <Rule key={`${rule.place} ${rule.rule}`} rule={rule} />
            ))}
          </details>
        ),
      )}
    </section>
  );
}
