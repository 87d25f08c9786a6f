// Whose packets are stopped by which policy or rule, or refused by their receiver: a line for each sender, receiver and port.
import type { Box } from '../../model/topology/boxes';
import { short } from '../../model/topology/numbers';
import { endsOfFlow, pathHash } from '../../model/topology/path-ends';
import type { Refused } from '../../model/topology/refused';
import { useTexts } from '../app/context';
import { intend } from '../path/intent';
import { boxTitle } from './box-shape';

interface Props {
  readonly refused: readonly Refused[];
  readonly boxes: ReadonlyMap<string, Box>;
}

const maxShown = 50;

export function RefusedList({ refused, boxes }: Props) {
  const t = useTexts();
  return (
    <table class="flows">
      <thead>
        <tr>
          <th scope="col">{t('refusedSender')}</th>
          <th scope="col">{t('refusedReceiver')}</th>
          <th scope="col">{t('refusedBy')}</th>
          <th scope="col">{t('flowPackets')}</th>
          <th scope="col">{t('path')}</th>
        </tr>
      </thead>
      <tbody>
        {refused.slice(0, maxShown).map((flow) => {
          const from = boxes.get(flow.from);
          // The port is that of the backend: the Service may have another one.
          const ends = from && endsOfFlow(from, { ...flow, destination: flow.backend ?? flow.destination });
          return (
            <tr
              key={`${flow.node} ${flow.by} ${flow.direction ?? ''} ${flow.protocol} ${flow.source} ${flow.destination} ${flow.port}`}
            >
              <td>
                {boxTitle(t, from)} <code>{flow.source}</code>
              </td>
              <td>
                {boxTitle(t, boxes.get(flow.to))}{' '}
                <code>
                  {flow.protocol} {flow.backend ?? flow.destination}
                  {flow.port !== undefined && `:${flow.port}`}
                </code>
              </td>
              <td>
                <RefusedBy flow={flow} />
              </td>
              <td>
                {short(flow.packetsPerSecond)}/s · {flow.packets}
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
        })}
      </tbody>
    </table>
  );
}

function RefusedBy({ flow: { by, policies, direction, services, rule } }: { readonly flow: Refused }) {
  const t = useTexts();
  if (by === 'receiver') return <>{t('refusedByReceiver')}</>;
  if (by === 'policy') return <>{`NetworkPolicy ${policies?.join(', ') ?? ''} (${direction})`}</>;
  return (
    <>
      {services ? `Service ${services.join(', ')}` : t('refusedByRule')} {rule && <code>{rule}</code>}
    </>
  );
}
