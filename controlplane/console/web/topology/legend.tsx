// What lines, marks and numbers of the picture mean, below it. Whether it is open stays in this browser.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useTexts } from '../app/context';
import { keep, readKept } from '../app/settings';

const key = 'k8ts.console.legend';
const states = ['open', 'closed'] as const;
/** On a phone the picture needs the room. */
const isNarrow = () => matchMedia('(max-width: 760px)').matches;

export function Legend() {
  const t = useTexts();
  const [state, setState] = useState(() => readKept(key, states) ?? (isNarrow() ? 'closed' : 'open'));
  const isOpen = state === 'open';
  const toggle = () => {
    const next = isOpen ? 'closed' : 'open';
    setState(next);
    keep(key, next);
  };
  return (
    <div class="legend">
      <button type="button" class="link-button" aria-expanded={isOpen} onClick={toggle}>
        <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span> {t('legend')}
      </button>
      <ul hidden={!isOpen}>
        <Line name="declared">{t('legendDeclared')}</Line>
        <Line name="busy-2">{t('legendTraffic')}</Line>
        <Line name="trouble seen">{t('legendTrouble')}</Line>
        <li>
          <span class="stop-text">✕</span> {t('legendStopped')}
        </li>
        <li>
          <span class="swatch good" />
          {t('ready')} <span class="swatch wait" />
          {t('legendStarting')} <span class="swatch bad" />
          {t('notReady')} <span class="swatch" />
          {t('legendEnded')}
        </li>
        <li>
          <svg width="22" height="12" aria-hidden="true">
            <rect x="1" y="1" width="20" height="10" rx="3" />
          </svg>
          {t('legendOlder')}
        </li>
        <li>
          <svg width="14" height="17" aria-hidden="true">
            <path class="shield" d="M0 3l7 -3l7 3v5c0 4 -3 7 -7 8c-4 -1 -7 -4 -7 -8z" />
          </svg>
          {t('legendShield')}
        </li>
        <li>
          <span class="stop-text">▼ ▲</span> {t('legendStops')}
        </li>
        <li>
          <span class="rollout-text">▼ ▲</span> {t('legendRollouts')}
        </li>
        <li>{t('legendNew')}</li>
        <li>{t('legendBytes')}</li>
        <li>{t('legendOpen')}</li>
        <li>{t('legendRequests')}</li>
      </ul>
    </div>
  );
}

function Line({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <li>
      <svg class={`link ${name}`} width="34" height="8" aria-hidden="true">
        <path class="line" d="M0 4H34" />
        {name.startsWith('busy') && <path class="flow" d="M0 4H34" />}
      </svg>
      {children}
    </li>
  );
}
