import t from 'tap';
import { type ProxiedPage, rewriteHtml, rewriteUrl } from './rewrite-links';

const page: ProxiedPage = {
  prefix: '/api/v1/namespaces/shop/pods/web/proxy',
  clientHost: 'api.example.com:6443',
  podHost: '10.244.0.7:8080',
};

t.test('links', async (t) => {
  const { prefix } = page;
  const cases: readonly (readonly [url: string, rewritten: string])[] = [
    ['/a', `${prefix}/a`],
    ['/a/', `${prefix}/a/`],
    ['/', `${prefix}/`],
    ['/a/../b//c?q=/x#/y', `${prefix}/b/c?q=/x#/y`],
    ['http://10.244.0.7:8080/a', `${prefix}/a`],
    ['//10.244.0.7:8080/a', `${prefix}/a`],
    ['https://api.example.com:6443/a', `https://api.example.com:6443${prefix}/a`],
    [`${prefix}/a`, `${prefix}/a`],
    ['a/b', 'a/b'],
    ['?q', '?q'],
    ['#x', '#x'],
    ['', ''],
    ['https://example.com/a', 'https://example.com/a'],
    ['//example.com/a', '//example.com/a'],
    ['mailto:a@example.com', 'mailto:a@example.com'],
    ['javascript:void(0)', 'javascript:void(0)'],
  ];
  for (const [url, rewritten] of cases) t.equal(rewriteUrl(url, page), rewritten, url);
});

t.test('attributes of HTML', async (t) => {
  const rewritten = (text: string) => rewriteHtml(text, (url) => `[${url}]`);
  const cases: readonly (readonly [html: string, rewritten: string])[] = [
    ['<a href="/x">/x</a>', '<a href="[/x]">/x</a>'],
    ["<A class=c HREF = '/x' >", "<A class=c HREF = '[/x]' >"],
    ['<img src=/x alt="/y"/>', '<img src=[/x] alt="/y"/>'],
    ['<video poster="/p" src="/s">', '<video poster="[/p]" src="[/s]">'],
    ['<p href="/x">a < b</p>', '<p href="/x">a < b</p>'],
    ['<!-- <a href="/x"> --><a href="/y">', '<!-- <a href="/x"> --><a href="[/y]">'],
    [
      '<script src="/x">"<a href=\'/y\'>"</script><a href="/z">',
      '<script src="[/x]">"<a href=\'/y\'>"</script><a href="[/z]">',
    ],
    ['<a title=">" href="/x">', '<a title=">" href="[/x]">'],
    ['<a href="/x', '<a href="/x'],
    ['<a href>', '<a href>'],
    ['<', '<'],
    ['\xff\xfe', '\xff\xfe'],
  ];
  for (const [html, expected] of cases) t.equal(rewritten(html), expected, html);
});

t.test('hostile pages cost what they are long', async (t) => {
  const count = 200_000;
  for (const part of ['<a ', '<a href="', '<!--', '<script>', '<a ="\'', '<a href =  ', '</', '<a b=\'">']) {
    t.doesNotThrow(() => rewriteHtml(part.repeat(count), (url) => url), part);
  }
});
