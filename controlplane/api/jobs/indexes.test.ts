import t from 'tap';
import {
  checkIndexes,
  countCommon,
  countIndexes,
  firstCommon,
  hasIndex,
  mergeRanges,
  parseIndexes,
  renderIndexes,
  withIndexes,
} from './indexes';

t.test('ranges are read, bounded by the completions, and written', async (t) => {
  const cases: Array<[text: string | undefined, completions: number, written: string, count: number]> = [
    [undefined, 9, '', 0],
    ['', 9, '', 0],
    ['1', 9, '1', 1],
    ['1-2', 9, '1,2', 2],
    ['1,2,3', 9, '1-3', 3],
    ['0,2-4,6', 9, '0,2-4,6', 5],
    ['0,2-8', 4, '0,2,3', 3],
    ['5-9', 4, '', 0],
    ['0,x,2', 9, '0,2', 2],
  ];
  for (const [text, completions, written, count] of cases) {
    const ranges = parseIndexes(text, completions);
    t.equal(renderIndexes(ranges), written, `${text}`);
    t.equal(countIndexes(ranges), count, `${text}`);
  }
});

t.test('sets of indexes', async (t) => {
  const ranges = parseIndexes('1-3,7,9-12', 100);
  t.same(
    [0, 1, 3, 4, 7, 8, 12, 13].filter((index) => hasIndex(ranges, index)),
    [1, 3, 7, 12],
  );
  t.equal(renderIndexes(withIndexes(ranges, [8, 20, 4])), '1-4,7-12,20');
  t.equal(renderIndexes(mergeRanges(ranges, parseIndexes('0,2-8', 100))), '0-12');
  t.equal(withIndexes(ranges, []), ranges);
  t.equal(countCommon(ranges, parseIndexes('3-10', 100)), 4);
  t.equal(firstCommon(ranges, parseIndexes('4-6,8,10', 100)), 10);
  t.equal(firstCommon(ranges, parseIndexes('4-6,8', 100)), undefined);
});

t.test('texts of users are checked in the words of upstream', async (t) => {
  const cases: Array<[text: string, found: number | string]> = [
    ['', 0],
    ['0,2-4', 4],
    ['5', 'too large index: "5"'],
    ['1-5', 'too large index: "5"'],
    ['3-1', 'non-increasing order, previous: 3, current: 1'],
    ['1-1', 'non-increasing order, previous: 1, current: 1'],
    ['2,1', 'non-increasing order, previous: 2, current: 1'],
    ['1,1', 'non-increasing order, previous: 1, current: 1'],
    ['a', 'cannot convert string to integer for index: "a"'],
    ['1,', 'cannot convert string to integer for index: ""'],
    [
      '1-2-3',
      `the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
    ],
  ];
  for (const [text, found] of cases) t.equal(checkIndexes(text, 5), found, text);
});
