// Where boxes and links stand: layers in the direction of requests, by dagre (Sugiyama's method); from left to right, and from top to bottom
// where the view is higher than wide.
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

export interface Shape {
  /** How many boxes without links stand in a row, below the others: as many as this width has room for, or more if the others are wider. */
  readonly rowWidth: number;
  readonly isUpright: boolean;
}

export function layoutOf(
  boxes: readonly Box[],
  all: readonly Pick<Link, 'id' | 'from' | 'to'>[],
  { rowWidth, isUpright }: Shape,
): Layout {
  // What the pods of a box send one another stands in the box.
  const links = all.filter(({ from, to }) => from !== to);
  const linked = new Set(links.flatMap(({ from, to }) => [from, to]));
  const graph = new Graph({ directed: true, multigraph: true });
  graph.setGraph({
    rankdir: isUpright ? 'TB' : 'LR',
    nodesep: 26,
    ranksep: isUpright ? 56 : 62,
    marginx: margin,
    marginy: margin,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const box of boxes) if (linked.has(box.id)) graph.setNode(box.id, { ...sizeOf(box) });
  for (const { id, from, to } of links) graph.setEdge(from, to, {}, id);
  layout(graph);
  const placed = boxes
    .filter(({ id }) => linked.has(id))
    .map((box): Placed => {
      const { x, y, width, height } = graph.node(box.id) as Point & Size;
      return { box, x: x - width / 2, y: y - height / 2, width, height };
    });
  const paths = new Map(
    graph.edges().map((edge) => [edge.name ?? '', (graph.edge(edge) as { points: Point[] }).points] as const),
  );
  const linkedWidth = Math.max(0, ...placed.map((one) => one.x + one.width + margin));
  const bottom = Math.max(margin, ...placed.map(({ y, height }) => y + height + 2 * gap));
  const alone = rowsOf(
    boxes.filter(({ id }) => !linked.has(id)),
    Math.max(rowWidth, linkedWidth),
    bottom,
  );
  const width = Math.max(linkedWidth, ...alone.map((one) => one.x + one.width + margin));
  const height = Math.max(bottom, ...alone.map((one) => one.y + one.height + margin));
  return { boxes: [...placed, ...alone], links: paths, width, height };
}

function rowsOf(boxes: readonly Box[], width: number, top: number): readonly Placed[] {
  let x = margin;
  let y = top;
  let rowHeight = 0;
  return boxes.map((box) => {
    const size = sizeOf(box);
    if (x + size.width + margin > width && x > margin) {
      x = margin;
      y += rowHeight + gap;
      rowHeight = 0;
    }
    const placed = { box, x, y, ...size };
    x += size.width + gap;
    rowHeight = Math.max(rowHeight, size.height);
    return placed;
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
