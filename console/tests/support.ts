// A real `carepath dev` with the examples, and a browser that looks at it. What a test starts, it stops.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const root = join(import.meta.dirname, '../..');
const program = process.env.CAREPATH ?? join(root, 'target/debug/carepath');
const shots = join(root, 'target/screenshots');

interface DevFile { api_url: string; api_key: string }

export interface Answer { status: number; body: unknown }

/** The system, and questions to its API. */
export class System {
  readonly url: string;
  readonly key: string;
  private constructor(private readonly child: ChildProcess, private readonly folder: string, { api_url, api_key }: DevFile) {
    this.url = api_url;
    this.key = api_key;
  }

  /** Starts it on a free port with a folder of its own, and waits until the examples are in. */
  static async start(more: string[] = []): Promise<System> {
    const folder = mkdtempSync(join(tmpdir(), 'carepath-console-'));
    const child = spawn(program, ['dev', '--seed', '--clock', 'manual', '--port', '0', '--data', folder, ...more], { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((done, fail) => {
      let said = '';
      child.stderr.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (said.includes('the examples are in')) done();
      });
      child.on('error', fail);
      child.on('exit', code => fail(new Error(`carepath dev ended with ${code}: ${said.slice(-2000)}`)));
    });
    const system = new System(child, folder, JSON.parse(readFileSync(join(folder, 'dev.json'), 'utf8')) as DevFile);
    await system.settle();
    return system;
  }

  async stop(): Promise<void> {
    this.child.removeAllListeners('exit');
    const gone = new Promise<void>(done => this.child.once('exit', () => done()));
    this.child.kill('SIGTERM');
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }

  async ask(method: string, path: string, body?: unknown, key = this.key): Promise<Answer> {
    const answer = await fetch(this.url + path, {
      method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? (JSON.parse(text) as unknown) : undefined };
  }

  /** What has to be answered well. */
  async ok<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.ask(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }

  async settle(): Promise<void> {
    await this.ok('POST', '/_dev/settle', {});
  }

  async advance(by: string): Promise<void> {
    await this.ok('POST', '/_dev/clock', { advance: by });
    await this.settle();
  }

  async newKey(role: string): Promise<string> {
    const { key } = await this.ok<{ key: string }>('POST', '/v1/keys', { name: role, roles: [role] });
    return key;
  }
}

/** With FRESH_DIST=1 the files are those of `dist/`, as they were just built, and not those in the command: quicker while one writes. */
async function fresh(page: Page): Promise<void> {
  const file = (url: string) => join(root, 'console/dist', new URL(url).pathname.replace(/^\/$/, '/index.html'));
  await page.route(url => url.pathname === '/' || url.pathname.startsWith('/assets/'), route => route.fulfill({ path: file(route.request().url()) }));
}

/** A browser, and what its pages may not do: fail, break the policy, or ask anybody else for anything. */
export class Eyes {
  private readonly complaints: string[] = [];
  /** Statuses that a test means to see. */
  expected: number[] = [];
  private constructor(private readonly browser: Browser, private readonly system: System, private readonly known: string[]) {}

  /** A page may ask the system, and whom a test names besides. */
  static async open(system: System, besides: string[] = []): Promise<Eyes> {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    return new Eyes(browser, system, [system.url, ...besides]);
  }

  close = (): Promise<void> => this.browser.close();

  async page(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    const context: BrowserContext = await this.browser.newContext({ viewport: { width: 1360, height: 900 }, timezoneId: 'Europe/Berlin', locale: 'en-GB', reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    if (process.env.FRESH_DIST) await fresh(page);
    page.on('pageerror', error => this.complaints.push(`broke: ${error.message}`));
    page.on('console', message => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      if (this.expected.some(status => message.text().includes(`status of ${status}`))) return;
      this.complaints.push(`said: ${message.text()} (${message.location().url})`);
    });
    page.on('request', request => {
      if (!this.known.some(origin => request.url().startsWith(origin)) && !/^(data|blob|about):/.test(request.url())) this.complaints.push(`asked ${request.url()}`);
    });
    return page;
  }

  /** A page of somebody who has this key and no other. */
  async pageWith(key: string): Promise<Page> {
    const page = await this.page();
    await page.route('**/_dev/session', route => route.fulfill({ status: 403, contentType: 'application/json', body: '{}' }));
    await page.addInitScript(token => sessionStorage.setItem('carepath.session', JSON.stringify({ token, from: 'key' })), key);
    return page;
  }

  async go(page: Page, hash: string): Promise<void> {
    await page.goto(`${this.system.url}/${hash}`);
    await this.calm(page);
  }

  /** Waits until the page shows what it has to show. */
  async calm(page: Page): Promise<void> {
    await page.waitForLoadState('networkidle');
    await page.locator('.spinner').first().waitFor({ state: 'detached' });
  }

  /** What went wrong since the last time that somebody asked. */
  complained(): string[] {
    return this.complaints.splice(0);
  }
}

/** What an expert for accessibility would find without thinking. */
export async function axeFinds(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const run = (window as unknown as { axe: typeof axe }).axe;
    return run.run(document, { resultTypes: ['violations'] });
  });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).slice(0, 3).join(' | ')}`);
}

export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}
