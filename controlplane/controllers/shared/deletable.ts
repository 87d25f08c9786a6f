// The kinds that deletion by namespace and by owner reaches: everything listed, watched and deleted, but for Events. They belong to
// nobody and end by age, or with their namespace, whose controller deletes them without watching them.
import type { Catalog } from '../../api/catalog';
import { events } from '../../api/event';
import type { Kind } from '../../api/kind';

export const deletableKinds = (catalog: Catalog): readonly Kind[] =>
  catalog
    .kinds()
    .filter(
      ({ plural, group, verbs }) =>
        !(plural === events.plural && group === events.group) &&
        (['list', 'watch', 'delete'] as const).every((verb) => verbs.includes(verb)),
    );
