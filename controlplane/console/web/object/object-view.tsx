// One object: its head with the actions, and its tabs.
import { useEffect, useRef, useState } from 'preact/hooks';
import { actionsOf } from '../../model/actions';
import { isStatus, messageOf } from '../../model/api-error';
import type { Resource } from '../../model/discovery';
import type { KubeObject } from '../../model/objects';
import { firstTab, hashOf, isSameObject, type ObjectRoute } from '../../model/routes';
import type { TextKey } from '../../texts/texts';
import { useTexts } from '../app/context';
import { useKeeper } from '../app/leaving';
import { pluralKind } from '../app/navigation';
import { Failed, Notice, Waiting } from '../parts/notice';
import { Actions } from './actions';
import { Events } from './events';
import { Logs } from './logs';
import { Summary } from './summary';
import { TerminalTab } from './terminal-tab';
import type { Draft } from './use-editing';
import { useObject } from './use-object';
import { YamlTab } from './yaml-tab';

interface Props {
  readonly route: ObjectRoute;
  readonly resource: Resource;
}

const tabTexts = {
  summary: 'tabSummary',
  yaml: 'tabYaml',
  events: 'tabEvents',
  logs: 'tabLogs',
  exec: 'tabExec',
} as const satisfies Readonly<Record<string, TextKey>>;
type TabId = keyof typeof tabTexts;

/** A tab of an action exists where the action does. */
function tabsOf(resource: Resource): readonly TabId[] {
  const actions = actionsOf(resource);
  const own = (['logs', 'exec'] as const).filter((id) => actions.includes(id));
  return ['summary', 'yaml', 'events', ...own];
}

export function ObjectView({ route, resource }: Props) {
  const t = useTexts();
  const { object, isGone, error, state, retry } = useObject(route, resource.verbs.includes('watch'));
  const [isEditing, setEditing] = useState(false);
  const draft = useRef<Draft>(undefined);
  const [hasDraft, setHasDraft] = useState(false);
  const [hasShell, setHasShell] = useState(false);
  // A shell goes on while other tabs are looked at.
  const [isTerminalUsed, setTerminalUsed] = useState(false);
  const losses = [...(hasDraft ? ['leaveDraft' as const] : []), ...(hasShell ? ['leaveTerminal' as const] : [])];
  useKeeper(losses, (next) => isSameObject(route, next));
  const title = useRef<HTMLHeadingElement>(null);
  const { namespace, name } = route;
  const tabs = tabsOf(resource);
  const tab = tabs.find((id) => id === route.tab) ?? firstTab;
  const isLoaded = object !== undefined;
  // A reader who comes by keyboard starts at the name.
  useEffect(() => title.current?.focus(), [isLoaded]);
  useEffect(() => setTerminalUsed((before) => before || tab === 'exec'), [tab]);
  if (error !== undefined && !object) return <ObjectProblem {...{ error, resource, name, retry }} />;
  if (!object) return <Waiting isSilent={state === 'reconnecting'} retry={retry} />;
  const listHash = hashOf({ view: 'list', resource: route.resource, namespace, labelSelector: '' });
  return (
    <article class="object-view">
      <header class="object-head">
        <p class="path">
          <a href={listHash}>{pluralKind(resource)}</a>
          {namespace !== '' && <span class="muted"> / {namespace}</span>}
        </p>
        <h1 ref={title} tabIndex={-1}>
          {name}
        </h1>
        {object.metadata?.deletionTimestamp && !isGone && <span class="tone wait">{t('deleting')}</span>}
        {state === 'reconnecting' && <span class="live reconnecting">{t('reconnecting')}</span>}
        <span class="spring" />
        {!isGone && (
          <Actions route={route} resource={resource} object={object} onEdit={() => setEditing(true)} tab={tab} />
        )}
      </header>
      {isGone && (
        <p class="gone" role="alert">
          {t('gone')}
        </p>
      )}
      <nav class="tabs" aria-label={name}>
        {tabs.map((id) => (
          <a key={id} href={hashOf({ ...route, tab: id })} aria-current={id === tab ? 'page' : undefined}>
            {t(tabTexts[id])}
            {id === 'exec' && hasShell && (
              <span class="running" title={t('shellOpen')}>
                <span class="hidden-text"> ({t('shellOpen')})</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <Tab
        id={tab as TabId}
        {...{ route, resource, object, isEditing, isGone, draft }}
        onEditing={setEditing}
        onDraft={setHasDraft}
      />
      {isTerminalUsed && (
        <div class="terminal-place" hidden={tab !== 'exec'}>
          <TerminalTab route={route} object={object} isShown={tab === 'exec'} onShell={setHasShell} />
        </div>
      )}
    </article>
  );
}

interface TabProps extends Props {
  readonly id: TabId;
  readonly object: KubeObject;
  readonly isEditing: boolean;
  readonly isGone: boolean;
  readonly draft: { current: Draft | undefined };
  readonly onEditing: (isEditing: boolean) => void;
  readonly onDraft: (hasDraft: boolean) => void;
}

function Tab({ id, route, resource, object, isEditing, isGone, draft, onEditing, onDraft }: TabProps) {
  switch (id) {
    case 'summary':
      return <Summary route={route} object={object} />;
    case 'yaml':
      return <YamlTab {...{ route, resource, object, isEditing, isGone, draft, onEditing, onDraft }} />;
    case 'events':
      return <Events object={object} />;
    case 'logs':
      return <Logs route={route} object={object} />;
    case 'exec':
      return null;
  }
}

interface ProblemProps {
  readonly error: unknown;
  readonly resource: Resource;
  readonly name: string;
  readonly retry: () => void;
}

function ObjectProblem({ error, resource, name, retry }: ProblemProps) {
  const t = useTexts();
  const detail = messageOf(error);
  if (isStatus(error, 403)) return <Notice title={t('forbiddenTitle')} text={t('forbiddenObject')} detail={detail} />;
  if (isStatus(error, 404)) {
    return (
      <Notice title={t('missingTitle')} text={t('missingObject', { kind: resource.kind, name })} detail={detail} />
    );
  }
  return <Failed text={detail} retry={retry} />;
}
