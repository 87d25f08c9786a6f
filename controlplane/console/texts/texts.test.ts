import t from 'tap';
import { en } from './en';
import { chooseLanguage, translate } from './texts';
import { zh } from './zh';

const valuesIn = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

t.test('every language has the values of each text', async (t) => {
  const keys = Object.keys(en) as (keyof typeof en)[];
  t.strictSame(Object.keys(zh), keys, 'in the same order');
  for (const key of keys) {
    t.strictSame(valuesIn(zh[key]), valuesIn(en[key]), key);
    t.notMatch(zh[key], /[一-鿿][,:;?]/, `${key} has Chinese punctuation`);
  }
});

t.test('texts with values', async (t) => {
  t.equal(translate('en', 'objectCount', { count: 3 }), 'Objects: 3');
  t.equal(translate('zh', 'objectCount', { count: 3 }), '对象数：3');
  t.equal(translate('en', 'objectCount'), 'Objects: {count}');
});

t.test('the language of the reader', async (t) => {
  t.equal(chooseLanguage(['de-DE', 'zh-CN', 'en']), 'zh');
  t.equal(chooseLanguage(['en-GB', 'zh']), 'en');
  t.equal(chooseLanguage(['de']), 'en');
  t.equal(chooseLanguage([]), 'en');
});
