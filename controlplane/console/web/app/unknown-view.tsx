// What an address shows that names no view: it says so, and where to go on.
import { hashOf, home, type Route, tools, type UnknownRoute } from '../../model/routes';
import { useTexts } from './context';

export function UnknownView({ route }: { readonly route: UnknownRoute }) {
  const t = useTexts();
  const links: readonly (readonly [string, Route])[] = [
    ...tools.map((view) => [t(view), { view, namespace: '', query: {} }] as const),
    [t('pods'), home],
  ];
  return (
    <section class="notice" aria-labelledby="view-title">
      <h1 id="view-title">{t('missingTitle')}</h1>
      <p>{t('unknownAddress', { address: route.hash })}</p>
      <ul>
        {links.map(([text, to]) => (
          <li key={text}>
            <a href={hashOf(to)}>{text}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
