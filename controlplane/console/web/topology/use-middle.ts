// Where a picture that is larger than the view begins: at its middle part with traffic, as long as the reader has not moved it.
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Link } from '../../model/topology/frame';
import type { Size } from '../../model/topology/sizes';
import { areaOf, type Layout } from './layout';

/** What a reader does to look elsewhere. */
const moves = ['wheel', 'touchmove', 'pointerdown', 'keydown'] as const;

export function useMiddle(
  svg: RefObject<SVGSVGElement | null>,
  links: readonly Link[],
  layout: Layout,
  zoom: number,
  view: Size,
  isChosen: boolean,
): void {
  const isMoved = useRef(false);
  useEffect(() => {
    const canvas = svg.current?.parentElement;
    const moved = () => {
      isMoved.current = true;
    };
    for (const move of moves) canvas?.addEventListener(move, moved, { passive: true });
    return () => {
      for (const move of moves) canvas?.removeEventListener(move, moved);
    };
  }, []);
  useEffect(() => {
    const canvas = svg.current?.parentElement;
    if (!canvas || isMoved.current || isChosen || view.width === 0) return;
    const busy = new Set(links.flatMap(({ from, to, traffic, requests }) => (traffic || requests ? [from, to] : [])));
    const part = layout.boxes.filter(({ box }) => busy.has(box.id));
    if (part.length === 0) return;
    const area = areaOf(part);
    canvas.scrollTo({
      left: (area.x + area.width / 2) * zoom - canvas.clientWidth / 2,
      top: (area.y + area.height / 2) * zoom - canvas.clientHeight / 2,
    });
  }, [layout, zoom, view]);
}
