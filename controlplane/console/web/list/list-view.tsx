// The list of a kind: filter, order, columns; what is shown instead when it cannot be read.
import { useMemo, useState } from 'preact/hooks';
import { isStatus, messageOf } from '../../model/api-error';
import type { Resource } from '../../model/discovery';
import { hashOf, type ListRoute } from '../../model/routes';
import { columnsOf, filterRows, firstSorting, type Sorting, sortRows } from '../../model/row-order';
import { useTexts } from '../app/context';
import { filterId } from '../app/keys';
import { pluralKind } from '../app/navigation';
import { useNarrow } from '../app/page-state';
import { entryState, keepInEntry } from '../app/use-route';
import { Failed, Notice, Waiting } from '../parts/notice';
import { CreateLink } from './create-link';
import { Grid } from './grid';
import { type RowsState, useRows } from './use-rows';

interface Props {
  readonly route: ListRoute;
  readonly resource: Resource;
}

const stateTexts = { live: 'live', paused: 'paused', reconnecting: 'reconnecting' } as const satisfies Record<
  RowsState['state'],
  string
>;

export function ListView({ route, resource }: Props) {
  const t = useTexts();
  const list = useRows(route, resource);
  const [{ filter, isWide, sorting }, change] = useKept(resource.plural);
  const isNarrow = useNarrow();
  const { rows, version, isLoaded, state, error } = list;
  const withNamespace = resource.namespaced && route.namespace === '';
  const columns = useMemo(
    () => columnsOf(rows.columns, { isWide, withNamespace, isNarrow }),
    [rows.columns, isWide, withNamespace, isNarrow],
  );
  const shown = useMemo(() => {
    const column = columns.find(({ name }) => name === sorting?.column);
    return sortRows(filterRows(rows.all(), filter), column, sorting?.isDescending ?? false);
  }, [version, columns, filter, sorting]);
  const title = pluralKind(resource);
  const count =
    filter === ''
      ? t('objectCount', { count: rows.size })
      : t('filteredCount', { shown: shown.length, count: rows.size });
  return (
    <section class="list-view" aria-labelledby="view-title">
      <div class="view-head">
        <h1 id="view-title">{title}</h1>
        <input
          id={filterId}
          type="search"
          class="filter"
          aria-label={t('filter')}
          placeholder={`${t('filterHint')}  /`}
          value={filter}
          onInput={({ currentTarget }) => change({ filter: currentTarget.value })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={isWide}
            onChange={({ currentTarget }) => change({ isWide: currentTarget.checked })}
          />
          {t('wideColumns')}
        </label>
        <span class="spring" />
        <CreateLink resource={resource} namespace={resource.namespaced ? route.namespace : ''} />
        {isLoaded && <span class="muted">{count}</span>}
        {(isLoaded || state === 'reconnecting') && <span class={`live ${state}`}>{t(stateTexts[state])}</span>}
      </div>
      {route.labelSelector !== '' && (
        <p class="selector">
          {t('selectedBy', { selector: route.labelSelector })}{' '}
          <a href={hashOf({ ...route, labelSelector: '' })}>{t('clearSelector')}</a>
        </p>
      )}
      {error !== undefined ? (
        <ListProblem route={route} resource={resource} error={error} retry={list.retry} />
      ) : !isLoaded ? (
        <Waiting isSilent={state === 'reconnecting'} retry={list.retry} />
      ) : shown.length === 0 ? (
        <p class="empty">{t(rows.size === 0 ? 'emptyList' : 'emptyFilter')}</p>
      ) : (
        <Grid
          label={t('listLabel', { kind: title })}
          resource={resource}
          columns={columns}
          rows={shown}
          isNarrow={isNarrow}
          sorting={sorting}
          onSort={(chosen) => change({ sorting: chosen })}
        />
      )}
    </section>
  );
}

interface Kept {
  readonly filter: string;
  readonly isWide: boolean;
  readonly sorting: Sorting | undefined;
}

/** Kept in the entry of the browser's history: who comes back, or loads the page again, finds the list as it was. */
function useKept(plural: string): readonly [Kept, (change: Partial<Kept>) => void] {
  const [kept, setKept] = useState<Kept>(() => ({
    filter: '',
    isWide: false,
    sorting: firstSorting(plural),
    ...keptOf(plural),
  }));
  const change = (part: Partial<Kept>) => {
    const next = { ...kept, ...part };
    setKept(next);
    keepInEntry({ list: { ...next, of: plural } });
  };
  return [kept, change];
}

/** Of another kind nothing is taken over. */
function keptOf(plural: string): Partial<Kept> {
  const { of, ...kept } = (entryState().list ?? {}) as Partial<Kept> & { readonly of?: string };
  return of === plural ? kept : {};
}

interface ProblemProps extends Props {
  readonly error: unknown;
  readonly retry: () => void;
}

function ListProblem({ route, resource, error, retry }: ProblemProps) {
  const t = useTexts();
  const detail = messageOf(error);
  if (isStatus(error, 403)) {
    const { namespace } = route;
    const kind = resource.plural;
    const key = !resource.namespaced ? 'forbiddenListCluster' : namespace === '' ? 'forbiddenList' : 'forbiddenListIn';
    return <Notice title={t('forbiddenTitle')} text={t(key, { kind, namespace })} detail={detail} />;
  }
  return <Failed text={detail} retry={retry} />;
}
