import t from 'tap';
import { container, pod } from '../spec/pod.fixture';
import { hugePageBytes } from './huge-pages';

const requesting = (...names: readonly string[]) =>
  pod({ containers: names.map((name) => container('c', { resources: { requests: { [name]: '4Mi' } } })) });

t.test('the size of the pages', async (t) => {
  t.equal(hugePageBytes('HugePages', requesting('hugepages-2Mi', 'hugepages-2048Ki')), 2 ** 21);
  t.equal(hugePageBytes('HugePages-1Gi', requesting('hugepages-2Mi', 'hugepages-1Gi')), 2 ** 30);
  const several = requesting('hugepages-2Mi', 'hugepages-1Gi');
  t.throws(() => hugePageBytes('HugePages', several), {
    message: "medium: HugePages can't be used if container requests multiple huge page sizes",
  });
  for (const [medium, of] of [
    ['HugePages', requesting('memory')],
    ['HugePages-1Gi', requesting('hugepages-2Mi')],
  ] as const) {
    t.throws(() => hugePageBytes(medium, of), {
      message: `medium ${medium}: hugePages storage requested, but there is no resource request for huge pages`,
    });
  }
});
