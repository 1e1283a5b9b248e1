// Who signs people in, and the site that the console is on: on loopback, as a provider and CloudFront do it in AWS.
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type { System } from './support';

const CLIENT = 'console';
const LIFETIME = 30 * 60;
const dist = join(import.meta.dirname, '../dist');
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function listening(server: Server): Promise<string> {
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

interface Asked { user: string; challenge: string; back: string }

/** The code flow with PKCE (RFC 6749, RFC 7636), strictly: what the console gets wrong is refused. */
export class Provider {
  url = '';
  /** Where the console is; nobody else is led back to. */
  site = '';
  now = (): number => Date.now() / 1000;
  /** How often somebody had to say who they are. */
  asked = 0;
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  private readonly codes = new Map<string, Asked>();
  private readonly server = createServer((request, response) => void this.serve(request, response));

  async start(): Promise<void> {
    this.url = await listening(this.server);
  }

  stop = (): void => void this.server.close();

  /** The claims of a token that is this provider's and still good. */
  claims(token: string): Record<string, unknown> | undefined {
    const [head = '', payload = '', signature = ''] = token.split('.');
    if (!verify('sha256', Buffer.from(`${head}.${payload}`), createPublicKey(this.keys.privateKey), Buffer.from(signature, 'base64url'))) return undefined;
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { iss: string; client_id: string; exp: number };
    return claims.iss === this.url && claims.client_id === CLIENT && claims.exp > this.now() ? { ...claims } : undefined;
  }

  private token(user: string): string {
    const claims = { iss: this.url, sub: user, client_id: CLIENT, token_use: 'access', 'cognito:groups': [user], iat: this.now(), exp: this.now() + LIFETIME, jti: randomUUID() };
    const text = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), this.keys.privateKey).toString('base64url')}`;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', this.url);
    const known = /who=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
    const refuse = (why: string) => response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_request', why }));
    if (pathname === '/authorize') {
      const back = query.get('redirect_uri') ?? '';
      if (query.get('client_id') !== CLIENT || back !== `${this.site}/` || query.get('response_type') !== 'code') return void refuse('client');
      if (query.get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(query.get('code_challenge') ?? '') || !query.get('state')) return void refuse('pkce');
      const user = query.get('user') ?? known;
      if (!user) {
        this.ask(response, query);
        return;
      }
      const answer = new URLSearchParams({ state: query.get('state') ?? '' });
      if (user === 'nobody') answer.set('error', 'access_denied');
      else {
        const code = randomUUID();
        this.codes.set(code, { user, challenge: query.get('code_challenge') ?? '', back });
        answer.set('code', code);
      }
      return void response.writeHead(302, { location: `${back}?${answer.toString()}`, 'set-cookie': user === 'nobody' ? [] : `who=${user}; HttpOnly; Path=/` }).end();
    }
    if (pathname === '/token' && request.method === 'POST') {
      const form = new URLSearchParams((await bodyOf(request)).toString());
      response.setHeader('access-control-allow-origin', this.site);
      const asked = this.codes.get(form.get('code') ?? '');
      // A code is good once.
      this.codes.delete(form.get('code') ?? '');
      const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
      if (!asked || asked.challenge !== challenge || asked.back !== form.get('redirect_uri') || form.get('client_id') !== CLIENT || form.get('grant_type') !== 'authorization_code') return void refuse('grant');
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ access_token: this.token(asked.user), token_type: 'Bearer', expires_in: LIFETIME }));
    }
    if (pathname === '/logout') {
      if (query.get('client_id') !== CLIENT || query.get('logout_uri') !== `${this.site}/`) return void refuse('logout');
      return void response.writeHead(302, { location: `${this.site}/`, 'set-cookie': 'who=; Max-Age=0; Path=/' }).end();
    }
    response.writeHead(404).end();
  }

  /** The page on which people say who they are. */
  private ask(response: ServerResponse, query: URLSearchParams): void {
    this.asked += 1;
    const link = (user: string) => `<li><a href="/authorize?${new URLSearchParams([...query, ['user', user]]).toString().replaceAll('&', '&amp;')}">${user}</a></li>`;
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Who are you?</title><h1>Who are you?</h1><ul>${['viewer', 'editor', 'admin', 'nobody'].map(link).join('')}</ul></html>`);
  }
}

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml' };

/** The files as the distribution serves them, and behind `/people` what the gateway lets through to the API. */
export class Site {
  url = '';
  /** Addresses that were asked for, with their parameters. */
  readonly asked: string[] = [];
  private readonly keys = new Map<string, string>();
  private readonly server = createServer((request, response) => void this.serve(request, response));
  constructor(private readonly system: System, private readonly provider: Provider) {}

  async start(): Promise<void> {
    for (const role of ['viewer', 'editor', 'admin']) this.keys.set(role, await this.system.newKey(role));
    this.url = await listening(this.server);
    this.provider.site = this.url;
  }

  stop = (): void => void this.server.close();

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = request.url ?? '/';
    this.asked.push(address);
    if (address.startsWith('/people/')) return this.forward(request, response, address.slice('/people'.length));
    for (const [name, value] of Object.entries(this.headers())) response.setHeader(name, value);
    const { pathname } = new URL(address, this.url);
    const name = /^\/(assets\/)?[^/]+\.[a-z0-9]+$/.test(pathname) ? pathname : '/index.html';
    if (name === '/config.json') return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.config()));
    const file = join(dist, name);
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(readFileSync(file));
  }

  private config(): object {
    const { url } = this.provider;
    return { api: '/people/v1', auth: { authorize: `${url}/authorize`, token: `${url}/token`, client: CLIENT, logout: `${url}/logout` } };
  }

  private headers(): Record<string, string> {
    return {
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' ${this.provider.url}; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
      'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin',
    };
  }

  /** The authorizer looks at the token; a person's role stands for a key of that role, since `carepath dev` knows keys alone. */
  private async forward(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const claims = this.provider.claims((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    const key = this.keys.get(String([claims?.['cognito:groups']].flat()[0]));
    if (!claims || !key) return void response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"Unauthorized"}');
    const body = await bodyOf(request);
    const answer = await fetch(this.system.url + path, {
      method: request.method ?? 'GET', headers: { authorization: `Bearer ${key}`, 'content-type': request.headers['content-type'] ?? 'application/json' }, ...(body.length > 0 ? { body: body.toString() } : {}),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' }).end(Buffer.from(await answer.arrayBuffer()));
  }
}
