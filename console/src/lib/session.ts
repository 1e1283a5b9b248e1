// Who is signed in. A key lives as long as its tab; nothing is kept on the machine.
import { useSyncExternalStore } from 'react';

export interface Session {
  /** Sent as `Authorization: Bearer`. */
  token: string;
  /** Where it came from: typed in, handed over by `carepath dev`, or by the identity provider. */
  from: 'key' | 'dev' | 'provider';
}

const KEEP = 'carepath.session';
const listeners = new Set<() => void>();
let session: Session | null = load();

function load(): Session | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEEP) ?? 'null');
    return kept !== null && typeof kept === 'object' && 'token' in kept ? (kept as Session) : null;
  } catch {
    return null;
  }
}

export function currentSession(): Session | null {
  return session;
}

export function setSession(next: Session | null): void {
  session = next;
  if (next) sessionStorage.setItem(KEEP, JSON.stringify(next));
  else sessionStorage.removeItem(KEEP);
  listeners.forEach(heard => heard());
}

export function useSession(): Session | null {
  return useSyncExternalStore(
    heard => {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    () => session,
  );
}
