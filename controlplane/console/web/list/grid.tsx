// A long list: only the rows around the view are in the document, so 3,000 rows scroll as 30 do. The list has the focus, and the active
// row is named by aria-activedescendant; arrows move it, Enter opens the object.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatAge } from '../../model/ages';
import type { Resource } from '../../model/discovery';
import { rowAfterKey, scrollTo, windowOf } from '../../model/list-window';
import { hashOf, type ObjectRoute } from '../../model/routes';
import { type Column, cellOf, narrowWidth, type Sorting, sinceOf, widthsOf } from '../../model/row-order';
import type { Row } from '../../model/rows';
import { statusColumns, toneOfCell } from '../../model/tones';
import { useConsole, useTexts } from '../app/context';
import { gridId } from '../app/keys';
import { useNow } from '../app/page-state';
import { Toned } from '../parts/controls';

interface Props {
  readonly label: string;
  readonly resource: Resource;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly isNarrow: boolean;
  readonly sorting: Sorting | undefined;
  readonly onSort: (sorting: Sorting) => void;
}

/** The style sheet has it too: --row-height. */
const rowHeight = 30;
const ageMs = 10_000;

export function Grid({ label, resource, columns, rows, isNarrow, sorting, onSort }: Props) {
  const { go } = useConsole();
  const { body, view } = useScrolledView();
  const [active, setActive] = useState(-1);
  const { first, end } = windowOf(view.top, view.height, rowHeight, rows.length);
  const template = useMemo(() => {
    const widths = widthsOf(rows, columns, isNarrow ? narrowWidth : undefined);
    // Letters are wider than the digit that `ch` is, and a status has a mark.
    const wide = Math.max(0, columns.map(({ name }) => name).indexOf('Message'));
    return widths.map((width, i) => (i === wide ? `minmax(${width + 2}ch, 1fr)` : `${width + 3}ch`)).join(' ');
    // Widths that follow every change would make the list jump.
  }, [columns, rows.length > 0, isNarrow]);

  useEffect(() => setActive((before) => Math.min(before, rows.length - 1)), [rows.length]);

  const routeOf = ({ namespace, name }: Row): ObjectRoute => ({
    view: 'object',
    resource,
    namespace,
    name,
    tab: 'summary',
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (event.key === 'Enter' && row && event.target === event.currentTarget) return go(routeOf(row));
    const next = rowAfterKey(event.key, active, rows.length, Math.floor(view.height / rowHeight));
    if (next === undefined || !body.current) return;
    event.preventDefault();
    body.current.scrollTop = scrollTo(next, body.current.scrollTop, { viewHeight: view.height, rowHeight });
    setActive(next);
  };

  return (
    <div
      ref={body}
      id={gridId}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={active >= first && active < end ? `row-${active}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div class="grid-inner">
        <div class="grid-head" role="rowgroup">
          <div class="grid-row" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
            {columns.map((column) => (
              <Head key={column.name} column={column} sorting={sorting} onSort={onSort} />
            ))}
          </div>
        </div>
        <div class="grid-body" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
          {rows.slice(first, end).map((row, i) => (
            <GridRow
              key={row.uid}
              row={row}
              index={first + i}
              isActive={first + i === active}
              columns={columns}
              template={template}
              namesObjects={resource.plural === 'events'}
              hash={hashOf(routeOf(row))}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  readonly row: Row;
  readonly index: number;
  readonly isActive: boolean;
  readonly columns: readonly Column[];
  readonly template: string;
  /** Its column Object names the object that it is about. */
  readonly namesObjects: boolean;
  readonly hash: string;
}

function GridRow({ row, index, isActive, columns, template, namesObjects, hash }: RowProps) {
  const statusColumn = columns.find(({ name }) => statusColumns.has(name));
  const status = statusColumn ? cellOf(row, statusColumn) : '';
  return (
    <div
      id={`row-${index}`}
      class={isActive ? 'grid-row active' : 'grid-row'}
      role="row"
      aria-rowindex={index + 2}
      style={{ gridTemplateColumns: template, transform: `translateY(${index * rowHeight}px)` }}
    >
      {columns.map((column, at) => (
        <div key={column.name} class="grid-cell" role="gridcell">
          {at === 0 ? (
            <a href={hash} tabIndex={-1} title={cellOf(row, column)}>
              {column.isAge ? <Cell row={row} column={column} status="" /> : cellOf(row, column)}
            </a>
          ) : namesObjects && column.name === 'Object' ? (
            <About row={row} text={cellOf(row, column)} />
          ) : (
            <Cell row={row} column={column} status={status} />
          )}
        </div>
      ))}
    </div>
  );
}

function Cell({ row, column, status }: { readonly row: Row; readonly column: Column; readonly status: string }) {
  const since = column.isAge ? sinceOf(row, column) : Number.NaN;
  if (!Number.isNaN(since)) return <Age sinceMs={since} />;
  const text = cellOf(row, column);
  return (
    <span title={text}>
      <Toned tone={toneOfCell(column.name, text, status)} text={text} />
    </span>
  );
}

/** `pod/web-0`: a link, where the server has this kind. */
function About({ row, text }: { readonly row: Row; readonly text: string }) {
  const { resources } = useConsole();
  const [kind = '', name = ''] = text.split('/', 2);
  const resource = resources.find((one) => one.kind.toLowerCase() === kind);
  if (!resource || name === '') return <span title={text}>{text}</span>;
  const namespace = resource.namespaced ? row.namespace : '';
  return (
    <a href={hashOf({ view: 'object', resource, namespace, name, tab: 'summary' })} tabIndex={-1} title={text}>
      {text}
    </a>
  );
}

/** Only the cells with ages are drawn again as time passes. */
function Age({ sinceMs }: { readonly sinceMs: number }) {
  return formatAge(useNow(ageMs) - sinceMs);
}

interface HeadProps {
  readonly column: Column;
  readonly sorting: Sorting | undefined;
  readonly onSort: (sorting: Sorting) => void;
}

function Head({ column: { name }, sorting, onSort }: HeadProps) {
  const t = useTexts();
  const isSorted = sorting?.column === name;
  const isDescending = isSorted && sorting.isDescending;
  return (
    <div
      class="grid-cell"
      role="columnheader"
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        title={t('sortBy', { column: name })}
        onClick={() => onSort({ column: name, isDescending: isSorted && !isDescending })}
      >
        {name}
        <span aria-hidden="true">{isSorted ? (isDescending ? ' ▾' : ' ▴') : ''}</span>
      </button>
    </div>
  );
}

/** How far the list is scrolled, and how many pixels of rows are in view. */
function useScrolledView() {
  const body = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = body.current;
    if (!element) return undefined;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight - rowHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  return { body, view };
}
