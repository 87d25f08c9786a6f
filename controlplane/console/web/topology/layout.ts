// Where boxes and links stand: layers in the direction of requests, by dagre (Sugiyama's method); from left to right, and from top to bottom
// where the view is higher than wide. Parts that no link joins stand in rows.
import { Graph, layout } from '@dagrejs/dagre';
import type { Box } from '../../model/topology/boxes';
import type { Link } from '../../model/topology/frame';
import { type Size, sizeOf } from '../../model/topology/sizes';

export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Placed extends Point, Size {
  readonly box: Box;
}
export interface PlacedLink {
  readonly link: Link;
  /** From the border of one box to that of the other. */
  readonly points: readonly Point[];
}
export interface Layout extends Size {
  readonly boxes: readonly Placed[];
  readonly links: ReadonlyMap<string, readonly Point[]>;
}

const margin = 24;
const gap = 20;
/** Between parts of the picture that no link joins. */
const partGap = 40;

export interface Shape {
  /** As wide as rows may be of what is not linked with each other; wider if one part of the picture is. */
  readonly rowWidth: number;
  readonly isUpright: boolean;
}

type Ends = Pick<Link, 'id' | 'from' | 'to'>;

export function layoutOf(boxes: readonly Box[], all: readonly Ends[], { rowWidth, isUpright }: Shape): Layout {
  // What the pods of a box send one another stands in the box.
  const links = all.filter(({ from, to }) => from !== to);
  const linked = new Set(links.flatMap(({ from, to }) => [from, to]));
  const parts = partsOf(
    boxes.filter(({ id }) => linked.has(id)),
    links,
  ).map((part) => partLayout(part, links, isUpright));
  const within = Math.max(rowWidth, ...parts.map(({ width }) => width + 2 * margin));
  const corners = rowsOf(parts, within, margin, partGap);
  const placed = parts.flatMap((part, i) => part.boxes.map((box) => moved(box, corners[i]!)));
  const paths = new Map(
    parts.flatMap((part, i) =>
      [...part.links].map(([id, points]) => [id, points.map((point) => moved(point, corners[i]!))] as const),
    ),
  );
  const bottom = Math.max(margin, ...placed.map(({ y, height }) => y + height + 2 * gap));
  const alone = boxes.filter(({ id }) => !linked.has(id)).map((box) => ({ box, ...sizeOf(box) }));
  const places = rowsOf(alone, within, bottom, gap);
  const boxesPlaced = [...placed, ...alone.map((one, i) => ({ ...one, ...places[i]! }))];
  const width = Math.max(0, ...boxesPlaced.map((one) => one.x + one.width + margin));
  const height = Math.max(margin, ...boxesPlaced.map((one) => one.y + one.height + margin));
  return { boxes: boxesPlaced, links: paths, width, height };
}

const moved = <T extends Point>(one: T, by: Point): T => ({ ...one, x: one.x + by.x, y: one.y + by.y });

/** Boxes that links join, the largest part first. */
function partsOf(boxes: readonly Box[], links: readonly Ends[]): readonly (readonly Box[])[] {
  const next = new Map<string, string[]>();
  const join = (from: string, to: string) => next.set(from, [...(next.get(from) ?? []), to]);
  for (const { from, to } of links) {
    join(from, to);
    join(to, from);
  }
  const partOf = new Map<string, number>();
  for (const [i, { id }] of boxes.entries()) {
    const waiting = partOf.has(id) ? [] : [id];
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (partOf.has(one)) continue;
      partOf.set(one, i);
      waiting.push(...(next.get(one) ?? []));
    }
  }
  const parts = new Map<number, Box[]>();
  for (const box of boxes) {
    const part = partOf.get(box.id)!;
    parts.set(part, [...(parts.get(part) ?? []), box]);
  }
  return [...parts.values()].sort((a, b) => b.length - a.length);
}

/** With its corner at 0, 0. */
function partLayout(boxes: readonly Box[], all: readonly Ends[], isUpright: boolean): Layout {
  const graph = new Graph({ directed: true, multigraph: true });
  graph.setGraph({ rankdir: isUpright ? 'TB' : 'LR', nodesep: 26, ranksep: isUpright ? 56 : 62 });
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(boxes.map(({ id }) => id));
  for (const box of boxes) graph.setNode(box.id, { ...sizeOf(box) });
  for (const { id, from, to } of all) if (ids.has(from)) graph.setEdge(from, to, {}, id);
  layout(graph);
  const placed = boxes.map((box): Placed => {
    const { x, y, width, height } = graph.node(box.id) as Point & Size;
    return { box, x: x - width / 2, y: y - height / 2, width, height };
  });
  const paths = graph
    .edges()
    .map((edge) => [edge.name ?? '', (graph.edge(edge) as { points: Point[] }).points] as const);
  // Lines that go around boxes may stand outside of them.
  const points = paths.flatMap(([, way]) => way.map((point) => ({ ...point, width: 0, height: 0 })));
  const area = areaOf([...placed, ...points]);
  const by = { x: -area.x, y: -area.y };
  return {
    boxes: placed.map((one) => moved(one, by)),
    links: new Map(paths.map(([id, way]) => [id, way.map((point) => moved(point, by))])),
    width: area.width,
    height: area.height,
  };
}

/** Corners of things of these sizes, in rows from this height on. */
function rowsOf(sizes: readonly Size[], width: number, top: number, space: number): readonly Point[] {
  let x = margin;
  let y = top;
  let rowHeight = 0;
  return sizes.map((size) => {
    if (x + size.width + margin > width && x > margin) {
      x = margin;
      y += rowHeight + space;
      rowHeight = 0;
    }
    const corner = { x, y };
    x += size.width + space;
    rowHeight = Math.max(rowHeight, size.height);
    return corner;
  });
}

/** The smallest rectangle with all of them; not finite for none. */
export function areaOf(boxes: readonly (Point & Size)[]): Point & Size {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}
