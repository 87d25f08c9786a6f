import t from 'tap';
import { attributeBytes, isUsed, projectNumber, projectOf, quotaBytes, setLimit, setProject } from './structures';

const hex = (view: DataView) => Buffer.from(view.buffer).toString('hex');

t.test('structures as the kernel has them', async (t) => {
  const attributes = new DataView(new ArrayBuffer(attributeBytes));
  attributes.setUint32(0, 0x10, true);
  setProject(attributes, 0x123456);
  t.equal(hex(attributes), `10020000${'00'.repeat(8)}56341200${'00'.repeat(12)}`, 'other flags stay');
  t.equal(projectOf(attributes), 0x123456);
  const quota = new DataView(new ArrayBuffer(quotaBytes));
  t.equal(isUsed(quota), false);
  setLimit(quota, 1025);
  t.equal(hex(quota), `02${'00'.repeat(63)}01${'00'.repeat(7)}`, 'whole blocks of 1024 bytes');
  t.equal(isUsed(quota), true);
});

t.test('project numbers', async (t) => {
  const names = Array.from({ length: 2000 }, (_, i) => `pvc-${i}`);
  const numbers = names.map((name) => projectNumber(name, 0));
  t.equal(new Set(numbers).size, names.length);
  t.ok(numbers.every((number) => number >= 0x100000 && number < 0x7fffffff));
  t.equal(projectNumber('pvc-1', 0), projectNumber('pvc-1', 0));
  t.not(projectNumber('pvc-1', 1), projectNumber('pvc-1', 0));
});
