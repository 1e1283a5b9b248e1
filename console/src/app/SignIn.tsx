import { useState, type SyntheticEvent } from 'react';
import { apiBase, currentConfig } from '../lib/config';
import { beginSignIn } from '../lib/oauth';
import { setSession } from '../lib/session';
import { Logo } from '../ui/icons';
import { Failure, Title } from '../ui/parts';

export function SignIn({ error }: { error: unknown }) {
  const { auth } = currentConfig();
  const [key, setKey] = useState('');
  const [fault, setFault] = useState<unknown>(error);
  const [busy, setBusy] = useState(false);

  async function submit(event: SyntheticEvent) {
    event.preventDefault();
    const token = key.trim();
    setBusy(true);
    setFault(undefined);
    try {
      const answer = await fetch(`${apiBase()}/v1/me`, { headers: { authorization: `Bearer ${token}` }, cache: 'no-store' });
      if (answer.status === 401) throw new Error('Nobody has this key. Check that all of it was pasted; it begins with cp_.');
      if (!answer.ok) throw new Error(`The API answered ${answer.status}.`);
      setSession({ token, from: 'key' });
    } catch (caught) {
      setFault(caught instanceof TypeError ? new Error('The API cannot be reached.') : caught);
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="signin" id="main">
      <div className="card">
        <div className="brand"><Logo />Carepath</div>
        <Title name="Sign in">Sign in</Title>
        {fault !== undefined && <Failure error={fault} />}
        {auth ? (
          <button type="button" className="button primary" onClick={() => void beginSignIn(auth).catch(setFault)}>Sign in with your organisation</button>
        ) : (
          <form className="stack" onSubmit={event => void submit(event)}>
            <label className="field">
              <span>API key</span>
              <input type="password" autoComplete="off" spellCheck={false} required value={key} onChange={event => setKey(event.target.value)} />
            </label>
            <button className="button primary" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
            <p className="dim small">The key stays in this tab and is gone when you close it. What you may see and change depends on its roles.</p>
          </form>
        )}
      </div>
    </main>
  );
}
