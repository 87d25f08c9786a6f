// What is known about a chosen link: its ends, its connections with the addresses of their packets, and the path of one.
import type { Box } from '../../model/topology/boxes';
import type { Link } from '../../model/topology/frame';
import type { LinkSums } from '../../model/topology/link-sums';
import { short } from '../../model/topology/numbers';
import { endsOfFlow, pathHash } from '../../model/topology/path-ends';
import type { Flow } from '../../model/topology/traffic';
import { useTexts } from '../app/context';
import { intend } from '../path/intent';
import type { Chosen } from './graph';
import { boxWords, bytesWords, linkWords, requestWords, sumWords } from './link-words';

interface Props {
  readonly link: Link;
  readonly sums: LinkSums | undefined;
  readonly boxes: ReadonlyMap<string, Box>;
  readonly onChoose: (chosen: Chosen) => void;
}

export function LinkDetails({ link, sums, boxes, onChoose }: Props) {
  const t = useTexts();
  const from = boxes.get(link.from);
  const to = boxes.get(link.to);
  const { traffic, declared, requests } = link;
  const flow = traffic?.flows[0];
  const ends = from && flow && endsOfFlow(from, flow);
  return (
    <>
      <h2>
        <button type="button" class="link-button" onClick={() => onChoose({ kind: 'box', id: link.from })}>
          {boxWords(t, from)}
        </button>
        {' → '}
        <button type="button" class="link-button" onClick={() => onChoose({ kind: 'box', id: link.to })}>
          {boxWords(t, to)}
        </button>
      </h2>
      {declared?.all !== undefined && <p>{t('endpointsReady', { ready: declared.ready ?? 0, all: declared.all })}</p>}
      {requests && <p class={requests.failedPerSecond > 0 ? 'trouble-text' : ''}>{requestWords(t, requests)}</p>}
      {traffic && <p>{linkWords(t, withoutRequests(link))}</p>}
      {sums && <p class={sums.failed > 0 ? 'trouble-text' : ''}>{sumWords(t, sums)}</p>}
      {traffic && traffic.uncounted > 0 && <p class="muted">{t('seePodCounters')}</p>}
      {ends && (
        <p class="panel-actions">
          <a
            class="button small"
            href={pathHash({ ...ends, ask: '1' })}
            onClick={({ currentTarget }) => intend(currentTarget.hash)}
          >
            {t('showPath')}
          </a>
        </p>
      )}
      {traffic ? (
        <section>
          <h3>{t('connections')}</h3>
          <table class="flows">
            <thead>
              <tr>
                <th scope="col">{t('flowEnds')}</th>
                <th scope="col">{t('flowOpen')}</th>
                <th scope="col">{t('flowOpened')}</th>
                <th scope="col">{t('flowBytes')}</th>
              </tr>
            </thead>
            <tbody>
              {traffic.flows.map((flow) => (
                <FlowRow key={flowKey(flow)} flow={flow} />
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        !requests && !sums && <p class="muted">{t('noTraffic')}</p>
      )}
    </>
  );
}

const withoutRequests = ({ requests: _, ...rest }: Link): Link => rest;

const flowKey = ({ protocol, source, destination, port, backend = '' }: Flow): string =>
  `${protocol} ${source} ${destination} ${port ?? ''} ${backend}`;

function FlowRow({ flow }: { readonly flow: Flow }) {
  const t = useTexts();
  const { protocol, source, destination, port, backend, translatedSource, open, unanswered } = flow;
  return (
    <tr class={unanswered > 0 ? 'trouble' : ''}>
      <td>
        <code>
          {protocol} {source}
          {translatedSource && ` (${t('flowAs', { address: translatedSource })})`} → {destination}
          {port !== undefined && `:${port}`}
          {backend && ` → ${backend}`}
        </code>
      </td>
      <td>
        {t('openCount', { count: open - unanswered })}
        {unanswered > 0 && <span class="tone bad"> {t('flowUnanswered', { count: unanswered })}</span>}
      </td>
      <td>{t('newRate', { rate: short(flow.openedPerSecond) })}</td>
      <td>{bytesWords(t, flow)}</td>
    </tr>
  );
}
