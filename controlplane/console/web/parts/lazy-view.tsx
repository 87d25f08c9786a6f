// A view whose code is fetched when it is opened, so that the first load stays small.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import { useTexts } from '../app/context';
import { Loading, Notice } from './notice';

interface Props<P> {
  /** The same function at each call. It resolves with the view. */
  readonly load: () => Promise<ComponentType<P>>;
  readonly props: P;
}

export function LazyView<P extends object>({ load, props }: Props<P>) {
  const t = useTexts();
  const [loaded, setLoaded] = useState<{ readonly View: ComponentType<P> }>();
  const [error, setError] = useState<unknown>();
  useEffect(() => void load().then((View) => setLoaded({ View }), setError), [load]);
  if (error !== undefined) return <Notice title={t('failedTitle')} text={messageOf(error)} />;
  if (!loaded) return <Loading />;
  const { View } = loaded;
  return <View {...props} />;
}
