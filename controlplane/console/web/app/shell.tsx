// The frame around every view: top bar, navigation, messages, keys. A further view is a further kind of Route, and a line in `View`.
import type { ComponentChild } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type DiscoveryDocument, discoveryType, isListed, type Resource, resourcesOf } from '../../model/discovery';
import { hashOf, type Route, sameResource, type Tool, type ToolRoute } from '../../model/routes';
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
import { go, useRoute } from './use-route';

interface Props {
  readonly session: Session;
  readonly settings: Settings;
  readonly onLeave: (why: TextKey) => void;
}

/** How long a message stays. */
const messageMs = 6_000;

export function Shell({ session, settings, onLeave }: Props) {
  const t = useTexts();
  const { route, leaving, askBefore } = useRoute();
  const [resources, setResources] = useState<readonly Resource[]>();
  const [problem, setProblem] = useState<string>();
  const [message, setMessage] = useState('');
  const [namespace, setNamespace] = useState(route.namespace);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [isHelpOpen, setHelpOpen] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const api = useMemo(() => new Api(session.token, () => onLeave('sessionEnded')), [session]);
  const access = useMemo(() => new AccessReviews(api), [api]);

  const discover = () => {
    setProblem(undefined);
    loadResources(api).then(setResources, (err: unknown) => setProblem(problemOf(t, err)));
  };
  useEffect(discover, [api]);
  // Lists of kinds without namespaces leave the choice as it was.
  useEffect(() => {
    if ('query' in route || (route.view === 'list' && isNamespaced(resources, route))) {
      setNamespace(route.namespace);
    }
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
        <Failed text={problem} retry={discover} />
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
          <View route={route} resources={resources} />
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

/** Another object or another kind is another view: nothing of the last one may stay. */
function View({ route, resources }: { readonly route: Route; readonly resources: readonly Resource[] }) {
  const t = useTexts();
  useEffect(() => {
    const { name } = { name: '', ...route };
    const what =
      'resource' in route ? route.resource.plural : t(route.view === 'unknown' ? 'missingTitle' : route.view);
    document.title = [name, what, t('title')].filter(Boolean).join(' · ');
  }, [route, t('title')]);
  if (route.view === 'unknown') return <UnknownView route={route} />;
  if (!('resource' in route)) return <LazyView key={route.view} load={toolViews[route.view]} props={{ route }} />;
  const resource = resources.find((one) => sameResource(one, route.resource));
  if (!resource || (route.view === 'list' && !isListed(resource))) {
    return <Notice title={t('missingTitle')} text={t('unknownKind', { kind: route.resource.plural })} />;
  }
  if (route.view === 'list') return <ListView key={hashOf(route)} route={route} resource={resource} />;
  return <ObjectView key={hashOf({ ...route, tab: '' })} route={route} resource={resource} />;
}

const toolViews: Readonly<Record<Tool, () => Promise<(props: { route: ToolRoute }) => ComponentChild>>> = {
  topology: async () => (await import('../topology/topology-view')).TopologyView,
  path: async () => (await import('../path/path-view')).PathView,
  create: async () => (await import('../create/create-view')).CreateView,
};

async function loadResources(api: Api): Promise<readonly Resource[]> {
  const load = (path: string) => api.json<DiscoveryDocument>(path, { accept: discoveryType });
  return resourcesOf(await Promise.all([load('/api'), load('/apis')]));
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
  if (route.view === 'unknown') return;
  if (!('resource' in route)) {
    // What is chosen in a picture belongs to its namespace; the kind that is created does not.
    const { kind } = route.query;
    go({ view: route.view, namespace, query: route.view === 'create' && kind !== undefined ? { kind } : {} });
  } else if (isNamespaced(resources, route)) {
    go({ view: 'list', resource: route.resource, namespace, labelSelector: '' });
  }
}
