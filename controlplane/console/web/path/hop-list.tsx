// All hops of a path, in the order in which the kernel takes them, machine by machine.
import { useState } from 'preact/hooks';
import type { HopRule } from '../../../base/hops';
import type { Leg, PathReport } from '../../../base/path-report';
import { firstFailing, foldsOf } from '../../model/path/folds';
import { packetText, type Step, sectionsOf } from '../../model/path/steps';
import type { TextKey } from '../../texts/texts';
import { useTexts } from '../app/context';

const legTexts = {
  name: 'legName',
  request: 'legRequest',
  upstream: 'legUpstream',
  answer: 'legAnswer',
} as const satisfies Readonly<Record<Leg, TextKey>>;
export const stateMarks = { passes: '✓', stops: '✕', doubtful: '!', unknown: '?' } as const;
const stateTexts = {
  passes: 'hopPasses',
  stops: 'hopStops',
  doubtful: 'hopDoubtful',
  unknown: 'hopUnknown',
} as const satisfies Readonly<Record<Step['state'], TextKey>>;

export function HopList({ report }: { readonly report: PathReport }) {
  const t = useTexts();
  const [showsAll, setShowsAll] = useState(false);
  const sections = sectionsOf(report).map((section) => ({ ...section, folds: foldsOf(section.steps) }));
  const quiet = sections.flatMap(({ folds }) => folds.filter((fold) => fold.isQuiet).flatMap(({ steps }) => steps));
  const failing = firstFailing(report);
  return (
    <>
      {quiet.length > 0 && (
        <p>
          <button type="button" class="button small" aria-pressed={showsAll} onClick={() => setShowsAll(!showsAll)}>
            {t('showAllHops', { count: report.hops.length })}
          </button>
        </p>
      )}
      <ol class="legs">
        {sections.map(({ leg, node, steps, folds }) => (
          <li key={steps[0]?.index} class={`leg ${leg}`}>
            <h3>
              {t(legTexts[leg])}
              {node !== undefined && <span class="muted"> · {t('onNode', { node })}</span>}
            </h3>
            <ol class="hops">
              {folds.map((fold) =>
                fold.isQuiet && !showsAll ? (
                  <QuietHops key={fold.steps[0]?.index} steps={fold.steps} />
                ) : (
                  fold.steps.map((step) => <HopItem key={step.index} step={step} isOpen={step.index === failing} />)
                ),
              )}
            </ol>
          </li>
        ))}
      </ol>
    </>
  );
}

/** One line in place of several hops at which nothing happens; it opens. */
function QuietHops({ steps }: { readonly steps: readonly Step[] }) {
  const t = useTexts();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <li class="hop quiet-hops">
        <button type="button" class="link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {t('quietHops', { count: steps.length })}
        </button>{' '}
        {!isOpen && <span class="muted">{steps.map(({ name }) => name).join(' → ')}</span>}
      </li>
      {isOpen && steps.map((step) => <HopItem key={step.index} step={step} isOpen={false} />)}
    </>
  );
}

function HopItem({ step, isOpen }: { readonly step: Step; readonly isOpen: boolean }) {
  return (
    <li class={`hop ${step.state}${step.isGuilty ? ' guilty' : ''}`}>
      <HopDetails step={step} isOpen={isOpen} />
    </li>
  );
}

/** A hop with all that is known: closed, it is one line. */
function HopDetails({ step, isOpen }: { readonly step: Step; readonly isOpen: boolean }) {
  const { facts, rules = [], becomes, fault } = step;
  if (facts.length === 0 && rules.length === 0 && !becomes && !fault) return <HopHead step={step} />;
  return (
    <details open={isOpen}>
      <summary>
        <HopHead step={step} />
      </summary>
      <HopBody step={step} />
    </details>
  );
}

function HopHead({ step: { state, kind, name, becomes, facts } }: { readonly step: Step }) {
  const t = useTexts();
  return (
    <span class="hop-head">
      <span class="hop-mark" title={t(stateTexts[state])}>
        <span aria-hidden="true">{stateMarks[state]}</span>
        <span class="hidden-text">{t(stateTexts[state])}</span>
      </span>
      <strong>{name}</strong> <span class="hop-kind">{kind}</span>{' '}
      <span class="muted">{becomes ? packetText(becomes) : facts[0]}</span>
    </span>
  );
}

export function HopBody({ step: { facts, rules = [], becomes, fault } }: { readonly step: Step }) {
  const t = useTexts();
  return (
    <div class="hop-body">
      {fault && (
        <p class="hop-fault">
          <code>{fault.code}</code> {fault.message}
          {fault.remedy && <code class="remedy">{fault.remedy}</code>}
        </p>
      )}
      {facts.length > 0 && (
        <ul class="hop-facts">
          {facts.map((fact) => (
            <li key={fact}>{fact}</li>
          ))}
        </ul>
      )}
      {rules.map((rule) => (
        <Rule key={`${rule.place} ${rule.rule}`} rule={rule} />
      ))}
      {becomes && (
        <p>
          {t('packetBecomes')} <code>{packetText(becomes)}</code>
        </p>
      )}
    </div>
  );
}

export function Rule({
  rule: { place, rule, verdict, objects, writer, packets, since, byChance },
}: {
  readonly rule: HopRule;
}) {
  const t = useTexts();
  const notes = [
    ...objects,
    ...(writer === undefined ? [] : [t('writtenBy', { writer })]),
    ...(packets === undefined ? [] : [t('packetsCounted', { count: packets })]),
    ...(since === undefined ? [] : [t('ruleSince', { time: new Date(since).toLocaleString() })]),
    ...(byChance ? [t('byChance')] : []),
  ];
  return (
    <div class="hop-rule">
      <p>
        <span class="muted">{place}</span> → <strong>{verdict}</strong>
      </p>
      <pre class="rule">{rule}</pre>
      {notes.length > 0 && <p class="muted">{notes.join(' · ')}</p>}
    </div>
  );
}
