// The steps of creating: write, let the server check each document by a dry run, read what it would store, create. What has been created is
// not sent a second time when a later document is refused.
import { useState } from 'preact/hooks';
import { isStatus, messageOf } from '../../model/api-error';
import { documentsOf, type Target, targetOf, type YamlDocument } from '../../model/create/documents';
import type { KubeObject } from '../../model/objects';
import { withoutManagedFields } from '../../model/yaml-text';
import type { Api } from '../api/requests';
import { useConsole, useTexts } from '../app/context';

/**
 * `waits`: its namespace is created by the same text, so the server cannot check it yet. `skipped`: an earlier one was refused while they were
 * created.
 */
export type DocumentState = 'checked' | 'waits' | 'refused' | 'created' | 'skipped';

export interface DocumentResult {
  readonly document: YamlDocument;
  readonly target?: Target;
  readonly state: DocumentState;
  /** The server chooses it for `generateName`. */
  readonly name: string;
  /** What the server would store. */
  readonly yaml?: string;
  readonly problem?: string;
}

export interface Creating {
  readonly step: 'writing' | 'reviewing' | 'done';
  readonly results: readonly DocumentResult[];
  readonly isBusy: boolean;
  readonly isEmpty: boolean;
  readonly review: () => Promise<void>;
  readonly backToWriting: () => void;
  /** Calls `done` when all are created. */
  readonly create: (done: (results: readonly DocumentResult[]) => void) => Promise<void>;
}

const yamlType = 'application/yaml';
const query = 'fieldManager=k8ts-console&fieldValidation=Strict';

export function useCreating(text: string, namespace: string): Creating {
  const t = useTexts();
  const { api, resources } = useConsole();
  const [step, setStep] = useState<Creating['step']>('writing');
  const [results, setResults] = useState<readonly DocumentResult[]>([]);
  const [isBusy, setBusy] = useState(false);

  const check = async (document: YamlDocument, newNamespaces: ReadonlySet<string>): Promise<DocumentResult> => {
    const { name, apiVersion, kind } = document;
    if (kind === '' || apiVersion === '') return { document, name, state: 'refused', problem: t('createNoKind') };
    const target = targetOf(document, resources, namespace);
    if (!target) {
      const problem = t('unknownKind', { kind: `${apiVersion} ${kind}` });
      return { document, name, state: 'refused', problem };
    }
    try {
      // The first one is for its failures, which come in the form of the answer.
      const object = await post<KubeObject>(api, document, target, '&dryRun=All');
      const yaml = await api.text(`${target.path}?${query}&dryRun=All`, {
        ...{ method: 'POST', type: yamlType, accept: yamlType, body: document.body },
      });
      const chosen = object.metadata?.name ?? name;
      return { document, target, name: chosen, state: 'checked', yaml: withoutManagedFields(yaml) };
    } catch (err) {
      if (isStatus(err, 404) && newNamespaces.has(target.namespace)) return { document, target, name, state: 'waits' };
      return { document, target, name, state: 'refused', problem: messageOf(err) };
    }
  };

  const review = async () => {
    setBusy(true);
    const checked: DocumentResult[] = [];
    const newNamespaces = new Set<string>();
    for (const document of documentsOf(text)) {
      const result = await check(document, newNamespaces);
      if (document.kind === 'Namespace' && result.state === 'checked') newNamespaces.add(result.name);
      checked.push(result);
    }
    setResults(checked);
    setStep(checked.some(({ state }) => state === 'refused') ? 'writing' : 'reviewing');
    setBusy(false);
  };

  const create = async (done: (results: readonly DocumentResult[]) => void) => {
    setBusy(true);
    const after: DocumentResult[] = [];
    let isStopped = false;
    for (const result of results) {
      if (isStopped && result.state !== 'created') after.push({ ...result, state: 'skipped' });
      else after.push(result.state === 'created' ? result : await createOne(api, result));
      isStopped ||= after.at(-1)?.state === 'refused';
      setResults([...after, ...results.slice(after.length)]);
    }
    setBusy(false);
    if (isStopped) return;
    setStep('done');
    done(after);
  };

  return {
    step,
    results,
    isBusy,
    isEmpty: documentsOf(text).length === 0,
    review,
    backToWriting: () => {
      setResults([]);
      setStep('writing');
    },
    create,
  };
}

const post = <T>(api: Api, { body }: YamlDocument, { path }: Target, more: string): Promise<T> =>
  api.json<T>(`${path}?${query}${more}`, { method: 'POST', type: yamlType, body });

async function createOne(api: Api, result: DocumentResult): Promise<DocumentResult> {
  const { document, target, problem: _, ...rest } = result;
  if (!target) return result;
  try {
    const { metadata } = await post<KubeObject>(api, document, target, '');
    return { ...rest, document, target, name: metadata?.name ?? result.name, state: 'created' };
  } catch (err) {
    return { ...rest, document, target, state: 'refused', problem: messageOf(err) };
  }
}
