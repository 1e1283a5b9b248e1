// The API, with the types that its own description gives.
import createClient, { type Middleware } from 'openapi-fetch';
import { apiBase } from '../lib/config';
import { currentSession, setSession } from '../lib/session';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** What the API did not do, and why. */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Schemas['Problem'] | undefined;
  constructor(status: number, problem: Schemas['Problem'] | undefined) {
    super(problem?.detail ?? (status === 0 ? 'The API cannot be reached. Is the network there?' : `The API answered ${status}.`));
    this.status = status;
    this.problem = problem;
  }
  /** Each fault of what was sent, where the API names them. */
  get faults(): string[] {
    return (this.problem?.errors ?? []).map(({ pointer, message }) => (pointer ? `${pointer}: ${message}` : message));
  }
}

async function problemOf(answer: Response): Promise<ApiError> {
  const type = answer.headers.get('content-type') ?? '';
  const problem = type.includes('json') ? ((await answer.clone().json().catch(() => undefined)) as Schemas['Problem'] | undefined) : undefined;
  return new ApiError(answer.status, problem);
}

const middleware: Middleware = {
  onRequest({ request }) {
    const session = currentSession();
    if (session) request.headers.set('authorization', `Bearer ${session.token}`);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return undefined;
    // A key that was revoked, or a token that ran out: whoever it was signs in again, unless they have done so meanwhile.
    const session = currentSession();
    if (response.status === 401 && session && request.headers.get('authorization') === `Bearer ${session.token}`) setSession(null);
    throw await problemOf(response);
  },
  onError() {
    return new ApiError(0, undefined);
  },
};

function make() {
  const client = createClient<paths>({ baseUrl: apiBase(), cache: 'no-store', fetch: (request: Request) => window.fetch(request) });
  client.use(middleware);
  return client;
}

let made: ReturnType<typeof make> | undefined;

/** The API; asked for after `loadConfig`. */
export const api = (): ReturnType<typeof make> => (made ??= make());

/** The body of an answer that the middleware let through. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new ApiError(200, undefined);
  return data;
}

/** The same with the revision, for `If-Match`. */
export async function revised<T>(answer: Promise<{ data?: T; response: Response }>): Promise<{ value: T; tag: string | null }> {
  const { data, response } = await answer;
  if (data === undefined) throw new ApiError(response.status, undefined);
  return { value: data, tag: response.headers.get('etag') };
}

/** Asks for what has no types here: what `carepath dev` offers beside the API. */
export async function ask<T>(path: string): Promise<T> {
  const headers = new Headers();
  const session = currentSession();
  if (session) headers.set('authorization', `Bearer ${session.token}`);
  const answer = await fetch(path, { headers, cache: 'no-store' }).catch(() => {
    throw new ApiError(0, undefined);
  });
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as T;
}
