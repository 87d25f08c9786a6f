// Whose packets are stopped by which policy or rule, or refused by their receiver: a line for each sender, receiver and port.
import { type Box, unknownId } from '../../model/topology/boxes';
import { short } from '../../model/topology/numbers';
import { endsOfFlow, pathHash } from '../../model/topology/path-ends';
import type { RefusedRow } from '../../model/topology/refused-rows';
import { useTexts } from '../app/context';
import { intend } from '../path/intent';
import { boxTitle } from './box-shape';

interface Props {
  readonly rows: readonly RefusedRow[];
  readonly boxes: ReadonlyMap<string, Box>;
}

export function RefusedList({ rows, boxes }: Props) {
  const t = useTexts();
  return (
    <table class="flows refused">
      <thead>
        <tr>
          <th scope="col">{t('refusedSender')}</th>
          <th scope="col">{t('refusedReceiver')}</th>
          <th scope="col">{t('refusedBy')}</th>
          <th scope="col">{t('flowPackets')}</th>
          <th scope="col">{t('lastSeen')}</th>
          <th scope="col">{t('path')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.key} row={row} boxes={boxes} />
        ))}
      </tbody>
    </table>
  );
}

/** More senders behind one source than these are a number. */
const maxSources = 3;

function Row({ row, boxes }: { readonly row: RefusedRow; readonly boxes: Props['boxes'] }) {
  const t = useTexts();
  const { behind, protocol, port, packetsPerSecond, lastMs } = row;
  const from = boxes.get(row.from);
  const to = row.backend ?? row.destination;
  const sources = behind?.sources ?? [row.source];
  // The port is that of the backend: the Service may have another one.
  const asked = behind ? { protocol, ...behind, source: sources[0] ?? '' } : { ...row, destination: to };
  const ends = from && endsOfFlow(from, asked);
  // Counted are its answers, of which the kernel sends only so many.
  const isLimited = row.by === 'receiver' && protocol === 'udp';
  return (
    <tr class={packetsPerSecond > 0 ? '' : 'quiet'}>
      <td>
        {boxTitle(t, row.named?.from ?? from)}{' '}
        <code>
          {sources.slice(0, maxSources).join(', ')}
          {sources.length > maxSources && ` +${sources.length - maxSources}`}
        </code>
        {behind && <span class="muted"> {t('flowAs', { address: row.source })}</span>}
      </td>
      <td>
        {boxTitle(t, row.named?.to ?? boxes.get(row.to))}{' '}
        <code>
          {protocol} {to}
          {port !== undefined && `:${port}`}
        </code>
        {row.via !== undefined && <span class="muted"> {t('calledVia', { name: viaName(row.via) })}</span>}
        {behind && (
          <span class="muted">
            {' '}
            {t('calledAs', { address: `${behind.destination}${behind.port === undefined ? '' : `:${behind.port}`}` })}
          </span>
        )}
      </td>
      <td>
        <RefusedBy row={row} />
      </td>
      <td>
        <span title={isLimited ? t('limitedAnswers') : undefined}>
          {short(packetsPerSecond)}/s · {isLimited && '≥ '}
          {row.packets}
        </span>
      </td>
      <td data-label={t('lastSeen')}>
        {lastMs === undefined ? t('beforePage') : new Date(lastMs).toLocaleTimeString()}
      </td>
      <td>
        {ends && (
          <a href={pathHash({ ...ends, ask: '1' })} onClick={({ currentTarget }) => intend(currentTarget.hash)}>
            {t('showPath')}
          </a>
        )}
      </td>
    </tr>
  );
}

/** `service/shop/web` */
const viaName = (box: string): string => box.slice(box.indexOf('/') + 1);

function RefusedBy({ row: { by, policies, direction, services, rule, to, named } }: { readonly row: RefusedRow }) {
  const t = useTexts();
  if (by === 'receiver') return <>{t('refusedByReceiver')}</>;
  if (by === 'silence') return <>{t('refusedBySilence')}</>;
  if (by === 'policy' && policies === undefined) {
    return <>{t(direction === 'ingress' && to === unknownId && !named?.to ? 'refusedNobody' : 'refusedByPolicy')}</>;
  }
  if (by === 'policy') return <>{`NetworkPolicy ${policies?.join(', ')} (${direction})`}</>;
  return (
    <>
      {services ? `Service ${services.join(', ')}` : t('refusedByRule')} {rule && <code>{rule}</code>}
    </>
  );
}
