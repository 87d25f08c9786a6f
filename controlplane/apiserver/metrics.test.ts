// /metrics: names and labels of upstream, and that every gauge returns to where it was.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { configMaps } from '../api/index';
import { Metrics } from './metrics';

const maps = '/api/v1/namespaces/default/configmaps';
const group = '/apis/apps/v1/namespaces/default/deployments';

t.test('requests by verb, resource, scope and code', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const map = { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } } };
  await server.call('POST', maps, map);
  await server.call('POST', `${maps}?dryRun=All`, { body: { metadata: { name: 'b' } } });
  await server.call('PUT', `${maps}/a`, map);
  await server.call('PATCH', `${maps}/a`, { body: { data: { a: 'b' } }, type: 'application/merge-patch+json' });
  await server.call('PATCH', `${maps}/a?fieldManager=m`, { ...map, type: 'application/apply-patch+yaml' });
  await server.call('GET', `${maps}/none`);
  await server.call('GET', group);
  await server.call('GET', '/apis/apps/v1/deployments');
  await server.call('DELETE', maps);
  const { text } = await server.call('GET', '/metrics');
  const place = (resource: string, scope: string, of = '') =>
    `group="${of}",version="v1",resource="${resource}",subresource="",scope="${scope}",component="apiserver"`;
  const expected: readonly (readonly [string, string, string, number])[] = [
    ['POST', '', place('configmaps', 'resource'), 201],
    ['POST', 'All', place('configmaps', 'resource'), 201],
    ['PUT', '', place('configmaps', 'resource'), 200],
    ['PATCH', '', place('configmaps', 'resource'), 200],
    ['APPLY', '', place('configmaps', 'resource'), 200],
    ['GET', '', place('configmaps', 'resource'), 404],
    ['LIST', '', place('deployments', 'namespace', 'apps'), 200],
    ['LIST', '', place('deployments', 'cluster', 'apps'), 200],
    ['DELETE', '', place('configmaps', 'namespace'), 200],
  ];
  const lines = new Map(text.split('\n').map((line) => line.split(/ (?=\S+$)/) as [string, string]));
  for (const [verb, dryRun, rest, code] of expected) {
    const labels = `verb="${verb}",dry_run="${dryRun}",${rest}`;
    t.ok(Number(lines.get(`apiserver_request_total{${labels},code="${code}"}`)) >= 1, `${labels} ${code}`);
    t.ok(Number(lines.get(`apiserver_request_duration_seconds_bucket{${labels},le="+Inf"}`)) >= 1);
    t.ok(Number(lines.get(`apiserver_request_duration_seconds_sum{${labels}}`)) > 0);
    const isRead = verb === 'GET' || verb === 'LIST';
    const short = `verb="${verb}",${rest}`;
    t.equal(lines.has(`apiserver_response_sizes_count{${short}}`), isRead, `${short}: sizes of reads`);
    t.ok(lines.has(`apiserver_request_sli_duration_seconds_count{${short}}`));
  }
  const posts = place('configmaps', 'resource');
  t.equal(
    lines.get(`apiserver_request_sli_duration_seconds_count{verb="POST",${posts}}`),
    lines.get(`apiserver_request_duration_seconds_count{verb="POST",dry_run="",${posts}}`),
    'without the dry run',
  );
  t.equal(
    lines.get(`apiserver_response_sizes_bucket{verb="LIST",${place('deployments', 'cluster', 'apps')},le="1000"}`),
    '1',
  );
});

t.test('paths that are no resources, and deprecated kinds', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  for (const path of ['/livez', '/apis', '/version', '/none', '/api/v1/endpoints']) await server.call('GET', path);
  const { text } = await server.call('GET', '/metrics');
  const lines = new Map(text.split('\n').map((line) => line.split(/ (?=\S+$)/) as [string, string]));
  const total = (subresource: string, component: string, code: number) =>
    lines.get(
      `apiserver_request_total{verb="GET",dry_run="",group="",version="",resource="",subresource="${subresource}",scope="",component="${component}",code="${code}"}`,
    );
  t.equal(total('/livez', '', 200), '1');
  t.equal(total('apis', 'apiserver', 200), '1');
  t.equal(total('', 'apiserver', 200), '1', 'other paths together');
  t.equal(total('', 'apiserver', 404), '1');
  const endpoints = 'group="",version="v1",resource="endpoints",subresource="",removed_release=""';
  t.equal(lines.get(`apiserver_requested_deprecated_apis{${endpoints}}`), '1');
});

t.test('waiting for a turn and for webhooks is no part of the service level', async (t) => {
  const metrics = new Metrics();
  const timer = metrics.start('GET', '/livez');
  timer.queued(60_000);
  timer.done(200, 2);
  const labels = 'group="",version="",resource="",subresource="/livez",scope="",component=""';
  t.ok(metrics.render().includes(`apiserver_request_sli_duration_seconds_sum{verb="GET",${labels}} 0`));
});

t.test('open watches, and the events that were sent', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const count = async (pattern: RegExp) =>
    Number(pattern.exec((await server.call('GET', '/metrics')).text)?.[1] ?? Number.NaN);
  const open =
    /^apiserver_longrunning_requests\{verb="WATCH",group="",version="v1",resource="configmaps",.*scope="namespace",.*\} (\d+)$/m;
  const sent = /^apiserver_watch_events_total\{group="",version="v1",resource="configmaps"\} (\d+)$/m;
  await server.call('POST', maps, { body: { metadata: { name: 'a' } } });
  const watch = await server.watch(`${maps}?watch=1`);
  while ((await watch.next()).object.metadata.name !== 'a');
  await server.call('POST', maps, { body: { metadata: { name: 'b' } } });
  while ((await watch.next()).object.metadata.name !== 'b');
  t.equal(await count(open), 1);
  t.ok((await count(sent)) >= 2);
  const ends = await server.watch(`${maps}?watch=1&timeoutSeconds=1`);
  t.equal(await count(open), 2);
  await ends.ended;
  t.equal(await count(open), 1);
  watch.close();
});

t.test('requests that the server refuses to protect itself', async (t) => {
  const metrics = new Metrics();
  metrics.start('GET', '/api').cut(429);
  metrics.start('GET', '/api').done(200);
  const place = 'verb="GET",group="",version="",resource="",subresource="api",scope="",component="apiserver"';
  t.same(
    metrics.render().filter((line) => line.startsWith('apiserver_request_terminations_total')),
    [`apiserver_request_terminations_total{${place},code="429"} 1`],
  );
});

t.test('the state of the server', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', maps, { body: { metadata: { name: 'a' } } });
  const { text, headers } = await server.call('GET', '/metrics');
  t.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const { size } = server.cache.kind(configMaps);
  const expected = [
    /^apiserver_current_inflight_requests\{request_kind="mutating"\} 0$/m,
    /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m,
    new RegExp(`^apiserver_storage_objects\\{resource="configmaps"\\} ${size}$`, 'm'),
    new RegExp(`^apiserver_resource_objects\\{group="",resource="configmaps"\\} ${size}$`, 'm'),
    /^apiserver_storage_objects\{resource="deployments.apps"\} 0$/m,
    /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="workload-low"\} 245$/m,
    /^process_open_fds [1-9]\d*$/m,
    /^process_max_fds [1-9]\d*$/m,
    /^process_virtual_memory_bytes [1-9]\d+$/m,
    /^process_resident_memory_bytes [1-9]\d+$/m,
    /^process_cpu_seconds_total \d/m,
    /^kubernetes_build_info\{.*git_version="v1\.36.*major="1",minor="36".*\} 1$/m,
    /^aggregator_unavailable_apiservice\{name="v1\.apps"\} 0$/m,
    /^workqueue_adds_total\{name="crd_naming_condition_controller"\} \d+$/m,
  ];
  for (const pattern of expected) t.match(text, pattern);
  const names = text.split('\n').filter((line) => line.startsWith('# TYPE '));
  t.equal(new Set(names).size, names.length, 'each metric has one type');
  for (const line of text.trimEnd().split('\n')) {
    t.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/, 'a line of the format');
  }
});

t.test('/metrics/slis counts the checks that someone asked for', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const lines = async () => (await server.call('GET', '/metrics/slis')).text.split('\n');
  t.ok((await lines()).includes('kubernetes_healthcheck{name="etcd",type="livez"} 0'), 'not asked yet');
  await server.call('GET', '/livez');
  await server.call('GET', '/livez/etcd');
  await server.call('GET', '/readyz?exclude=informer-sync');
  const after = await lines();
  for (const line of [
    'kubernetes_healthcheck{name="etcd",type="livez"} 1',
    'kubernetes_healthcheck{name="etcd-readiness",type="readyz"} 1',
    'kubernetes_healthchecks_total{name="etcd",status="success",type="livez"} 2',
    'kubernetes_healthchecks_total{name="etcd",status="success",type="readyz"} 1',
  ]) {
    t.ok(after.includes(line), line);
  }
  t.notMatch(after.join('\n'), /kubernetes_healthchecks_total\{name="informer-sync"/, 'an excluded check does not run');
});
