// How the picture is shown: where its boxes stand, how large, and what is near to the chosen one.
import { useMemo, useRef, useState } from 'preact/hooks';
import type { Frame, Link } from '../../model/topology/frame';
import type { Size } from '../../model/topology/sizes';
import { close, fittingZoom, nextZoom, overview, steadyZoom, wholeZoom } from '../../model/topology/zoom';
import { useSize } from '../parts/use-size';
import type { Chosen } from './graph';
import { areaOf, type Layout, layoutOf, type Shape } from './layout';

export interface View {
  readonly layout: Layout;
  readonly zoom: number;
  readonly near: ReadonlySet<string> | undefined;
  /** Of what is seen of the picture at once. */
  readonly size: Size;
  /** Undefined where there is no further step. */
  readonly larger: (() => void) | undefined;
  readonly smaller: (() => void) | undefined;
  readonly bodyRef: (element: HTMLElement | null) => void;
  readonly canvasRef: (element: HTMLElement | null) => void;
}

/** Around the boxes that are fitted into the view. */
const edge = 40;
/** Of the canvas, both sides: a picture that is larger by it would get scrollbars. */
const border = 4;

export function useView(frame: Frame, chosen: Chosen | undefined): View {
  // The panel takes a part of the body: where boxes stand must not depend on it.
  const [body, bodyRef] = useSize();
  const [canvas, canvasRef] = useSize();
  // What the reader has set: for the whole picture, and around the chosen box.
  const [own, setOwn] = useState<{ readonly of: string; readonly zoom: number }>();
  const layout = useStableLayout(frame, body);
  const near = useMemo(() => chosen && neighbours(chosen, frame.links), [chosen?.id, frame.links]);
  const part = near && layout.boxes.filter(({ box }) => near.has(box.id));
  const area = part && part.length > 0 ? areaOf(part) : undefined;
  const of = area ? (chosen?.id ?? '') : '';
  const fitting = area
    ? fittingZoom({ width: area.width + edge, height: area.height + edge }, canvas, close)
    : fittingZoom(layout, { width: body.width - border, height: body.height - border }, overview);
  const last = useRef<{ readonly of: string; readonly zoom: number }>(undefined);
  const steady = steadyZoom(last.current?.of === of ? last.current.zoom : undefined, fitting);
  // Before the canvas is measured nothing is known.
  if (canvas.width > 0) last.current = { of, zoom: steady };
  const zoom = own?.of === of ? own.zoom : steady;
  const step = (direction: 1 | -1) => {
    const next = nextZoom(zoom, direction, wholeZoom(layout, canvas));
    return next === undefined ? undefined : () => setOwn({ of, zoom: next });
  };
  return { layout, zoom, near, size: canvas, larger: step(1), smaller: step(-1), bodyRef, canvasRef };
}

/** What is chosen, and all that is linked with it. */
function neighbours({ kind, id }: Chosen, links: readonly Link[]): ReadonlySet<string> {
  const touched = links.filter((link) => (kind === 'link' ? link.id === id : link.from === id || link.to === id));
  return new Set([id, ...touched.flatMap(({ from, to }) => [from, to])]);
}

/** Another layout only when boxes, their sizes or links come or go: a picture that moves cannot be read. */
function useStableLayout({ boxes, links }: Frame, body: Size): Layout {
  const last = useRef<{ readonly key: string; readonly layout: Layout }>(undefined);
  const shape = shapeOf(body);
  const key = [
    JSON.stringify(shape),
    ...boxes.map(({ id, pods }) => `${id} ${pods.length}`),
    ...links.map(({ id }) => id),
  ].join('\n');
  if (last.current?.key !== key) last.current = { key, layout: layoutOf(boxes, links, shape) };
  return last.current.layout;
}

/** Rows in steps: a window that becomes a little narrower does not move the boxes. */
function shapeOf({ width, height }: Size): Shape {
  if (width === 0) return { rowWidth: 1_000, isUpright: false };
  return { rowWidth: Math.max(1, Math.floor(width / overview.least / 210)) * 210 + 30, isUpright: width < height };
}
