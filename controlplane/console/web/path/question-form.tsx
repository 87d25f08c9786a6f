// From where, to where: with the names that the cluster has, as suggestions.
import { useEffect, useState } from 'preact/hooks';
import { collectionPath } from '../../model/routes';
import { refs } from '../../model/topology/objects';
import { useConsole, useTexts } from '../app/context';

interface Question {
  readonly from: string;
  readonly to: string;
  readonly sendsProbe: boolean;
  /** Manifests as YAML or JSON that are tried out; '' for none. */
  readonly whatIf: string;
}
interface Props extends Question {
  readonly isAsking: boolean;
  readonly onAsk: (question: Question) => void;
}

const metadataType = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** More suggestions help no reader, and a browser draws all of them. */
const maxSuggestions = 300;
interface Names {
  readonly items: readonly { readonly metadata: { readonly namespace?: string; readonly name: string } }[];
}

export function QuestionForm(props: Props) {
  const t = useTexts();
  const [from, setFrom] = useState(props.from);
  const [to, setTo] = useState(props.to);
  const [sendsProbe, setSendsProbe] = useState(props.sendsProbe);
  const [whatIf, setWhatIf] = useState(props.whatIf);
  const { senders, receivers } = useSuggestions();
  const submit = (event: Event) => {
    event.preventDefault();
    if (from.trim() !== '' && to.trim() !== '')
      props.onAsk({ from: from.trim(), to: to.trim(), sendsProbe, whatIf: whatIf.trim() });
  };
  return (
    <form class="question" onSubmit={submit}>
      <label>
        {t('pathFrom')}
        <input
          name="from"
          list="path-senders"
          required
          placeholder="shop/web-0"
          value={from}
          onInput={({ currentTarget }) => setFrom(currentTarget.value)}
        />
      </label>
      <label>
        {t('pathTo')}
        <input
          name="to"
          list="path-receivers"
          required
          placeholder="svc/shop/cart:80"
          value={to}
          onInput={({ currentTarget }) => setTo(currentTarget.value)}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={sendsProbe}
          onChange={({ currentTarget }) => setSendsProbe(currentTarget.checked)}
        />
        {t('pathProbe')}
      </label>
      <button type="submit" class="button primary" disabled={props.isAsking}>
        {t('pathAsk')}
      </button>
      <p class="muted question-hint">{t('pathHint')}</p>
      <details class="what-if" open={props.whatIf !== ''}>
        <summary>{t('whatIf')}</summary>
        <p class="muted">{t('whatIfHint')}</p>
        <textarea
          name="what-if"
          class="what-if-text"
          aria-label={t('whatIf')}
          rows={8}
          spellcheck={false}
          value={whatIf}
          onInput={({ currentTarget }) => setWhatIf(currentTarget.value)}
        />
      </details>
      <datalist id="path-senders">
        {senders.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id="path-receivers">
        {receivers.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}

function useSuggestions(): { readonly senders: readonly string[]; readonly receivers: readonly string[] } {
  const { api } = useConsole();
  const [names, setNames] = useState<Record<'pods' | 'services' | 'nodes', readonly string[]>>({
    pods: [],
    services: [],
    nodes: [],
  });
  useEffect(() => {
    const stop = new AbortController();
    for (const kind of ['pods', 'services', 'nodes'] as const) {
      const url = `${collectionPath(refs[kind], '')}?limit=${maxSuggestions}`;
      api.json<Names>(url, { accept: metadataType, signal: stop.signal }).then(
        ({ items }) => {
          const found = items.map(({ metadata: { namespace, name } }) => (namespace ? `${namespace}/${name}` : name));
          setNames((before) => ({ ...before, [kind]: found }));
        },
        // Without the right to list there are no suggestions; the question can be asked all the same.
        () => {},
      );
    }
    return () => stop.abort();
  }, [api]);
  return {
    senders: ['outside', ...names.pods, ...names.nodes.map((name) => `node/${name}`)],
    receivers: [...names.services.map((key) => `svc/${key}`), ...names.pods.map((key) => `pod/${key}`)],
  };
}
