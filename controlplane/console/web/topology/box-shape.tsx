// A box of the picture: its kind, its name, a dot for each of its pods, and in red what is stopped there.
import { type Box, type PodDot, plainKinds } from '../../model/topology/boxes';
import { short } from '../../model/topology/numbers';
import { besideName, bold, dotAt, dotSize, fitted, maxDots, small } from '../../model/topology/sizes';
import type { Stop, TrafficLink } from '../../model/topology/traffic';
import type { TextKey } from '../../texts/texts';
import { type Translate, useTexts } from '../app/context';
import { chooseByKey } from './graph';
import type { Placed } from './layout';
import { generationWords } from './link-words';

interface Props {
  readonly box: Box;
  readonly place: Placed;
  /** Of the view: it need not stand in each box. */
  readonly namespace: string;
  readonly stops: readonly Stop[];
  /** Traffic of its pods among themselves. */
  readonly self: TrafficLink | undefined;
  readonly isChosen: boolean;
  readonly isFaint: boolean;
  readonly isFound: boolean;
  readonly onChoose: () => void;
}

const icons: Readonly<Record<Box['kind'], string>> = {
  outside: '☁',
  elsewhere: '☁',
  entry: '⇥',
  unknown: '?',
  node: '▣',
  ingress: '⇥',
  service: '◇',
  workload: '⬢',
};
const plainNames: Readonly<Partial<Record<Box['kind'], TextKey>>> = {
  outside: 'outside',
  elsewhere: 'elsewhere',
  entry: 'ingressEntry',
  unknown: 'unknownPods',
};

export function boxTitle(t: Translate, box: Box | undefined): string {
  if (!box) return '';
  const plain = plainNames[box.kind];
  if (plain !== undefined) return t(plain);
  return `${box.type} ${box.namespace === '' ? '' : `${box.namespace}/`}${box.name}`;
}

export function BoxShape({ box, place, namespace, stops, self, isChosen, isFaint, isFound, onChoose }: Props) {
  const t = useTexts();
  const active = stops.filter(({ packetsPerSecond }) => packetsPerSecond > 0);
  const isActive = active.length > 0;
  const isShared = active.every((stop) => stop.isShared);
  const ready = box.pods.filter(({ isReady }) => isReady).length;
  const title = [
    boxTitle(t, box),
    ...(box.generation ? [generationWords(t, box.generation)] : []),
    ...(box.kind === 'workload' ? [t('podsReady', { ready, all: box.pods.length })] : []),
    ...(box.kind === 'workload' ? [] : box.facts),
    ...(isActive ? [stopText(t, stops)] : []),
  ].join(' · ');
  const names = [
    'box',
    box.kind,
    ...(isChosen ? ['chosen'] : []),
    ...(isFaint ? ['faint'] : []),
    ...(isFound ? ['found'] : []),
    ...(isActive ? [isShared ? 'perhaps-stopping' : 'stopping'] : []),
    ...(box.generation && !box.generation.isNewest ? ['older'] : []),
  ];
  const isPlain = plainKinds.has(box.kind);
  return (
    <g
      class={names.join(' ')}
      transform={`translate(${place.x} ${place.y})`}
      role="button"
      tabindex={0}
      aria-pressed={isChosen}
      data-box={box.id}
      onClick={onChoose}
      onKeyDown={(event) => chooseByKey(event, onChoose)}
    >
      <title>{title}</title>
      <rect class="frame" width={place.width} height={place.height} rx="8" />
      <text class="icon" x="12" y={isPlain ? 29 : 20}>
        {icons[box.kind]}
      </text>
      {isPlain ? (
        <text class="name" x="34" y="28">
          {fitted(boxTitle(t, box), place.width - 38, bold)}
        </text>
      ) : (
        <>
          <text class="name" x="32" y="19">
            {fitted(box.name, place.width - besideName + 1, bold)}
          </text>
          <text class="under" x="32" y="36">
            {fitted(underline(t, { box, self, ready, namespace }), place.width - 44, small)}
          </text>
        </>
      )}
      {box.pods.slice(0, maxDots).map((pod, i) => (
        <Dot key={pod.key} pod={pod} index={i} />
      ))}
      {box.pods.length > maxDots && (
        <text class="under more" x={place.width - 8} y={place.height - 4}>
          +{box.pods.length - maxDots}
        </text>
      )}
      {box.policies.length > 0 && (
        <path class="shield" d={`M${place.width - 22} 8l7 -3l7 3v5c0 4 -3 7 -7 8c-4 -1 -7 -4 -7 -8z`} />
      )}
      {isActive && (
        <text class="stop-text" x={place.width / 2} y="-7">
          {fitted(`✕ ${isShared ? t('perhapsHere') : ''}${shortStop(t, stops, box)}`, place.width + 16, small)}
        </text>
      )}
    </g>
  );
}

interface Under extends Pick<Props, 'box' | 'self' | 'namespace'> {
  readonly ready: number;
}

function underline(t: Translate, { box, self, ready, namespace }: Under): string {
  const where = box.namespace === namespace ? '' : box.namespace;
  if (box.kind === 'ingress' || box.kind === 'node') return [where, box.facts[0]].filter(Boolean).join(' · ');
  if (box.kind === 'service') {
    const ports = box.facts.slice(0, box.ports.length).map((fact) => fact.split(' (')[0]);
    return [where, ports.join(', ')].filter(Boolean).join(' · ');
  }
  const generation = box.generation && generationWords(t, box.generation);
  const among = self && self.openedPerSecond > 0 ? `⟲ ${short(self.openedPerSecond)}/s` : undefined;
  return [`${ready}/${box.pods.length}`, generation, among, where].filter(Boolean).join(' · ');
}

/** `NetworkPolicy shop/deny: 3.2/s` */
function stopText(t: Translate, stops: readonly Stop[]): string {
  const { most, rate } = busiest(stops);
  return most ? `${causeText(t, most)}: ${rate}` : '';
}

/** `3.2/s deny`: what the reader looks for, where there is little room. */
function shortStop(t: Translate, stops: readonly Stop[], { namespace }: Box): string {
  const { most, rate } = busiest(stops);
  if (!most) return '';
  const names = most.objects.map((key) => (key.startsWith(`${namespace}/`) ? key.slice(namespace.length + 1) : key));
  if (names.length > 0) return `${rate} ${names.join(', ')}`;
  return `${rate} ${most.cause === 'policy' ? t('nobodyShort') : most.cause === 'other' ? t('otherShort') : causeText(t, most)}`;
}

function busiest(stops: readonly Stop[]): { readonly most: Stop | undefined; readonly rate: string } {
  const active = stops.filter(({ packetsPerSecond }) => packetsPerSecond > 0);
  const [most] = [...active].sort((a, b) => b.packetsPerSecond - a.packetsPerSecond);
  return { most, rate: `${short(active.reduce((sum, { packetsPerSecond }) => sum + packetsPerSecond, 0))}/s` };
}

export const causeText = (t: Translate, { cause, objects, verdict }: Stop): string => {
  const names = objects.join(', ');
  // Policies of the node stop what is for an address of its range that no pod has.
  if (cause === 'policy') return names === '' ? t('nobodyStops') : `NetworkPolicy ${names}`;
  if (cause === 'service') return t(verdict === 'reject' ? 'serviceRejects' : 'serviceDrops', { name: names });
  return t('otherStops');
};

function Dot({ pod, index }: { readonly pod: PodDot; readonly index: number }) {
  const { x, y } = dotAt(index);
  return <rect class={`dot ${pod.tone}`} x={x} y={y} width={dotSize} height={dotSize} rx="3" data-pod={pod.key} />;
}
