// What the page shows while a user edits an object: the editor, then the difference that a save would store; or, when another user has changed
// the object meanwhile, what that user has changed.
import { useEffect } from 'preact/hooks';
import type { Resource } from '../../model/discovery';
import { diffLines } from '../../model/line-diff';
import type { ObjectRoute } from '../../model/routes';
import { useConsole, useTexts } from '../app/context';
import { DiffText } from './diff-text';
import { Editor } from './editor';
import { type Draft, type Editing, useEditing } from './use-editing';

interface Props {
  readonly route: ObjectRoute;
  readonly resource: Resource;
  /** The text at the beginning; later changes of the object do not reach the editor. */
  readonly yaml: string;
  readonly draft: { current: Draft | undefined };
  /** Whether there is a text that is not saved. */
  readonly onDraft: (hasDraft: boolean) => void;
  readonly onDone: () => void;
}

interface StepProps {
  readonly editing: Editing;
  readonly object: { readonly kind: string; readonly name: string };
  readonly onDone: () => void;
}

export function Edit({ route, resource, yaml, draft, onDraft, onDone }: Props) {
  const editing = useEditing(route, yaml, draft);
  useEffect(() => onDraft(editing.hasChanged), [editing.hasChanged]);
  const object = { kind: resource.kind, name: route.name };
  const done = () => {
    draft.current = undefined;
    onDraft(false);
    onDone();
  };
  const steps = { writing: Writing, reviewing: Reviewing, conflict: Conflict };
  const Shown = steps[editing.step.name];
  return (
    <div class="edit">
      <Shown editing={editing} object={object} onDone={done} />
    </div>
  );
}

function Writing({ editing, object, onDone }: StepProps) {
  const t = useTexts();
  const { step, base, text } = editing;
  return (
    <>
      <Editor key={base} text={text} label={t('editLabel', object)} onChange={editing.write} />
      <Problem text={step.name === 'writing' ? step.problem : undefined} />
      <div class="buttons">
        {editing.hasChanged && <span class="muted">{t('unsaved')}</span>}
        <button type="button" class="button" onClick={onDone}>
          {t('discard')}
        </button>
        <button type="button" class="button primary" disabled={editing.isBusy} onClick={() => void editing.review()}>
          {t('review')}
        </button>
      </div>
    </>
  );
}

function Reviewing({ editing, object, onDone }: StepProps) {
  const t = useTexts();
  const { say } = useConsole();
  const { step, base } = editing;
  if (step.name !== 'reviewing') return null;
  const { checked, problem } = step;
  const saved = () => {
    say(t('saved', object));
    onDone();
  };
  return (
    <>
      <h2>{t('reviewTitle', object)}</h2>
      <p>{t('reviewText')}</p>
      <DiffText lines={diffLines(base, checked)} label={t('reviewTitle', object)} />
      <Problem text={problem} />
      <div class="buttons">
        <button type="button" class="button" onClick={editing.backToWriting}>
          {t('backToEditor')}
        </button>
        <button
          type="button"
          class="button primary"
          disabled={editing.isBusy}
          onClick={() => void editing.save(checked, saved)}
        >
          {t('save')}
        </button>
      </div>
    </>
  );
}

function Conflict({ editing }: StepProps) {
  const t = useTexts();
  const { step, base } = editing;
  if (step.name !== 'conflict') return null;
  const { newest } = step;
  return (
    <>
      <h2>{t('conflictTitle')}</h2>
      <p role="alert">{t('conflictText')}</p>
      <DiffText lines={diffLines(base, newest)} label={t('conflictTitle')} />
      <div class="buttons">
        <button type="button" class="button" onClick={editing.backToWriting}>
          {t('conflictKeep')}
        </button>
        <button
          type="button"
          class="button primary"
          disabled={newest === ''}
          onClick={() => editing.startAgain(newest)}
        >
          {t('conflictLoad')}
        </button>
      </div>
    </>
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
