import t from 'tap';
import { imageTag } from './image-tag';

t.test('the tag of an image', async (t) => {
  const sum = 'a'.repeat(64);
  const cases: Readonly<Record<string, string>> = {
    nginx: 'latest',
    'nginx:latest': 'latest',
    'nginx:1': '1',
    'a/b/c': 'latest',
    'localhost:5000/a': 'latest',
    'localhost:5000/a:v1': 'v1',
    'r.example.com/a__b/c-d.e': 'latest',
    '[::1]:5000/a': 'latest',
    // With capital letters the first part is a host.
    'A/b': 'latest',
    [`a@sha256:${sum}`]: '',
    [`a:latest@sha256:${sum}`]: 'latest',
    // Texts that are no references.
    '': '',
    Nginx: '',
    '-x': '',
    'a_b/!c d': '',
    'a:-x': '',
    'a@sha256:12': '',
    'a//b': '',
    [sum]: '',
    ['a'.repeat(300)]: '',
    ['a'.repeat(247)]: 'latest',
    ['a'.repeat(248)]: '',
  };
  for (const [image, tag] of Object.entries(cases)) t.equal(imageTag(image), tag, image);
});

t.test('long texts cost no more than their length', async (t) => {
  for (const text of ['-', 'a-', 'a.', ':', '/', '_']) t.equal(imageTag(text.repeat(1_000_000)), '', text);
});
