// The top bar: namespace, account, settings.
import { useEffect, useState } from 'preact/hooks';
import { hashOf, home, type Route } from '../../model/routes';
import { useConsole, useTexts } from './context';
import { contentId } from './keys';
import type { Settings } from './settings';
import { SettingsFields } from './settings-fields';

interface Props {
  readonly settings: Settings;
  readonly route: Route;
  readonly namespace: string;
  readonly isMenuOpen: boolean;
  readonly onNamespace: (namespace: string) => void;
  readonly onMenu: () => void;
  readonly onHelp: () => void;
  readonly onLogOut: () => void;
}

export function TopBar(props: Props) {
  const t = useTexts();
  const { user } = useConsole();
  return (
    <header class="top-bar">
      <a class="skip" href={hashOf(props.route)} onClick={focusContent}>
        {t('skipToContent')}
      </a>
      <button type="button" class="button menu-button" aria-expanded={props.isMenuOpen} onClick={props.onMenu}>
        <span aria-hidden="true">☰</span>
        <span class="hidden-text">{t('menu')}</span>
      </button>
      <a class="brand" href={hashOf(home)}>
        k8ts
      </a>
      <NamespaceField value={props.namespace} route={props.route} onChange={props.onNamespace} />
      <span class="spring" />
      <button type="button" class="button help-button" onClick={props.onHelp}>
        <span aria-hidden="true">?</span>
        <span class="hidden-text">{t('help')}</span>
      </button>
      <details class="account" name="account">
        <summary>
          <span class="hidden-text">{t('account')}: </span>
          <span class="account-name">{user.name}</span>
        </summary>
        <div class="account-menu">
          <p>{t('loggedInAs', { name: user.name })}</p>
          <p class="muted">{t('groups', { groups: user.groups.join(', ') })}</p>
          <SettingsFields settings={props.settings} />
          <button type="button" class="button" onClick={props.onLogOut}>
            {t('logOut')}
          </button>
        </div>
      </details>
    </header>
  );
}

function focusContent(event: Event): void {
  event.preventDefault();
  document.getElementById(contentId)?.focus();
}

interface FieldProps {
  readonly value: string;
  readonly route: Route;
  readonly onChange: (namespace: string) => void;
}

/** A choice, or for a user who may not list namespaces a field to type one. */
function NamespaceField({ value, route, onChange }: FieldProps) {
  const t = useTexts();
  const { api } = useConsole();
  const [names, setNames] = useState<readonly string[]>();
  const [mayList, setMayList] = useState(true);
  const load = async () => {
    try {
      const { items } = await api.json<NamespaceList>('/api/v1/namespaces', { accept: metadataType });
      setNames(items.map(({ metadata }) => metadata.name));
      setMayList(true);
    } catch {
      setMayList(false);
    }
  };
  // Again with each view: a namespace may be new.
  useEffect(() => void load(), [api, route]);
  if (!mayList) {
    return (
      <input
        class="namespace"
        name="namespace"
        aria-label={t('namespace')}
        placeholder={t('namespace')}
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value.trim())}
      />
    );
  }
  const shown = names?.includes(value) || value === '' ? (names ?? []) : [value, ...(names ?? [])];
  return (
    <select
      class="namespace"
      name="namespace"
      aria-label={t('namespace')}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      <option value="">{t('allNamespaces')}</option>
      {shown.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

const metadataType = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
interface NamespaceList {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}
