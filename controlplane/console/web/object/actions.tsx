// The buttons of an object. The server is asked for each whether the user may; a button that the user may not use says why.
import { useEffect, useState } from 'preact/hooks';
import { type ActionId, actionsOf, questionOf } from '../../model/actions';
import type { Resource } from '../../model/discovery';
import type { KubeObject } from '../../model/objects';
import { hashOf, type ObjectRoute } from '../../model/routes';
import type { Access } from '../api/access';
import { useConsole, useTexts } from '../app/context';
import { ActionButton } from '../parts/controls';
import { DeleteDialog, RestartDialog, ScaleDialog } from './action-dialogs';

interface Props {
  readonly route: ObjectRoute;
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly tab: string;
  readonly onEdit: () => void;
}

/** Logs and terminals are tabs. */
const buttons = ['edit', 'scale', 'restart', 'delete'] as const;
type ButtonId = (typeof buttons)[number];

export function Actions({ route, resource, object, tab, onEdit }: Props) {
  const t = useTexts();
  const { go } = useConsole();
  const [open, setOpen] = useState<ButtonId>();
  const there = actionsOf(resource);
  const shown = buttons.filter((id) => there.includes(id));
  const refusals = useRefusals(shown, route);
  const onClick = (id: ButtonId) => {
    if (id !== 'edit') return setOpen(id);
    if (tab !== 'yaml') go({ ...route, tab: 'yaml' });
    onEdit();
  };
  const dialog = { route, resource, object, onClose: () => setOpen(undefined) };
  return (
    <div class="actions">
      {shown.map((id) => (
        <ActionButton
          key={id}
          label={t(id)}
          kind={id === 'delete' ? 'danger' : 'plain'}
          refusal={refusals[id]}
          onClick={() => onClick(id)}
        />
      ))}
      {open === 'delete' && <DeleteDialog {...dialog} />}
      {open === 'scale' && <ScaleDialog {...dialog} />}
      {open === 'restart' && <RestartDialog {...dialog} />}
    </div>
  );
}

/** Why the user may not use an action; nothing for one that the user may use. */
export function useRefusals(
  actions: readonly ActionId[],
  { resource, namespace, name }: ObjectRoute,
): Readonly<Partial<Record<ActionId, string>>> {
  const t = useTexts();
  const { access } = useConsole();
  const [found, setFound] = useState<Readonly<Partial<Record<ActionId, Access>>>>({});
  useEffect(() => {
    let isCurrent = true;
    for (const action of actions) {
      access.ask(questionOf(action, resource, namespace, name)).then(
        (answer) => isCurrent && setFound((before) => ({ ...before, [action]: answer })),
        // Without an answer the server itself refuses what the user may not do.
        () => isCurrent && setFound((before) => ({ ...before, [action]: { isAllowed: true, reason: '' } })),
      );
    }
    return () => {
      isCurrent = false;
    };
  }, [access, hashOf({ view: 'object', resource, namespace, name, tab: '' }), actions.join()]);
  const refusals: Partial<Record<ActionId, string>> = {};
  for (const action of actions) {
    const answer = found[action];
    if (!answer) refusals[action] = t('checkingAccess');
    else if (!answer.isAllowed) refusals[action] = [t('notAllowed'), answer.reason].filter(Boolean).join(' ');
  }
  return refusals;
}
