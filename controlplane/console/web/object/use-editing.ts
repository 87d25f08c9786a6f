// The steps of editing an object: write, let the server check it by a dry run, read the difference, save. The text names the revision
// that it was read at, so a save never overwrites a change that the writer has not seen.
import { useEffect, useState } from 'preact/hooks';
import { isStatus, messageOf } from '../../model/api-error';
import { type ObjectRoute, objectPath } from '../../model/routes';
import { withoutManagedFields } from '../../model/yaml-text';
import { useConsole } from '../app/context';

export interface Draft {
  /** The text that the server had at the beginning. */
  readonly base: string;
  readonly text: string;
}

export type Step =
  | { readonly name: 'writing'; readonly problem?: string }
  | { readonly name: 'reviewing'; readonly checked: string; readonly problem?: string }
  | { readonly name: 'conflict'; readonly newest: string };

export interface Editing extends Draft {
  readonly step: Step;
  readonly isBusy: boolean;
  readonly hasChanged: boolean;
  readonly write: (text: string) => void;
  readonly backToWriting: () => void;
  readonly startAgain: (newest: string) => void;
  readonly review: () => Promise<void>;
  /** Calls `done` when it is saved. */
  readonly save: (checked: string, done: () => void) => Promise<void>;
}

const jsonType = 'application/json';
const yamlType = 'application/yaml';

/** `draft`: what was written before another tab was shown. */
export function useEditing(route: ObjectRoute, yaml: string, draft: { current: Draft | undefined }): Editing {
  const { api } = useConsole();
  const [base, setBase] = useState(draft.current?.base ?? yaml);
  const [text, setText] = useState(draft.current?.text ?? yaml);
  const [step, setStep] = useState<Step>({ name: 'writing' });
  const [isBusy, setBusy] = useState(false);
  const hasChanged = text !== base;
  useEffect(() => {
    draft.current = hasChanged ? { base, text } : undefined;
  }, [base, text]);

  const path = objectPath(route.resource, route.namespace, route.name);
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
  return {
    base,
    text,
    step,
    isBusy,
    hasChanged,
    write: setText,
    backToWriting: () => setStep({ name: 'writing' }),
    startAgain: (newest) => {
      setBase(newest);
      setText(newest);
      setStep({ name: 'writing' });
    },
    review: () =>
      attempt(
        async () => {
          // The first one is for its failures, which come in the form of the answer.
          await put('&dryRun=All', jsonType);
          setStep({ name: 'reviewing', checked: withoutManagedFields(await put('&dryRun=All', yamlType)) });
        },
        (problem) => ({ name: 'writing', problem }),
      ),
    save: (checked, done) =>
      attempt(
        async () => {
          await put('', jsonType);
          draft.current = undefined;
          done();
        },
        (problem) => ({ name: 'reviewing', checked, problem }),
      ),
  };
}
