// The YAML of an object: to read, with colours; to edit, in an editor that is loaded when it is needed.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { isAbort, messageOf } from '../../model/api-error';
import type { Resource } from '../../model/discovery';
import type { KubeObject } from '../../model/objects';
import { type ObjectRoute, objectPath } from '../../model/routes';
import { partsOfLine, withoutManagedFields } from '../../model/yaml-text';
import { useConsole, useTexts } from '../app/context';
import { Loading, Notice } from '../parts/notice';
import { Edit } from './edit';
import type { Draft } from './use-editing';

interface Props {
  readonly route: ObjectRoute;
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly isEditing: boolean;
  readonly isGone: boolean;
  readonly draft: { current: Draft | undefined };
  readonly onEditing: (isEditing: boolean) => void;
  readonly onDraft: (hasDraft: boolean) => void;
}

export const yamlType = 'application/yaml';

export function YamlTab({ route, resource, object, isEditing, isGone, draft, onEditing, onDraft }: Props) {
  const t = useTexts();
  const { api } = useConsole();
  const [yaml, setYaml] = useState<string>();
  const [problem, setProblem] = useState<string>();
  // The server writes the YAML, so it is read again when the object has changed.
  useEffect(() => {
    if (isGone) return undefined;
    const stop = new AbortController();
    const path = objectPath(route.resource, route.namespace, route.name);
    api.text(path, { accept: yamlType, signal: stop.signal }).then(
      (text) => {
        setYaml(withoutManagedFields(text));
        setProblem(undefined);
      },
      (err: unknown) => isAbort(err) || setProblem(messageOf(err)),
    );
    return () => stop.abort();
  }, [api, object.metadata?.resourceVersion, isGone]);
  if (problem !== undefined && yaml === undefined) return <Notice title={t('failedTitle')} text={problem} />;
  if (yaml === undefined) return <Loading />;
  if (isEditing) return <Edit {...{ route, resource, yaml, draft, onDraft }} onDone={() => onEditing(false)} />;
  return <YamlText yaml={yaml} label={t('tabYaml')} />;
}

export function YamlText({ yaml, label }: { readonly yaml: string; readonly label: string }) {
  const lines = useMemo(() => yaml.trimEnd().split('\n').map(partsOfLine), [yaml]);
  return (
    <pre class="yaml" tabIndex={0} role="region" aria-label={label}>
      {lines.map((parts, i) => (
        <span key={i}>
          {parts.map(({ kind, text }, at) =>
            kind === 'space' ? (
              text
            ) : (
              <span key={at} class={`yaml-${kind}`}>
                {text}
              </span>
            ),
          )}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
