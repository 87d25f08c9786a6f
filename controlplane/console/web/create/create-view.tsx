// Create objects from YAML: the editor with a template, then what the server would store of each document, then the objects.
import { useState } from 'preact/hooks';
import { templateOf } from '../../model/create/templates';
import type { Resource } from '../../model/discovery';
import { hashOf, home, type ObjectRoute, type Route, type ToolRoute } from '../../model/routes';
import type { Tone } from '../../model/tones';
import type { TextKey } from '../../texts/texts';
import { useConsole, useTexts } from '../app/context';
import { useKeeper } from '../app/leaving';
import { Editor } from '../object/editor';
import { YamlText } from '../object/yaml-tab';
import { Toned } from '../parts/controls';
import { type DocumentResult, type DocumentState, useCreating } from './use-creating';

const states: Readonly<Record<DocumentState, { readonly key: TextKey; readonly tone: Tone }>> = {
  checked: { key: 'createChecked', tone: 'good' },
  waits: { key: 'createWaits', tone: 'wait' },
  refused: { key: 'createRefused', tone: 'bad' },
  created: { key: 'createCreated', tone: 'good' },
  skipped: { key: 'createSkipped', tone: 'wait' },
};

export function CreateView({ route }: { readonly route: ToolRoute }) {
  const t = useTexts();
  const { resources, go, say } = useConsole();
  const { namespace, query } = route;
  const resource = resources.find(({ plural, group }) => `${plural}.${group}` === query['kind']);
  const [template] = useState(() => (resource ? templateOf(resource, namespace) : ''));
  const [text, setText] = useState(template);
  const creating = useCreating(text, namespace);
  const { step, results, isBusy } = creating;
  useKeeper(text !== template && step !== 'done' ? ['leaveDraft'] : [], ({ view }) => view === 'create');
  const leave = () => go(listOf(resource, namespace));
  const done = (made: readonly DocumentResult[]) => {
    say(t('createDone', { count: made.length }));
    const [only] = made;
    const to = only && routeOf(only);
    if (made.length === 1 && to) go(to);
  };
  return (
    <section class="create" aria-labelledby="view-title">
      <div class="view-head">
        <h1 id="view-title">{t('create')}</h1>
        <p class="muted">
          {t(step === 'writing' ? 'createHint' : step === 'reviewing' ? 'createReview' : 'createAll')}
        </p>
      </div>
      {step === 'writing' && (
        <div class="edit">
          <Editor text={text} label={t('createLabel')} onChange={setText} />
        </div>
      )}
      {results.length > 0 && <Results results={results} />}
      <div class="buttons">
        {step === 'reviewing' && (
          <button type="button" class="button" disabled={isBusy} onClick={creating.backToWriting}>
            {t('backToEditor')}
          </button>
        )}
        <button type="button" class="button" onClick={leave}>
          {t(step === 'done' ? 'close' : 'cancel')}
        </button>
        {step === 'writing' && (
          <button
            type="button"
            class="button primary"
            disabled={isBusy || creating.isEmpty}
            onClick={() => void creating.review()}
          >
            {t('createCheck')}
          </button>
        )}
        {step === 'reviewing' && (
          <button type="button" class="button primary" disabled={isBusy} onClick={() => void creating.create(done)}>
            {t('create')}
          </button>
        )}
      </div>
    </section>
  );
}

const listOf = (resource: Resource | undefined, namespace: string): Route =>
  resource
    ? { view: 'list', resource, namespace: resource.namespaced ? namespace : '', labelSelector: '' }
    : { ...home, namespace };

const routeOf = ({ target, name }: DocumentResult): ObjectRoute | undefined =>
  target && { view: 'object', resource: target.resource, namespace: target.namespace, name, tab: 'summary' };

function Results({ results }: { readonly results: readonly DocumentResult[] }) {
  return (
    <ol class="documents" aria-live="polite">
      {results.map((result, i) => (
        <DocumentItem key={i} result={result} number={i + 1} />
      ))}
    </ol>
  );
}

function DocumentItem({ result, number }: { readonly result: DocumentResult; readonly number: number }) {
  const t = useTexts();
  const { document, target, state, name, yaml, problem } = result;
  const { key, tone } = states[state];
  const to = state === 'created' ? routeOf(result) : undefined;
  const title = [document.kind, [target?.namespace, name].filter(Boolean).join('/')].filter(Boolean).join(' ');
  return (
    <li>
      <p>
        <span class="muted">{t('createDocument', { number, line: document.line })}</span>{' '}
        <strong>{to ? <a href={hashOf(to)}>{title}</a> : title}</strong> <Toned tone={tone} text={t(key)} />
      </p>
      {problem !== undefined && (
        <pre class="detail problem" role="alert">
          {problem}
        </pre>
      )}
      {yaml !== undefined && state === 'checked' && (
        <details>
          <summary>{t('createStored')}</summary>
          <YamlText yaml={yaml} label={`${t('createStored')}: ${title}`} />
        </details>
      )}
    </li>
  );
}
