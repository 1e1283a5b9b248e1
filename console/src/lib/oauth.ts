// Signing in with an identity provider: the code flow with PKCE (RFC 7636). No secret is in these files.
import type { Provider } from './config';
import { setSession } from './session';

const VERIFIER = 'carepath.verifier';
const STATE = 'carepath.state';
const BACK = 'carepath.back';

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

const drawn = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));
const here = (): string => window.location.origin + window.location.pathname;

interface Endpoints { authorization_endpoint: string; token_endpoint: string }

async function endpoints({ issuer, sign_in }: Provider): Promise<Endpoints> {
  if (sign_in) return { authorization_endpoint: `${sign_in}/oauth2/authorize`, token_endpoint: `${sign_in}/oauth2/token` };
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (!answer.ok) throw new Error(`The identity provider does not say where to sign in (${answer.status}).`);
  return (await answer.json()) as Endpoints;
}

/** Leads to the provider; `completeSignIn` takes it up when it leads back. */
export async function beginSignIn(provider: Provider): Promise<void> {
  const verifier = drawn();
  const state = drawn();
  sessionStorage.setItem(VERIFIER, verifier);
  sessionStorage.setItem(STATE, state);
  sessionStorage.setItem(BACK, window.location.hash);
  const challenge = base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
  const query = new URLSearchParams({
    response_type: 'code', client_id: provider.client_id, redirect_uri: here(), scope: 'openid email', state,
    code_challenge: challenge, code_challenge_method: 'S256',
  });
  window.location.assign(`${(await endpoints(provider)).authorization_endpoint}?${query.toString()}`);
}

/** Whether the provider has led back here, and the session began. */
export async function completeSignIn(provider: Provider): Promise<boolean> {
  const query = new URLSearchParams(window.location.search);
  const code = query.get('code');
  if (!code) return false;
  const [verifier, state, back] = [VERIFIER, STATE, BACK].map(name => sessionStorage.getItem(name));
  [VERIFIER, STATE, BACK].forEach(name => sessionStorage.removeItem(name));
  window.history.replaceState(null, '', here() + (back ?? ''));
  if (!verifier || query.get('state') !== state) throw new Error('The sign-in was not begun here. Please sign in again.');
  const body = new URLSearchParams({
    grant_type: 'authorization_code', code, client_id: provider.client_id, redirect_uri: here(), code_verifier: verifier,
  });
  const answer = await fetch((await endpoints(provider)).token_endpoint, { method: 'POST', body });
  if (!answer.ok) throw new Error(`The identity provider did not give a token (${answer.status}). Please sign in again.`);
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (!token) throw new Error('The identity provider answered without a token. Please sign in again.');
  setSession({ token, from: 'provider' });
  return true;
}
