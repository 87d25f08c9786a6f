// The log of a container, followed line by line.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isAbort, messageOf } from '../../model/api-error';
import { chunksOf } from '../../model/follow';
import { plainText } from '../../model/log-text';
import { containersOf, type KubeObject } from '../../model/objects';
import { type ObjectRoute, objectPath } from '../../model/routes';
import { LastLines, StreamLines } from '../../model/stream-lines';
import { useConsole, useTexts } from '../app/context';
import { usePageShown } from '../app/page-state';
import { Notice } from '../parts/notice';
import { useRefusals } from './actions';
import { ContainerChoice } from './container-choice';

interface Props {
  readonly route: ObjectRoute;
  readonly object: KubeObject;
}

/** Of the end of the log, at the beginning. */
const tailLines = 1_000;
/** More are dropped at the front: a page would slow down with a log without end. */
const maxLines = 5_000;
const drawMs = 100;
/** So near to the end of the text, new lines keep the end in view. */
const endPx = 40;

export function Logs({ route, object }: Props) {
  const t = useTexts();
  const containers = containersOf(object);
  const [container, setContainer] = useState(containers[0]?.name ?? '');
  const [isPrevious, setPrevious] = useState(false);
  const [isFollowed, setFollowed] = useState(true);
  const [hasTimes, setTimes] = useState(false);
  const [isWrapped, setWrapped] = useState(true);
  const refusal = useRefusals(['logs'], route).logs;
  const query = useMemo(
    () =>
      new URLSearchParams({
        container,
        tailLines: String(tailLines),
        follow: String(isFollowed && !isPrevious),
        previous: String(isPrevious),
        timestamps: String(hasTimes),
      }).toString(),
    [container, isPrevious, isFollowed, hasTimes],
  );
  if (refusal === t('checkingAccess')) return null;
  if (refusal !== undefined) return <Notice title={t('forbiddenTitle')} text={refusal} />;
  return (
    <section class="logs" aria-label={t('tabLogs')}>
      <div class="toolbar">
        <ContainerChoice containers={containers} value={container} onChange={setContainer} />
        <Check label={t('previousContainer')} value={isPrevious} onChange={setPrevious} />
        <Check label={t('follow')} value={isFollowed} onChange={setFollowed} />
        <Check label={t('timestamps')} value={hasTimes} onChange={setTimes} />
        <Check label={t('wrapLines')} value={isWrapped} onChange={setWrapped} />
      </div>
      <LogText
        key={query}
        path={`${objectPath(route.resource, route.namespace, route.name)}/log?${query}`}
        label={t('logLabel', { container })}
        isWrapped={isWrapped}
        isFollowed={isFollowed}
      />
    </section>
  );
}

interface CheckProps {
  readonly label: string;
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}

function Check({ label, value, onChange }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
      {label}
    </label>
  );
}

interface TextProps {
  readonly path: string;
  readonly label: string;
  readonly isWrapped: boolean;
  readonly isFollowed: boolean;
}

function LogText({ path, label, isWrapped, isFollowed }: TextProps) {
  const t = useTexts();
  const { lines, version, hasEnded, problem } = useLog(path);
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  const text = useMemo(() => plainText(lines.text()), [version]);
  useEffect(() => {
    const element = box.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [text]);
  const onScroll = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: { currentTarget: HTMLElement }) => {
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < endPx;
  };
  return (
    <>
      {problem !== undefined && <Notice title={t('failedTitle')} text={problem} />}
      {lines.dropped > 0 && <p class="muted">{t('logDropped', { count: lines.dropped })}</p>}
      <pre
        ref={box}
        class={isWrapped ? 'log wrapped' : 'log'}
        tabIndex={0}
        role="log"
        aria-label={label}
        onScroll={onScroll}
      >
        {text}
      </pre>
      {lines.size === 0 && problem === undefined && <p class="muted">{t('logEmpty')}</p>}
      {hasEnded && <p class="muted">{t(isFollowed ? 'logEnded' : 'logUntilNow')}</p>}
    </>
  );
}

interface LogState {
  readonly lines: LastLines;
  readonly version: number;
  readonly hasEnded: boolean;
  readonly problem: string | undefined;
}

function useLog(path: string): LogState {
  const { api } = useConsole();
  const isShown = usePageShown();
  const lines = useMemo(() => new LastLines(maxLines), []);
  const [version, setVersion] = useState(0);
  const [hasEnded, setEnded] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      setVersion((before) => before + 1);
    };
    const run = async () => {
      const { body } = await api.send(path, { accept: '*/*', signal: stop.signal });
      lines.clear();
      const split = new StreamLines();
      if (body) {
        for await (const chunk of chunksOf(body)) {
          lines.push(split.push(chunk));
          timer ??= setTimeout(draw, drawMs);
        }
      }
      const rest = split.end();
      if (rest !== '') lines.push([rest]);
      setEnded(true);
      draw();
    };
    run().catch((err: unknown) => isAbort(err) || setProblem(messageOf(err)));
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [api, isShown]);
  return { lines, version, hasEnded, problem };
}
