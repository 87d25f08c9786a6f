// Decides between the login and the shell.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import type { TextKey } from '../../texts/texts';
import {
  exchangeCode,
  isLoginLink,
  openSession,
  type Session,
  storedToken,
  storeToken,
  takeLoginCode,
} from '../api/session';
import { Login } from '../login/login';
import { Failed, Loading } from '../parts/notice';
import { LanguageContext } from './context';
import { useSettings } from './settings';
import { Shell } from './shell';

type Phase =
  | { readonly name: 'starting' }
  | { readonly name: 'failed'; readonly message: string }
  | { readonly name: 'login'; readonly why?: TextKey }
  | { readonly name: 'open'; readonly session: Session; readonly notice?: TextKey };

/** By the code of a link, else by the token that this tab has kept. */
async function start(): Promise<Phase> {
  const code = takeLoginCode();
  const kept = storedToken();
  const fresh = code === undefined ? undefined : await exchangeCode(code).catch(() => undefined);
  // A link that is used up ends no login that this tab has already.
  const isRefused = code !== undefined && fresh === undefined;
  const token = fresh ?? kept;
  if (token === undefined) return { name: 'login', ...(isRefused ? { why: 'codeRefused' } : {}) };
  const session = await openSession(token);
  if (!session) {
    storeToken(undefined);
    return { name: 'login', why: isRefused ? 'codeRefused' : 'sessionEnded' };
  }
  storeToken(token);
  return { name: 'open', session, ...(isRefused ? { notice: 'codeRefusedStays' } : {}) };
}

export function App() {
  const settings = useSettings();
  const [phase, setPhase] = useState<Phase>({ name: 'starting' });
  const begin = () => {
    setPhase({ name: 'starting' });
    start().then(setPhase, (err: unknown) => setPhase({ name: 'failed', message: messageOf(err) }));
  };
  useEffect(() => {
    begin();
    // A link that is opened in this tab changes the fragment alone: the page is not loaded again.
    const changed = () => {
      if (isLoginLink()) begin();
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  const leave = useMemo(
    () => (why: TextKey) => {
      storeToken(undefined);
      setPhase({ name: 'login', why });
    },
    [],
  );
  const enter = (session: Session) => {
    storeToken(session.token);
    setPhase({ name: 'open', session });
  };
  return (
    <LanguageContext.Provider value={settings.language}>
      {phase.name === 'starting' && <Loading />}
      {phase.name === 'failed' && (
        <main class="login">
          <Failed text={phase.message} retry={begin} />
        </main>
      )}
      {phase.name === 'login' && <Login settings={settings} why={phase.why} onLogin={enter} />}
      {phase.name === 'open' && (
        <Shell session={phase.session} notice={phase.notice} settings={settings} onLeave={leave} />
      )}
    </LanguageContext.Provider>
  );
}
