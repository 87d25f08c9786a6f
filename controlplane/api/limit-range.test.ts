// The rules of LimitRanges, with the causes of kube-apiserver.
import t from 'tap';
import { type LimitRangeItem, limitRanges } from './limit-range';

const causesOf = (...limits: Partial<LimitRangeItem>[]): string[] =>
  (limitRanges.options.validate?.({ spec: { limits: limits as LimitRangeItem[] } }, { subresource: '' }) ?? []).map(
    ({ field, message }) => `${field}: ${message}`,
  );

t.test('types and names of resources', async (t) => {
  t.same(causesOf({ type: 'Container', max: { cpu: '1', 'example.com/gpu': '1', 'hugepages-2Mi': '2Mi' } }), []);
  t.same(causesOf({ type: 'example.com/Custom', max: { pods: '1' } }), []);
  t.same(causesOf({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' } }), []);
  t.same(causesOf({ type: 'Node' }, { type: 'Pod' }, { type: 'Pod' }), [
    'spec.limits[0].type: Invalid value: "Node": must be a standard limit type or fully qualified',
    'spec.limits[2].type: Duplicate value: "Pod"',
  ]);
  t.same(causesOf({ type: 'Container', max: { bogus: '1', pods: '1' } }), [
    'spec.limits[0].max[bogus]: Invalid value: "bogus": must be a standard resource type or fully qualified',
    'spec.limits[0].max[bogus]: Invalid value: "bogus": must be a standard resource for containers',
    'spec.limits[0].max[pods]: Invalid value: "pods": must be a standard resource for containers',
  ]);
  t.same(causesOf({ type: 'Pod', default: { cpu: '1' } }), [
    "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
  ]);
  t.same(causesOf({ type: 'PersistentVolumeClaim' }), [
    'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
  ]);
});

t.test('amounts in their order', async (t) => {
  t.same(causesOf({ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }), [
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
  ]);
  t.same(causesOf({ type: 'Container', min: { cpu: '1m' }, max: { cpu: '2' }, defaultRequest: { cpu: '0' } }), [
    'spec.limits[0].defaultRequest[cpu]: Invalid value: "0": min value 1m is greater than default request value 0',
  ]);
  t.same(causesOf({ type: 'Container', max: { cpu: '2' }, default: { cpu: '1' }, defaultRequest: { cpu: '7' } }), [
    'spec.limits[0].defaultRequest[cpu]: Invalid value: "7": default request value 7 is greater than max value 2',
    'spec.limits[0].defaultRequest[cpu]: Invalid value: "7": default request value 7 is greater than default limit value 1',
  ]);
  t.same(causesOf({ type: 'Container', max: { cpu: '0' }, default: { cpu: '1' } }), [
    'spec.limits[0].default[cpu]: Invalid value: "0": default value 1 is greater than max value 0',
  ]);
  t.same(causesOf({ type: 'Container', min: { memory: '1Mi' }, default: { memory: '0' } }), [
    'spec.limits[0].default[memory]: Invalid value: "1Mi": min value 1Mi is greater than default value 0',
  ]);
});

t.test('ratios', async (t) => {
  t.same(causesOf({ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }), [
    'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1',
  ]);
  t.same(causesOf({ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '10' } }), [
    'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "10": ratio 10 is greater than max/min = 2.000000',
  ]);
});
