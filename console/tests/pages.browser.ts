// Every page as everybody gets it: readable for all, in both schemes, at any size, with nothing from elsewhere.
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { axeFinds, Eyes, shoot, System } from './support';

const PAGES = [
  ['workflows', '#/workflows'],
  ['workflow', '#/workflows/new-member-onboarding'],
  ['workflow-step', '#/workflows/new-member-onboarding?step=welcome&state=sent'],
  ['funnel', '#/workflows/appointment-reminder?view=funnel'],
  ['table', '#/workflows/appointment-reminder?view=table'],
  ['contacts', '#/contacts'],
  ['contacts-found', '#/contacts?segment=needs-a-call'],
  ['contact', '#/contacts/story-maria'],
  ['templates', '#/templates'],
  ['template', '#/templates/appointment-confirmation'],
  ['edit', '#/workflows/appointment-reminder/edit'],
  ['segments', '#/segments'],
  ['segment', '#/segments/due-for-screening'],
  ['segment-by-hand', '#/segments/needs-a-call'],
  ['keys', '#/keys'],
  ['operations', '#/operations'],
  ['nowhere', '#/nowhere'],
] as const;

let system: System;
let eyes: Eyes;
beforeAll(async () => {
  system = await System.start();
  await system.advance('9d');
  eyes = await Eyes.open(system);
});
afterAll(async () => {
  await eyes.close();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

describe.each(['light', 'dark'] as const)('in %s', colorScheme => {
  it.each(PAGES)('%s has nothing that keeps anybody out', async (name, hash) => {
    const page = await eyes.page({ colorScheme });
    await eyes.go(page, hash);
    await shoot(page, `${name}-${colorScheme}`);
    expect(await axeFinds(page)).toEqual([]);
    expect(await page.title()).toMatch(/ · Carepath$/);
    await page.context().close();
  });
});

describe('on a phone, and at 200 % of a small screen', () => {
  it.each(PAGES)('nothing of %s lies beside the page', async (name, hash) => {
    // 200 % of 780 pixels is 390 pixels of CSS, and so is a phone.
    const page = await eyes.page({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 });
    await eyes.go(page, hash);
    await shoot(page, `${name}-phone`);
    const beside = await page.evaluate(() => ({
      page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      // Text that is cut off, where nothing lets it scroll.
      cut: [...document.querySelectorAll('h1, h2, h3, p, dt, dd, a, button, label > span')]
        .filter(element => !element.closest('.flow') && !element.classList.contains('visually-hidden') && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
        .map(element => element.textContent),
    }));
    expect(beside).toEqual({ page: 0, cut: [] });
    await page.context().close();
  });
});

it('is served under a policy that lets nothing in from elsewhere', async () => {
  const answer = await fetch(`${system.url}/`);
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});

it('shows the first page for less than 250 KB', () => {
  const dist = join(import.meta.dirname, '../dist');
  type Manifest = Record<string, { file: string; css?: string[]; imports?: string[] }>;
  const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')) as Manifest;
  const files = new Set<string>(['index.html']);
  const take = (name: string) => {
    const entry = manifest[name];
    if (!entry || files.has(entry.file)) return;
    [entry.file, ...(entry.css ?? [])].forEach(file => files.add(file));
    entry.imports?.forEach(take);
  };
  take('index.html');
  const bytes = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0);
  expect(files.size).toBeGreaterThan(2);
  expect(bytes).toBeLessThan(250_000);
});
