// The navigation: all kinds that can be listed, in sections.
import { isListed, type Resource } from '../../model/discovery';
import { hashOf, type Route, sameResource, tools } from '../../model/routes';
import { type Section, type SectionId, sectionsOf } from '../../model/sections';
import type { TextKey } from '../../texts/texts';
import { useTexts } from './context';

interface Props {
  readonly resources: readonly Resource[];
  readonly route: Route;
  readonly namespace: string;
}

const titles: Readonly<Record<SectionId, TextKey>> = {
  workloads: 'sectionWorkloads',
  network: 'sectionNetwork',
  config: 'sectionConfig',
  storage: 'sectionStorage',
  access: 'sectionAccess',
  cluster: 'sectionCluster',
  more: 'sectionMore',
};
/** The others open by a click, or with a kind that is shown. */
const openAtFirst: ReadonlySet<SectionId> = new Set(['workloads', 'network', 'config', 'cluster']);

export function Navigation({ resources, route, namespace }: Props) {
  const t = useTexts();
  const hasRoute = ({ resources: list }: Section) => list.some((one) => isOf(one, route));
  return (
    <nav class="navigation" aria-label={t('kinds')}>
      <ul class="tools">
        {tools.map((view) => (
          <li key={view}>
            <a
              href={hashOf({ view, namespace: view === 'path' ? '' : namespace, query: {} })}
              aria-current={route.view === view ? 'page' : undefined}
            >
              {t(view)}
            </a>
          </li>
        ))}
      </ul>
      {sectionsOf(resources.filter(isListed)).map((section) => (
        <details key={section.id} open={openAtFirst.has(section.id) || hasRoute(section)}>
          <summary>{t(titles[section.id])}</summary>
          <ul>
            {section.resources.map((resource) => (
              <li key={`${resource.plural}.${resource.group}`}>
                <KindLink resource={resource} route={route} namespace={namespace} withGroup={section.id === 'more'} />
              </li>
            ))}
          </ul>
        </details>
      ))}
    </nav>
  );
}

const isOf = (resource: Resource, route: Route): boolean =>
  'resource' in route && sameResource(resource, route.resource);

interface LinkProps extends Omit<Props, 'resources'> {
  readonly resource: Resource;
  readonly withGroup: boolean;
}

function KindLink({ resource, route, namespace, withGroup }: LinkProps) {
  const within = resource.namespaced ? namespace : '';
  return (
    <a
      href={hashOf({ view: 'list', resource, namespace: within, labelSelector: '' })}
      aria-current={isOf(resource, route) ? 'page' : undefined}
    >
      {pluralKind(resource)}
      {withGroup && <small>{resource.group}</small>}
    </a>
  );
}

/** Pods, NetworkPolicies: the kind with the ending of its plural, which keeps the capitals of its words. */
export function pluralKind({ kind, plural }: Pick<Resource, 'kind' | 'plural'>): string {
  const lower = kind.toLowerCase();
  let same = 0;
  while (same < lower.length && lower[same] === plural[same]) same++;
  return same < 2 ? plural : kind.slice(0, same) + plural.slice(same);
}
