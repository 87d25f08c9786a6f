// The way from a list to the editor for a new object; for users who may create one here.
import { useEffect, useState } from 'preact/hooks';
import type { Resource } from '../../model/discovery';
import { hashOf } from '../../model/routes';
import { useConsole, useTexts } from '../app/context';

interface Props {
  readonly resource: Resource;
  readonly namespace: string;
}

export function CreateLink({ resource, namespace }: Props) {
  const t = useTexts();
  const { access } = useConsole();
  const [isAllowed, setAllowed] = useState(false);
  const { group, version, plural, verbs } = resource;
  useEffect(() => {
    if (!verbs.includes('create')) return undefined;
    let isCurrent = true;
    const question = { group, version, resource: plural, subresource: '', verb: 'create', namespace, name: '' };
    access.ask(question).then(
      (answer) => isCurrent && setAllowed(answer.isAllowed),
      () => {},
    );
    return () => {
      isCurrent = false;
    };
  }, [access, resource, namespace]);
  if (!isAllowed) return null;
  const query = { kind: `${plural}.${group}` };
  return (
    <a class="button" href={hashOf({ view: 'create', namespace, query })}>
      {t('create')}
    </a>
  );
}
