// Which rows of a long list are in the document: those in view and some around them. Pure.

export interface ListWindow {
  readonly first: number;
  /** Not included. */
  readonly end: number;
}

/** Rows above and below the view, so that a step of scrolling shows no gap. */
const margin = 12;

export function windowOf(scrollTop: number, viewHeight: number, rowHeight: number, count: number): ListWindow {
  const first = Math.floor(scrollTop / rowHeight) - margin;
  const end = Math.ceil((scrollTop + viewHeight) / rowHeight) + margin;
  const bounded = Math.max(0, Math.min(first, count - 1));
  return { first: bounded, end: Math.max(bounded, Math.min(end, count)) };
}

/** The scroll position at which the row is in view, as near as possible to the present one. */
export function scrollTo(
  index: number,
  scrollTop: number,
  { viewHeight, rowHeight }: { readonly viewHeight: number; readonly rowHeight: number },
): number {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  return top + rowHeight > scrollTop + viewHeight ? top + rowHeight - viewHeight : scrollTop;
}

/** The row that a key leads to; undefined for other keys. -1 stands for no row yet. */
export function rowAfterKey(key: string, active: number, count: number, page: number): number | undefined {
  if (count === 0) return undefined;
  const bound = (index: number) => Math.max(0, Math.min(index, count - 1));
  switch (key) {
    case 'ArrowDown':
      return bound(active + 1);
    case 'ArrowUp':
      return bound(active - 1);
    case 'PageDown':
      return bound(active + page);
    case 'PageUp':
      return bound(active - page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
