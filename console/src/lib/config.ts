// What whoever installed these files says in the `config.json` beside them.

/** Who signs people in, by the code flow with PKCE: its two ends, and what this console is to it. */
export interface Provider {
  /** Where people sign in. */
  authorize: string;
  /** Where a code is given for a token. */
  token: string;
  client: string;
  /** Where people sign out of the provider too, and are led back from. */
  logout?: string;
}

export interface Config {
  /** Where the API is, with its version: `/v1`, `/people/v1`. */
  api: string;
  auth?: Provider;
  /** Where alarms and the figures of the last hours and days are: a dashboard of whoever runs this. */
  dashboard?: string;
  /** Where `carepath dev` offers what only it has: the mailbox, the clock. */
  dev?: string;
}

let config: Config = { api: '/v1' };

export async function loadConfig(): Promise<Config> {
  const answer = await fetch('./config.json', { cache: 'no-cache' });
  if (answer.ok) config = { ...config, ...((await answer.json()) as Partial<Config>) };
  return config;
}

export function currentConfig(): Config {
  return config;
}

/** What stands before `/v1` in every path of the API. */
export function apiBase(): string {
  return config.api.replace(/\/v1\/?$/, '');
}
