// Editing an object: write, let the server check it by a dry run, read the difference, save. The text names the revision that it was
// read at, so a save never overwrites a change that the writer has not seen.
import { useEffect, useState } from 'preact/hooks';
import type { Resource } from '../../model/discovery';
import { diffLines } from '../../model/line-diff';
import { type ObjectRoute, objectPath } from '../../model/routes';
import { withoutManagedFields } from '../../model/yaml-text';
import { isStatus, messageOf } from '../api/requests';
import { useConsole, useTexts } from '../app/context';
import { DiffText } from './diff-text';
import { Editor } from './editor';

interface Props {
  readonly route: ObjectRoute;
  readonly resource: Resource;
  /** The text at the beginning; later changes of the object do not reach the editor. */
  readonly yaml: string;
  /** What was written before another tab was shown. */
  readonly draft: { current: Draft | undefined };
  readonly onDone: () => void;
}

export interface Draft {
  /** The text that the server had at the beginning. */
  readonly base: string;
  readonly text: string;
}

type Step =
  | { readonly name: 'writing'; readonly problem?: string }
  | { readonly name: 'reviewing'; readonly checked: string; readonly problem?: string }
  | { readonly name: 'conflict'; readonly newest: string };

const jsonType = 'application/json';
const yamlType = 'application/yaml';

export function Edit({ route, resource, yaml, draft, onDone }: Props) {
  const t = useTexts();
  const { api, say } = useConsole();
  const [base, setBase] = useState(draft.current?.base ?? yaml);
  const [text, setText] = useState(draft.current?.text ?? yaml);
  const [step, setStep] = useState<Step>({ name: 'writing' });
  const [isBusy, setBusy] = useState(false);
  const hasChanged = text !== base;
  useEffect(() => {
    draft.current = hasChanged ? { base, text } : undefined;
  }, [base, text]);
  useEffect(() => {
    if (!hasChanged) return undefined;
    // The browser asks before it leaves the page.
    const ask = (event: Event) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [hasChanged]);
  const done = () => {
    draft.current = undefined;
    onDone();
  };
  const { kind } = resource;
  const { name } = route;
  const path = objectPath(route.resource, route.namespace, name);
  const put = (query: string, accept: string) => {
    const options = { method: 'PUT', type: yamlType, accept, body: text };
    return api.text(`${path}?fieldManager=k8ts-console&fieldValidation=Strict${query}`, options);
  };
  /** Shows a conflict as one; other failures stay next to what the writer was doing. */
  const attempt = async (work: () => Promise<void>, failed: (problem: string) => Step) => {
    setBusy(true);
    try {
      await work();
    } catch (err) {
      if (!isStatus(err, 409)) setStep(failed(messageOf(err)));
      else {
        const newest = await api.text(path, { accept: yamlType }).catch(() => '');
        setStep({ name: 'conflict', newest: withoutManagedFields(newest) });
      }
    } finally {
      setBusy(false);
    }
  };
  const review = () =>
    attempt(
      async () => {
        // The first one is for its failures, which come in the form of the answer.
        await put('&dryRun=All', jsonType);
        setStep({ name: 'reviewing', checked: withoutManagedFields(await put('&dryRun=All', yamlType)) });
      },
      (problem) => ({ name: 'writing', problem }),
    );
  const save = (checked: string) =>
    attempt(
      async () => {
        await put('', jsonType);
        say(t('saved', { kind, name }));
        done();
      },
      (problem) => ({ name: 'reviewing', checked, problem }),
    );

  if (step.name === 'reviewing') {
    return (
      <div class="edit">
        <h2>{t('reviewTitle', { kind, name })}</h2>
        <p>{t('reviewText')}</p>
        <DiffText lines={diffLines(base, step.checked)} label={t('reviewTitle', { kind, name })} />
        <Problem text={step.problem} />
        <div class="buttons">
          <button type="button" class="button" onClick={() => setStep({ name: 'writing' })}>
            {t('backToEditor')}
          </button>
          <button type="button" class="button primary" disabled={isBusy} onClick={() => void save(step.checked)}>
            {t('save')}
          </button>
        </div>
      </div>
    );
  }
  if (step.name === 'conflict') {
    const startAgain = () => {
      setBase(step.newest);
      setText(step.newest);
      setStep({ name: 'writing' });
    };
    return (
      <div class="edit">
        <h2>{t('conflictTitle')}</h2>
        <p role="alert">{t('conflictText')}</p>
        <DiffText lines={diffLines(base, step.newest)} label={t('conflictTitle')} />
        <div class="buttons">
          <button type="button" class="button" onClick={() => setStep({ name: 'writing' })}>
            {t('conflictKeep')}
          </button>
          <button type="button" class="button primary" disabled={step.newest === ''} onClick={startAgain}>
            {t('conflictLoad')}
          </button>
        </div>
      </div>
    );
  }
  return (
    <div class="edit">
      <Editor key={base} text={text} label={t('editLabel', { kind, name })} onChange={setText} />
      <Problem text={step.problem} />
      <div class="buttons">
        {hasChanged && <span class="muted">{t('unsaved')}</span>}
        <button type="button" class="button" onClick={done}>
          {t('discard')}
        </button>
        <button type="button" class="button primary" disabled={isBusy} onClick={() => void review()}>
          {t('review')}
        </button>
      </div>
    </div>
  );
}

function Problem({ text }: { readonly text: string | undefined }) {
  const t = useTexts();
  if (text === undefined) return null;
  return (
    <div class="problem" role="alert">
      <strong>{t('invalidTitle')}</strong>
      <pre class="detail">{text}</pre>
    </div>
  );
}
