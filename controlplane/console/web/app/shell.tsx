// The frame around every view: top bar, navigation, messages, keys. A further view is a further kind of Route, and a line in `View`.
import type { ComponentChild } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isListed, type Resource } from '../../model/discovery';
import { collectionPath, hashOf, type Route, sameResource, type Tool, type ToolRoute } from '../../model/routes';
import type { TextKey } from '../../texts/texts';
import { AccessReviews } from '../api/access';
import { Api } from '../api/requests';
import type { Session } from '../api/session';
import { ListView } from '../list/list-view';
import { ObjectView } from '../object/object-view';
import { LazyView } from '../parts/lazy-view';
import { Failed, Loading, Notice, problemOf } from '../parts/notice';
import { type Console, ConsoleContext, useTexts } from './context';
import { Help } from './help';
import { contentId, useKeys } from './keys';
import { LeaveDialog } from './leave-dialog';
import { Navigation } from './navigation';
import type { Settings } from './settings';
import { TopBar } from './top-bar';
import { UnknownView } from './unknown-view';
import { useKinds } from './use-kinds';
import { go, useRoute } from './use-route';

interface Props {
  readonly session: Session;
  /** Said when the shell opens. */
  readonly notice: TextKey | undefined;
  readonly settings: Settings;
  readonly onLeave: (why: TextKey) => void;
}

/** How long a message stays. */
const messageMs = 6_000;

export function Shell({ session, notice, settings, onLeave }: Props) {
  const t = useTexts();
  const { route, leaving, askBefore } = useRoute();
  const [message, setMessage] = useState(notice === undefined ? '' : t(notice, { name: session.user.name }));
  const [namespace, setNamespace] = useState(route.namespace);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const api = useMemo(() => new Api(session.token, () => onLeave('sessionEnded')), [session]);
  const access = useMemo(() => new AccessReviews(api), [api]);

  const { resources, problem, retry, lookAgain } = useKinds(api);
  useEffect(() => {
    timer.current = setTimeout(() => setMessage(''), messageMs);
  }, []);
  useEffect(() => {
    setNamespace((before) => namespaceAt(route, before, isNamespaced(resources, route)));
    setMenuOpen(false);
  }, [route, resources]);
  useKeys({ resources: resources ?? [], route, namespace, go, openHelp: () => setHelpOpen(true) });

  const console = useMemo((): Console | undefined => {
    if (!resources) return undefined;
    const say = (text: string) => {
      clearTimeout(timer.current);
      setMessage(text);
      timer.current = setTimeout(() => setMessage(''), messageMs);
    };
    return { api, access, user: session.user, resources, go, say };
  }, [api, access, session, resources]);

  if (problem !== undefined) {
    return (
      <main class="login">
        <Failed text={problemOf(t, problem)} retry={retry} />
      </main>
    );
  }
  if (!console || !resources) return <Loading />;
  return (
    <ConsoleContext.Provider value={console}>
      <div class={isMenuOpen ? 'shell menu-open' : 'shell'}>
        <TopBar
          settings={settings}
          route={route}
          namespace={namespace}
          isMenuOpen={isMenuOpen}
          onNamespace={(chosen) => {
            setNamespace(chosen);
            chooseNamespace(resources, route, chosen, go);
          }}
          onMenu={() => setMenuOpen(!isMenuOpen)}
          onHelp={() => setHelpOpen(true)}
          onLogOut={() => askBefore(() => onLeave('loggedOut'))}
        />
        <Navigation resources={resources} route={route} namespace={namespace} />
        <main id={contentId} tabIndex={-1}>
          <View {...{ route, resources, lookAgain }} />
        </main>
        <div class={message === '' ? 'message' : 'message shown'} role="status">
          {message}
        </div>
      </div>
      {leaving && <LeaveDialog {...leaving} />}
      {isHelpOpen && <Help resources={resources} onClose={() => setHelpOpen(false)} />}
    </ConsoleContext.Provider>
  );
}

interface ViewProps {
  readonly route: Route;
  readonly resources: readonly Resource[];
  readonly lookAgain: () => Promise<void>;
}

function View({ route, resources, lookAgain }: ViewProps) {
  const t = useTexts();
  useEffect(() => {
    const { name } = { name: '', ...route };
    const what =
      'resource' in route ? route.resource.plural : t(route.view === 'unknown' ? 'missingTitle' : route.view);
    document.title = [name, what, t('title')].filter(Boolean).join(' · ');
  }, [route, t('title')]);
  const topology = useTopologyRoute(route);
  return (
    <>
      {topology && (
        <LazyView key="topology" load={topologyView} props={{ route: topology, isShown: topology === route }} />
      )}
      {topology !== route && <OtherView {...{ route, resources, lookAgain }} />}
    </>
  );
}

/** How long the topology goes on recording when another view is looked at: who asks for a path and comes back has lost nothing. */
const recordingMs = 10 * 60_000;

/** The route of the topology that is shown, or that still records. */
function useTopologyRoute(route: Route): ToolRoute | undefined {
  const [last, setLast] = useState<ToolRoute>();
  const shown = route.view === 'topology' ? route : undefined;
  useEffect(() => {
    if (shown) {
      setLast(shown);
      return undefined;
    }
    const timer = setTimeout(() => setLast(undefined), recordingMs);
    return () => clearTimeout(timer);
  }, [shown]);
  return shown ?? last;
}

/** Another object or another kind is another view: nothing of the last one may stay. */
function OtherView({ route, resources, lookAgain }: ViewProps) {
  if (route.view === 'unknown') return <UnknownView route={route} />;
  if (route.view === 'topology') return null;
  if (!('resource' in route)) return <LazyView key={route.view} load={toolViews[route.view]} props={{ route }} />;
  const resource = resources.find((one) => sameResource(one, route.resource));
  if (!resource || (route.view === 'list' && !isListed(resource))) {
    return (
      <UnknownKind key={collectionPath(route.resource, '')} plural={route.resource.plural} lookAgain={lookAgain} />
    );
  }
  if (route.view === 'list') return <ListView key={hashOf(route)} route={route} resource={resource} />;
  return <ObjectView key={hashOf({ ...route, tab: '' })} route={route} resource={resource} />;
}

/** The kind may be newer than the page. */
function UnknownKind({ plural, lookAgain }: { readonly plural: string; readonly lookAgain: () => Promise<void> }) {
  const t = useTexts();
  const [isKnown, setKnown] = useState(false);
  useEffect(() => {
    let isShown = true;
    void lookAgain().then(() => isShown && setKnown(true));
    return () => {
      isShown = false;
    };
  }, []);
  return isKnown ? <Notice title={t('missingTitle')} text={t('unknownKind', { kind: plural })} /> : <Loading />;
}

const topologyView = async () => (await import('../topology/topology-view')).TopologyView;
const toolViews: Readonly<
  Record<Exclude<Tool, 'topology'>, () => Promise<(props: { route: ToolRoute }) => ComponentChild>>
> = {
  path: async () => (await import('../path/path-view')).PathView,
  create: async () => (await import('../create/create-view')).CreateView,
};

/** Kinds without namespaces and the path leave the choice as it was; so does an object, when all namespaces are chosen. */
function namespaceAt(route: Route, before: string, isNamespaced: boolean): string {
  if (route.view === 'object') return isNamespaced && before !== '' ? route.namespace : before;
  if (route.view === 'path') return route.namespace === '' ? before : route.namespace;
  return 'query' in route || (route.view === 'list' && isNamespaced) ? route.namespace : before;
}

const isNamespaced = (resources: readonly Resource[] | undefined, route: Route): boolean =>
  'resource' in route && resources?.some((one) => sameResource(one, route.resource) && one.namespaced) === true;

/** The same kind in the other namespace; kinds without namespaces stay as they are. */
function chooseNamespace(
  resources: readonly Resource[],
  route: Route,
  namespace: string,
  go: (route: Route) => void,
): void {
  if (route.view === 'unknown' || route.view === 'path') return;
  if (!('resource' in route)) {
    // What is chosen in a picture belongs to its namespace; the kind that is created does not.
    const { kind } = route.query;
    go({ view: route.view, namespace, query: route.view === 'create' && kind !== undefined ? { kind } : {} });
  } else if (isNamespaced(resources, route)) {
    go({ view: 'list', resource: route.resource, namespace, labelSelector: '' });
  }
}
