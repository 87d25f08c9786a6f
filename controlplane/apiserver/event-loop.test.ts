// The API server's reports about its event loop.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { eventLoop, longTurnMs } from '../base/event-loop';
import { createLogger } from '../base/logger';

t.test('/metrics counts turns by their work', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('GET', '/api/v1/namespaces');
  const { text } = await server.call('GET', '/metrics');
  t.match(text, '# TYPE k8ts_event_loop_turn_seconds histogram');
  t.match(text, /k8ts_event_loop_turn_seconds_count\{work="request"\} \d+/);
  const kinds = new Set([...text.matchAll(/k8ts_event_loop_turn_seconds_count\{work="([^"]*)"\}/g)].map(([, k]) => k));
  t.ok(kinds.size <= 6, 'the label has at most six values');
});

t.test('a request that blocks the event loop is logged, without its query', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const lines: string[] = [];
  const logged = new Promise<void>((resolve) => {
    const write = (line: string) => {
      lines.push(line);
      if (line.includes('/version')) resolve();
    };
    eventLoop.logTo(createLogger({ component: 'server', write }));
  });
  // The test blocks the turn of the answer: the mark of the request is the last one of that turn.
  const { mark } = eventLoop;
  eventLoop.mark = (work) => {
    mark.call(eventLoop, work);
    if (work.describe()['path'] !== '/version') return;
    for (const end = performance.now() + longTurnMs + 1; performance.now() < end; );
  };
  t.teardown(() => {
    eventLoop.mark = mark;
  });
  await server.call('GET', '/version?token=secret');
  await logged;
  const line = lines.find((each) => each.includes('/version')) ?? '';
  t.match(line, 'the event loop was blocked work=request');
  t.match(line, 'method=GET path=/version user=kubernetes-admin');
  t.notMatch(line, 'secret');
});
