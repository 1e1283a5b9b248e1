// How a session begins: handed over by `carepath dev`, brought back from the identity provider, or kept by this tab.
import { readClock } from '../lib/clock';
import { loadConfig } from '../lib/config';
import { completeSignIn } from '../lib/oauth';
import { currentSession, setSession } from '../lib/session';

let begun: Promise<void> | undefined;

/** Asks this machine's own server for its key. Nobody else answers this. */
async function fromThisMachine(path: string): Promise<void> {
  const answer = await fetch(`${path}/session`, { method: 'POST' }).catch(() => undefined);
  if (!answer?.ok) return;
  const { key } = (await answer.json()) as { key?: string };
  if (key) setSession({ token: key, from: 'dev' });
}

async function begin(): Promise<void> {
  const config = await loadConfig();
  await readClock();
  if (config.auth && (await completeSignIn(config.auth))) return;
  // A key of another data folder, left from before, would only be refused.
  if (config.dev && (!currentSession() || currentSession()?.from === 'dev')) await fromThisMachine(config.dev);
}

export const beginSession = (): Promise<void> => (begun ??= begin());
