// A shell in a container. The terminal is loaded with the tab; it connects when the reader says so, since a shell changes the container.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import { execQuery, shellCommand } from '../../model/exec-frames';
import { containersOf, type KubeObject } from '../../model/objects';
import { type ObjectRoute, objectPath } from '../../model/routes';
import { connectionLost } from '../api/exec';
import { useConsole, useTexts } from '../app/context';
import { ActionButton } from '../parts/controls';
import { useRefusals } from './actions';
import { ContainerChoice } from './container-choice';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
  /** It also goes on while another tab is shown. */
  readonly isShown: boolean;
  readonly onShell: (isOpen: boolean) => void;
}

type Phase = 'idle' | 'connecting' | 'open' | 'ended';

export function TerminalTab({ route, object, isShown, onShell }: Props) {
  const t = useTexts();
  const { api } = useConsole();
  const containers = containersOf(object).filter(({ isInit }) => !isInit);
  const [container, setContainer] = useState(containers[0]?.name ?? '');
  const [phase, setPhase] = useState<Phase>('idle');
  const [word, setWord] = useState('');
  const place = useRef<HTMLDivElement>(null);
  const close = useRef<() => void>(undefined);
  const refusal = useRefusals(['exec'], route).exec;
  useEffect(() => () => close.current?.(), []);
  const isRunning = phase === 'connecting' || phase === 'open';
  useEffect(() => onShell(isRunning), [isRunning]);
  // Back at the tab, the keys go to the shell again.
  useLayoutEffect(() => {
    if (isShown && isRunning) place.current?.querySelector('textarea')?.focus();
  }, [isShown]);

  const connect = async () => {
    close.current?.();
    setPhase('connecting');
    setWord('');
    try {
      const { openTerminal } = await import('../lazy/terminal');
      if (!place.current) return;
      const path = `${objectPath(route.resource, route.namespace, route.name)}/exec`;
      close.current = openTerminal(place.current, {
        path: `${path}?${execQuery(container, shellCommand)}`,
        token: api.token,
        label: t('terminalLabel', { container }),
        onOpen: () => setPhase('open'),
        onEnd: (message) => {
          setPhase('ended');
          const reason = message === connectionLost ? t('noReason') : message;
          setWord(message === '' ? t('terminalEnded') : t('terminalFailed', { reason }));
        },
      });
    } catch (err) {
      setPhase('ended');
      setWord(t('terminalFailed', { reason: messageOf(err) }));
    }
  };
  const disconnect = () => {
    close.current?.();
    close.current = undefined;
    setPhase('idle');
  };
  return (
    <section class="terminal-tab" aria-label={t('tabExec')}>
      <div class="toolbar">
        <ContainerChoice containers={containers} value={container} onChange={setContainer} disabled={isRunning} />
        {isRunning ? (
          <ActionButton label={t('disconnect')} onClick={disconnect} />
        ) : (
          <ActionButton
            label={t(phase === 'ended' ? 'reconnect' : 'connect')}
            kind="primary"
            refusal={refusal}
            onClick={() => void connect()}
          />
        )}
        <span class="muted" role="status">
          {phase === 'connecting' ? t('connecting') : (refusal ?? word)}
        </span>
      </div>
      <p class="muted">{t('terminalHint')}</p>
      <div ref={place} class={phase === 'idle' ? 'terminal-box unused' : 'terminal-box'} />
    </section>
  );
}
