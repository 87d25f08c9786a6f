import t, { type Test } from 'tap';
import { cadvisorMetrics } from './cadvisor-metrics';
import { renderMetrics } from './exposition';
import { atMs, cgroup, nodeSample } from './node-sample.fixture';
import { resourceMetrics } from './resource-metrics';

const has = (test: Pick<Test, 'ok'>, text: string, lines: readonly string[]) => {
  const found = new Set(text.split('\n'));
  for (const line of lines) test.ok(found.has(line), line);
};

t.test('/metrics/resource: node, pods and containers, with the time of the measurement', async (t) => {
  const text = resourceMetrics(nodeSample);
  has(t, text, [
    '# HELP container_cpu_usage_seconds_total CPU time of the container, in seconds of a core',
    '# TYPE container_cpu_usage_seconds_total counter',
    `container_cpu_usage_seconds_total{container="app",namespace="shop",pod="web"} 2 ${atMs}`,
    `container_memory_working_set_bytes{container="app",namespace="shop",pod="web"} 100 ${atMs}`,
    `container_start_time_seconds{container="app",namespace="shop",pod="web"} ${(atMs - 10_000) / 1000}`,
    `container_swap_limit_bytes{container="app",namespace="shop",pod="web"} 0 ${atMs}`,
    `node_cpu_usage_seconds_total 9 ${atMs}`,
    `node_memory_working_set_bytes 900 ${atMs}`,
    `node_swap_usage_bytes 3 ${atMs}`,
    `pod_cpu_usage_seconds_total{namespace="shop",pod="web"} 2 ${atMs}`,
    `pod_memory_working_set_bytes{namespace="shop",pod="web"} 110 ${atMs}`,
    'resource_scrape_error 0',
  ]);
  t.ok(text.endsWith('\n'), 'the last line ends too: parsers demand it');
});

t.test('a node without pods has no metric without samples', async (t) => {
  t.notMatch(resourceMetrics({ ...nodeSample, pods: [] }), /container_|pod_/);
});

t.test('/metrics/cadvisor: the machine, a part of the node, the sandbox with the network, the container', async (t) => {
  const text = cadvisorMetrics(nodeSample, {
    kernelVersion: '6.1',
    osVersion: 'Debian',
    runtimeVersion: '28.0',
    deviceName: () => '/dev/vda',
  });
  const machine = 'container="",id="/",image="",name="",namespace="",pod=""';
  const part = 'container="",id="/system.slice/kubelet.service",image="",name="",namespace="",pod=""';
  const sandbox = 'container="",id="/docker/pause",image="pause:3.10",name="k8s_POD_web",namespace="shop",pod="web"';
  const app =
    'container="app",id="/docker/app",image="registry.local/app:1",name="k8s_app_web",namespace="shop",pod="web"';
  has(t, text, [
    `container_cpu_usage_seconds_total{${machine},cpu="total"} 9 ${atMs}`,
    `container_cpu_usage_seconds_total{${app},cpu="total"} 2 ${atMs}`,
    `container_cpu_user_seconds_total{${app}} 1.2 ${atMs}`,
    `container_cpu_cfs_throttled_periods_total{${app}} 4 ${atMs}`,
    `container_cpu_cfs_throttled_seconds_total{${app}} 0.5 ${atMs}`,
    `container_memory_working_set_bytes{${app}} 100 ${atMs}`,
    `container_memory_working_set_bytes{${part}} 80 ${atMs}`,
    `container_memory_failures_total{${app},failure_type="pgfault",scope="container"} 60 ${atMs}`,
    `container_network_receive_bytes_total{${sandbox},interface="eth0"} 1 ${atMs}`,
    `container_network_transmit_packets_dropped_total{${sandbox},interface="net1"} 8 ${atMs}`,
    `container_fs_usage_bytes{${app},device="/dev/vda"} 300 ${atMs}`,
    `container_fs_limit_bytes{${machine},device="/dev/vda"} 10000 ${atMs}`,
    `container_fs_writes_bytes_total{${app},device="/dev/vda"} 12 ${atMs}`,
    `container_blkio_device_usage_total{${app},device="/dev/vda",major="254",minor="0",operation="Read"} 11 ${atMs}`,
    `container_processes{${app}} 3 ${atMs}`,
    `container_threads_max{${app}} 0 ${atMs}`,
    `container_oom_events_total{${app}} 1 ${atMs}`,
    `container_spec_cpu_quota{${app}} 50000`,
    `container_spec_cpu_shares{${app}} 512`,
    `container_spec_memory_limit_bytes{${app}} 400`,
    `container_spec_memory_limit_bytes{${sandbox}} 0`,
    `container_start_time_seconds{${app}} ${Math.floor((atMs - 10_000) / 1000)}`,
    `machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 2 ${atMs}`,
    `machine_memory_bytes{boot_id="b",machine_id="m",system_uuid="s"} 2000 ${atMs}`,
  ]);
  t.notMatch(text, /container_cpu_cfs_periods_total\{container="",id="\/docker\/pause"/, 'only of groups with a quota');
  t.notMatch(text, /container_network_receive_bytes_total\{container="app"/, 'the network is that of the pod');
  t.equal(text.match(/container_fs_limit_bytes\{container="",id="\/"/g)?.length, 1, 'one series for each device');
});

t.test('a pod with a group of its own has a series without container and image', async (t) => {
  const [pod] = nodeSample.pods;
  const sample = { ...nodeSample, pods: [{ ...pod!, group: { path: '/kubepods/podu', sample: cgroup(4, 700) } }] };
  const facts = { kernelVersion: '', osVersion: '', runtimeVersion: '', deviceName: () => '' };
  const labels = 'container="",id="/kubepods/podu",image="",name="",namespace="shop",pod="web"';
  has(t, cadvisorMetrics(sample, facts), [`container_memory_working_set_bytes{${labels}} 700 ${atMs}`]);
});

t.test('texts of labels are escaped', async (t) => {
  const samples = [{ labels: { a: 'x"\\\n' }, value: 1.5 }];
  t.equal(
    renderMetrics({ up: { type: 'gauge', help: 'h', samples }, none: { type: 'gauge', help: 'h', samples: [] } }),
    '# HELP up h\n# TYPE up gauge\nup{a="x\\"\\\\\\n"} 1.5\n',
  );
});
