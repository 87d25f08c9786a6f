// The login page: by a link of `k8ts console`, or by a token.
import { useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import type { TextKey } from '../../texts/texts';
import { openSession, type Session } from '../api/session';
import { useTexts } from '../app/context';
import type { Settings } from '../app/settings';
import { SettingsFields } from '../app/settings-fields';

interface Props {
  readonly settings: Settings;
  /** Why the reader is here; absent at the first visit. */
  readonly why?: TextKey | undefined;
  readonly onLogin: (session: Session) => void;
}

export function Login({ settings, why, onLogin }: Props) {
  const t = useTexts();
  const [token, setToken] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(why === undefined ? '' : t(why));
  const submit = async () => {
    const entered = token.trim();
    if (entered === '') return setProblem(t('tokenMissing'));
    // A header takes no other characters (RFC 6750, b64token), and no token has them.
    if (!/^[\x21-\x7e]+$/.test(entered)) return setProblem(t('tokenRefused'));
    setBusy(true);
    setProblem('');
    try {
      const session = await openSession(entered);
      if (session) onLogin(session);
      else setProblem(t('tokenRefused'));
    } catch (err) {
      setProblem(messageOf(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <h1>
        <span class="brand">k8ts</span> {t('loginTitle')}
      </h1>
      <p>{t('loginIntro')}</p>
      <p id="login-problem" class="problem" role="alert">
        {problem}
      </p>
      <p>{t('loginByLink')}</p>
      <pre class="command">k8ts console --open</pre>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label for="token">{t('loginByToken')}</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="login-problem"
          aria-label={t('token')}
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? t('loggingIn') : t('logIn')}
        </button>
      </form>
      <SettingsFields settings={settings} />
    </main>
  );
}
