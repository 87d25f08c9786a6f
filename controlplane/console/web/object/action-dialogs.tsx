// The dialogs that ask before something happens: delete, scale, restart.
import { useState } from 'preact/hooks';
import { needsTypedName, restartPatch, scalePatch } from '../../model/actions';
import { messageOf } from '../../model/api-error';
import type { Resource } from '../../model/discovery';
import { type KubeObject, textAt } from '../../model/objects';
import { type ObjectRoute, objectPath } from '../../model/routes';
import type { RequestOptions } from '../api/requests';
import { useConsole, useTexts } from '../app/context';
import { Dialog } from '../parts/dialog';

interface Props {
  readonly route: ObjectRoute;
  readonly resource: Resource;
  readonly object: KubeObject;
  readonly onClose: () => void;
}

interface Sending {
  readonly isBusy: boolean;
  readonly problem: string;
  readonly send: (path: string, options: RequestOptions, done: string) => Promise<void>;
}

/** Sends the request, says that it is done and closes the dialog; a failure stays in the dialog. */
function useSending(onClose: () => void): Sending {
  const { api, say } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const send = async (path: string, options: RequestOptions, done: string) => {
    setBusy(true);
    setProblem('');
    try {
      await api.send(path, options);
      say(done);
      onClose();
    } catch (err) {
      setProblem(messageOf(err));
      setBusy(false);
    }
  };
  return { isBusy, problem, send };
}

export function DeleteDialog({ route, resource, object, onClose }: Props) {
  const t = useTexts();
  const { isBusy, problem, send } = useSending(onClose);
  const [typed, setTyped] = useState('');
  const { kind } = resource;
  const { name } = route;
  const mustType = needsTypedName(resource);
  const path = objectPath(route.resource, route.namespace, name);
  // Only the object that the reader sees: another one may have got its name since.
  const preconditions = { uid: object.metadata?.uid };
  const body = JSON.stringify({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions,
    propagationPolicy: 'Background',
  });
  return (
    <Dialog title={t('deleteTitle', { kind, name })} onClose={onClose}>
      <p>{t('deleteText')}</p>
      {mustType && (
        <label class="field">
          {t('deleteTyped', { name })}
          <input
            name="typed-name"
            autocomplete="off"
            spellcheck={false}
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
      )}
      <Buttons
        label={t('delete')}
        kind="danger"
        isDisabled={isBusy || (mustType && typed !== name)}
        problem={problem}
        onConfirm={() => void send(path, { method: 'DELETE', body }, t('deleted', { kind, name }))}
        onClose={onClose}
      />
    </Dialog>
  );
}

/** A typing error should not start a million pods. */
const maxReplicas = 10_000;

export function ScaleDialog({ route, resource, object, onClose }: Props) {
  const t = useTexts();
  const { isBusy, problem, send } = useSending(onClose);
  const present = Number(textAt(object.spec, 'replicas') || '0');
  const [replicas, setReplicas] = useState(present);
  const { kind } = resource;
  const { name } = route;
  const path = `${objectPath(route.resource, route.namespace, name)}/scale`;
  const options = { method: 'PATCH', type: 'application/merge-patch+json', body: scalePatch(replicas) };
  const isGood = Number.isInteger(replicas) && replicas >= 0 && replicas <= maxReplicas;
  const confirm = () => send(path, options, t('scaled', { kind, name, count: replicas }));
  return (
    <Dialog title={t('scaleTitle', { kind, name })} onClose={onClose}>
      <label class="field">
        {t('replicas')}
        <input
          name="replicas"
          type="number"
          min={0}
          max={maxReplicas}
          value={replicas}
          onInput={({ currentTarget }) => setReplicas(currentTarget.valueAsNumber)}
          onKeyDown={({ key }) => {
            if (key === 'Enter' && isGood && !isBusy) void confirm();
          }}
        />
      </label>
      <p class="muted">{t('scaleText', { count: present })}</p>
      {!isGood && (
        <p class="problem" role="alert">
          {t('scaleWrong', { max: maxReplicas })}
        </p>
      )}
      <Buttons
        label={t('scale')}
        kind="primary"
        isDisabled={isBusy || !isGood}
        problem={problem}
        onConfirm={() => void confirm()}
        onClose={onClose}
      />
    </Dialog>
  );
}

export function RestartDialog({ route, resource, onClose }: Props) {
  const t = useTexts();
  const { isBusy, problem, send } = useSending(onClose);
  const { kind } = resource;
  const { name } = route;
  const path = objectPath(route.resource, route.namespace, name);
  const restart = () => {
    const options = { method: 'PATCH', type: 'application/merge-patch+json', body: restartPatch(Date.now()) };
    return send(path, options, t('restarted', { kind, name }));
  };
  return (
    <Dialog title={t('restartTitle', { kind, name })} onClose={onClose}>
      <p>{t('restartText')}</p>
      <Buttons
        label={t('restart')}
        kind="primary"
        isDisabled={isBusy}
        problem={problem}
        onConfirm={() => void restart()}
        onClose={onClose}
      />
    </Dialog>
  );
}

interface ButtonsProps {
  readonly label: string;
  readonly kind: 'primary' | 'danger';
  readonly isDisabled: boolean;
  readonly problem: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

function Buttons({ label, kind, isDisabled, problem, onConfirm, onClose }: ButtonsProps) {
  const t = useTexts();
  return (
    <>
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="button" class="button" onClick={onClose}>
          {t('cancel')}
        </button>
        <button type="button" class={`button ${kind}`} disabled={isDisabled} onClick={onConfirm}>
          {label}
        </button>
      </div>
    </>
  );
}
