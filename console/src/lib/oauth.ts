// Signing in with an identity provider: the code flow with PKCE (RFC 7636). No secret is in these files.
import type { Provider } from './config';
import { currentSession, setSession } from './session';

const VERIFIER = 'carepath.verifier';
const STATE = 'carepath.state';
const BACK = 'carepath.back';

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

const drawn = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));
const here = (): string => window.location.origin + window.location.pathname;

/** Leads to the provider; `completeSignIn` takes it up when it leads back. */
export async function beginSignIn(provider: Provider): Promise<void> {
  const verifier = drawn();
  const state = drawn();
  sessionStorage.setItem(VERIFIER, verifier);
  sessionStorage.setItem(STATE, state);
  sessionStorage.setItem(BACK, window.location.hash);
  const challenge = base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
  const query = new URLSearchParams({
    response_type: 'code', client_id: provider.client, redirect_uri: here(), scope: 'openid email', state,
    code_challenge: challenge, code_challenge_method: 'S256',
  });
  window.location.assign(`${provider.authorize}?${query.toString()}`);
}

/** Whether the provider has led back here, and the session began. */
export async function completeSignIn(provider: Provider): Promise<boolean> {
  const query = new URLSearchParams(window.location.search);
  const code = query.get('code');
  const refused = query.get('error');
  if (!code && !refused) return false;
  const [verifier, state, back] = [VERIFIER, STATE, BACK].map(name => sessionStorage.getItem(name));
  [VERIFIER, STATE, BACK].forEach(name => sessionStorage.removeItem(name));
  window.history.replaceState(null, '', here() + (back ?? ''));
  if (!verifier || query.get('state') !== state) throw new Error('The sign-in was not begun here. Please sign in again.');
  if (!code) throw new Error('The identity provider did not let you in. Ask whoever runs it, or sign in again.');
  const body = new URLSearchParams({
    grant_type: 'authorization_code', code, client_id: provider.client, redirect_uri: here(), code_verifier: verifier,
  });
  const answer = await fetch(provider.token, { method: 'POST', body });
  if (!answer.ok) throw new Error(`The identity provider did not give a token (${answer.status}). Please sign in again.`);
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (!token) throw new Error('The identity provider answered without a token. Please sign in again.');
  setSession({ token, from: 'provider' });
  return true;
}

/** Forgets who is signed in, here and at the provider, who would otherwise let the next person at this machine in by itself. */
export function signOut(provider: Provider | undefined): void {
  const leave = currentSession()?.from === 'provider' && provider?.logout;
  setSession(null);
  if (!leave) return;
  const query = new URLSearchParams({ client_id: provider.client, logout_uri: here(), post_logout_redirect_uri: here() });
  window.location.assign(`${leave}?${query.toString()}`);
}
