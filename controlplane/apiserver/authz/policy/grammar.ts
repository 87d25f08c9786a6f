// How the rules of the default roles are written down here: words with spaces between them, `core` for the group without a name.
import type { PolicyRule } from '../rules';

export const read = 'get list watch';
export const write = 'create delete deletecollection patch update';
export const all = 'create delete deletecollection get list patch update watch';
export const recordEvents = 'create patch update';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Rules about resources. `names`: only the objects of these names. */
export const on = (groups: string, resources: string, verbs: string, names?: string): PolicyRule => ({
  verbs: words(verbs),
  apiGroups: words(groups).map((group) => (group === 'core' ? '' : group)),
  resources: words(resources),
  ...(names === undefined ? {} : { resourceNames: words(names) }),
});

/** Rules about paths that are no resources. */
export const paths = (nonResourceURLs: string, verbs: string): PolicyRule => ({
  verbs: words(verbs),
  nonResourceURLs: words(nonResourceURLs),
});

/** Rules by the name of their role. */
export type Rules = Readonly<Record<string, readonly PolicyRule[]>>;
