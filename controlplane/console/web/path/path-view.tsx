// `k8ts path` in the page: a question, the hops of the answer, and a tour through them.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PathReport } from '../../../base/path-report';
import { isAbort, messageOf } from '../../model/api-error';
import { hashOf, routeOf, type ToolRoute } from '../../model/routes';
import { useConsole, useTexts } from '../app/context';
import { replaceRoute } from '../app/use-route';
import { Notice } from '../parts/notice';
import { HopList } from './hop-list';
import { intend, takeIntention } from './intent';
import { QuestionForm } from './question-form';
import { Tour } from './tour';
import { VerdictBanner } from './verdict-banner';
import { WhatIf } from './what-if';

const path = '/apis/path.k8ts.io/v1alpha1/packetpaths';

type Answer =
  | { readonly state: 'none' }
  | { readonly state: 'asking' }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'there'; readonly report: PathReport };

export function PathView({ route }: { readonly route: ToolRoute }) {
  const t = useTexts();
  const { api, go } = useConsole();
  const { from = '', to = '', ask, tour, probe } = route.query;
  const [answer, setAnswer] = useState<Answer>({ state: 'none' });
  const [attempt, setAttempt] = useState(0);
  // Not in the address: a manifest may be long, and is the reader's own.
  const [whatIf, setWhatIf] = useState('');
  const result = useRef<HTMLDivElement>(null);
  const question = ask === undefined ? '' : JSON.stringify([from, to, probe, whatIf]);

  useEffect(() => {
    // Without a question an answer would be that of another one.
    if (question === '') setAnswer({ state: 'none' });
    // The address has changed meanwhile, and the view follows. One that a person has typed is not encoded as ours.
    if (question === '' || hashOf(route) !== hashOf(routeOf(location.hash))) return undefined;
    const stop = new AbortController();
    setAnswer({ state: 'asking' });
    const isIntended = takeIntention();
    const spec = { from, to, probe: probe !== 'no' && isIntended, ...(whatIf === '' ? {} : { whatIf }) };
    api
      .create<{ readonly status: PathReport }>(
        path,
        { apiVersion: 'path.k8ts.io/v1alpha1', kind: 'PacketPath', spec },
        stop.signal,
      )
      .then(
        ({ status }) => {
          setAnswer({ state: 'there', report: status });
          result.current?.focus();
        },
        (error: unknown) => {
          if (!isAbort(error)) setAnswer({ state: 'failed', error });
        },
      );
    return () => stop.abort();
  }, [api, question, attempt]);

  const query = { from, to, ask: '1', ...(probe === undefined ? {} : { probe }) };
  const step = tour === undefined ? undefined : Number(tour) || 0;
  const show = (next: number | undefined) =>
    replaceRoute({ ...route, query: next === undefined ? query : { ...query, tour: String(next) } });
  return (
    <section class="path-view" aria-labelledby="view-title">
      <div class="view-head">
        <h1 id="view-title">{t('path')}</h1>
        <p class="muted">{t('pathIntro')}</p>
      </div>
      <QuestionForm
        key={`${from} ${to}`}
        from={from}
        to={to}
        sendsProbe={probe !== 'no'}
        whatIf={whatIf}
        isAsking={answer.state === 'asking'}
        onAsk={(next) => {
          const asked = { from: next.from, to: next.to, ask: '1', ...(next.sendsProbe ? {} : { probe: 'no' }) };
          const nextRoute = { ...route, query: asked };
          intend(hashOf(nextRoute));
          go(nextRoute);
          setWhatIf(next.whatIf);
          setAttempt(attempt + 1);
        }}
      />
      <div ref={result} class="path-result" tabIndex={-1} aria-live="polite" aria-busy={answer.state === 'asking'}>
        {answer.state === 'asking' && <p class="loading">{t('pathAsking')}</p>}
        {answer.state === 'failed' && <Notice title={t('failedTitle')} text={messageOf(answer.error)} />}
        {answer.state === 'there' && (
          <>
            <VerdictBanner
              verdict={answer.report.verdict}
              {...(answer.report.probed ? {} : { note: t('notProbed') })}
            />
            {answer.report.whatIf && <WhatIf report={answer.report.whatIf} />}
            {step === undefined ? (
              <>
                <p>
                  <button type="button" class="button" onClick={() => show(0)}>
                    {t('tourStart')}
                  </button>
                </p>
                <HopList report={answer.report} />
              </>
            ) : (
              <Tour report={answer.report} asked={{ from, to }} step={step} onStep={show} />
            )}
          </>
        )}
      </div>
    </section>
  );
}
