// The picture: boxes and the links between them, in SVG. Everything in it can be reached by keyboard.
import { useEffect, useRef } from 'preact/hooks';
import type { Box } from '../../model/topology/boxes';
import type { Frame, Link } from '../../model/topology/frame';
import { busyness, short } from '../../model/topology/numbers';
import type { Size } from '../../model/topology/sizes';
import type { Stop } from '../../model/topology/traffic';
import { type Translate, useTexts } from '../app/context';
import { BoxShape } from './box-shape';
import { areaOf, type Layout, type Point } from './layout';
import { boxWords, bytesWords, linkWords } from './link-words';
import { useMiddle } from './use-middle';

export type Chosen = { readonly kind: 'box' | 'link'; readonly id: string };

interface Props {
  readonly frame: Frame;
  readonly layout: Layout;
  readonly chosen: Chosen | undefined;
  /** Boxes that the search has found; undefined: nothing is searched. */
  readonly found: ReadonlySet<string> | undefined;
  /** What is chosen, and all that is linked with it. */
  readonly near: ReadonlySet<string> | undefined;
  readonly zoom: number;
  /** What the reader sees of it at once. */
  readonly view: Size;
  /** The namespace of the view; '' for all. */
  readonly namespace: string;
  readonly onChoose: (chosen: Chosen | undefined) => void;
}

export function Graph({ frame, layout, chosen, near, found, zoom, view, namespace, onChoose }: Props) {
  const t = useTexts();
  const boxes = new Map(frame.boxes.map((box) => [box.id, box]));
  const stops = new Map<string, Stop[]>();
  for (const stop of frame.stops) stops.set(stop.box, [...(stops.get(stop.box) ?? []), stop]);
  const own = new Map(
    frame.links.flatMap(({ from, to, traffic }) => (from === to && traffic ? [[from, traffic] as const] : [])),
  );
  const svg = useRef<SVGSVGElement>(null);
  useEffect(() => {
    const canvas = svg.current?.parentElement;
    if (canvas && near && chosen) bringIntoView(canvas, layout, chosen.id, near, zoom);
  }, [chosen?.id, zoom, view]);
  useMiddle(svg, frame.links, layout, zoom, view, chosen !== undefined);
  const isFaint = (id: string) => (found ? !found.has(id) : near !== undefined && !near.has(id));
  return (
    <svg
      ref={svg}
      class="graph"
      role="group"
      aria-label={t('topologyLabel')}
      width={layout.width * zoom}
      height={layout.height * zoom}
      viewBox={`0 0 ${layout.width} ${layout.height}`}
    >
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0 8 4 0 8z" class="arrow" />
        </marker>
      </defs>
      {frame.links.map((link) => {
        const points = layout.links.get(link.id);
        return points === undefined ? null : (
          <LinkShape
            key={link.id}
            link={link}
            points={points}
            title={linkTitle(t, link, boxes)}
            isChosen={chosen?.kind === 'link' && chosen.id === link.id}
            isFaint={isFaint(link.from) || isFaint(link.to)}
            onChoose={() => onChoose({ kind: 'link', id: link.id })}
          />
        );
      })}
      {layout.boxes.map((placed) => {
        const box = boxes.get(placed.box.id);
        return box === undefined ? null : (
          <BoxShape
            key={box.id}
            place={placed}
            box={box}
            namespace={namespace}
            stops={stops.get(box.id) ?? []}
            self={own.get(box.id)}
            isChosen={chosen?.kind === 'box' && chosen.id === box.id}
            isFaint={isFaint(box.id)}
            isFound={found?.has(box.id) === true}
            onChoose={() => onChoose({ kind: 'box', id: box.id })}
          />
        );
      })}
      {frame.links.map((link) => {
        const points = layout.links.get(link.id);
        return (
          points && (
            <LinkLabel key={link.id} link={link} points={points} isFaint={isFaint(link.from) || isFaint(link.to)} />
          )
        );
      })}
    </svg>
  );
}

/** What is chosen and its neighbours; where they do not fit together, what is chosen alone. */
function bringIntoView(canvas: HTMLElement, layout: Layout, id: string, near: ReadonlySet<string>, zoom: number): void {
  const around = layout.boxes.filter(({ box }) => near.has(box.id));
  const own = around.filter(({ box }) => box.id === id);
  const fits = ({ width, height }: Size) => width * zoom <= canvas.clientWidth && height * zoom <= canvas.clientHeight;
  const all = areaOf(around);
  const area = fits(all) || own.length === 0 ? all : areaOf(own);
  if (!Number.isFinite(area.width)) return;
  canvas.scrollTo({
    left: (area.x + area.width / 2) * zoom - canvas.clientWidth / 2,
    top: (area.y + area.height / 2) * zoom - canvas.clientHeight / 2,
  });
}

interface LinkProps {
  readonly link: Link;
  readonly points: readonly Point[];
  readonly title: string;
  readonly isChosen: boolean;
  readonly isFaint: boolean;
  readonly onChoose: () => void;
}

function LinkShape({ link, points, title, isChosen, isFaint, onChoose }: LinkProps) {
  const { traffic, declared, requests, refusedPerSecond = 0 } = link;
  const failed = requests?.failedPerSecond ?? 0;
  const speed = Math.max(
    traffic ? busyness(traffic) : 0,
    requests ? busyness({ openedPerSecond: requests.requestsPerSecond, packetsPerSecond: 0 }) : 0,
  );
  const isBroken = declared?.all !== undefined && declared.ready === 0;
  const { open = 0, unanswered = 0 } = traffic ?? {};
  // One connection that has just begun has no answer yet.
  const hasTrouble = unanswered > 1 && unanswered * 2 >= open;
  const names = [
    'link',
    traffic || requests ? (speed > 0 ? `busy-${speed}` : 'seen') : declared ? 'declared' : 'seen',
    ...(isBroken || hasTrouble || failed > 0 ? ['trouble'] : []),
    ...(refusedPerSecond > 0 ? ['refused'] : []),
    ...(isChosen ? ['chosen'] : []),
    ...(isFaint ? ['faint'] : []),
  ];
  const path = curve(points);
  const middle = points[Math.floor(points.length / 2)]!;
  return (
    <g
      class={names.join(' ')}
      role="button"
      tabindex={0}
      aria-pressed={isChosen}
      data-link={link.id}
      onClick={onChoose}
      onKeyDown={(event) => chooseByKey(event, onChoose)}
    >
      <title>{title}</title>
      <path class="hit" d={path} />
      {/* A straight line has no height: programs that read the screen would find nothing to press. */}
      <rect class="hit" x={middle.x - 8} y={middle.y - 8} width="16" height="16" />
      <path class="line" d={path} marker-end="url(#arrow)" />
      {speed > 0 && <path class="flow" d={path} />}
    </g>
  );
}

/** Drawn after all boxes: a line may be shorter than its words. */
function LinkLabel({
  link,
  points,
  isFaint,
}: {
  readonly link: Link;
  readonly points: readonly Point[];
  readonly isFaint: boolean;
}) {
  const t = useTexts();
  const { requests, refusedPerSecond = 0 } = link;
  const words = lineWords(t, link);
  const failed = requests?.failedPerSecond ?? 0;
  const middle = points[Math.floor(points.length / 2)]!;
  if (words === '' && refusedPerSecond <= 0) return null;
  return (
    <g class={isFaint ? 'link-label faint' : 'link-label'}>
      {refusedPerSecond > 0 && (
        <text class="refused-text" x={middle.x} y={middle.y + 12}>
          ✕ {short(refusedPerSecond)}/s
        </text>
      )}
      {words !== '' && (
        <text class="rate" x={middle.x} y={middle.y - 6}>
          {words}
          {failed > 0 && <tspan class="failed">, {t('failedRate', { rate: short(failed) })}</tspan>}
        </text>
      )}
    </g>
  );
}

/** Requests; else connections, or bytes where there are no new ones. */
function lineWords(t: Translate, { traffic, requests }: Link): string {
  if (requests) return t('requestRate', { rate: short(requests.requestsPerSecond) });
  if (!traffic) return '';
  const { openedPerSecond, packetsPerSecond, uncounted } = traffic;
  if (openedPerSecond > 0) return t('newRate', { rate: short(openedPerSecond) });
  // The whole words of what is not counted are longer than most lines: the title has them.
  if (packetsPerSecond === 0 && uncounted > 0) return t('notCountedShort');
  return packetsPerSecond > 0 ? bytesWords(t, traffic) : '';
}

export function chooseByKey(event: KeyboardEvent, choose: () => void): void {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  choose();
}

function linkTitle(t: Translate, link: Link, boxes: ReadonlyMap<string, Box>): string {
  const words = linkWords(t, link);
  const ends = `${boxWords(t, boxes.get(link.from))} → ${boxWords(t, boxes.get(link.to))}`;
  const { refusedPerSecond = 0 } = link;
  return [ends, words, refusedPerSecond > 0 ? `✕ ${short(refusedPerSecond)}/s` : ''].filter(Boolean).join(' · ');
}

/** A line through the points, with round corners. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const last = rest.at(-1) ?? first;
  const parts = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1]!;
    return `Q${round(point.x)} ${round(point.y)} ${round((point.x + next.x) / 2)} ${round((point.y + next.y) / 2)}`;
  });
  return `M${round(first.x)} ${round(first.y)}${parts.join('')}L${round(last.x)} ${round(last.y)}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
