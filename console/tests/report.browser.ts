// The figures on the pages are the API's, to the last one.
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Eyes, shoot, System } from './support';

let system: System;
let eyes: Eyes;
beforeAll(async () => {
  system = await System.start();
  const mails = await system.ok<{ id: string; to: string }[]>('GET', '/_dev/mailbox?limit=100');
  for (const mail of mails.filter((_, nth) => nth % 2 === 0)) await system.ok('POST', `/_dev/mailbox/${mail.id}/open`, {});
  await system.advance('9d');
  eyes = await Eyes.open(system);
});
afterAll(async () => {
  await eyes.close();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

interface Step { id: string; entered: number; waiting: number; moved_on: number; sent: number; opened: { human: number }; ended: Record<string, number> }
interface Report { steps: Step[]; totals: { entered: number; active: number } }

const sum = (by: Record<string, number>) => Object.values(by).reduce((a, b) => a + b, 0);

it.each(['new-member-onboarding', 'appointment-reminder', 'education-series'])('of %s', async workflow => {
  const page = await eyes.page({ acceptDownloads: true });
  await eyes.go(page, `#/workflows/${workflow}?view=table`);
  const report = await system.ok<Report>('GET', `/v1/workflows/${workflow}/report?version=1`);
  expect(report.totals.entered).toBeGreaterThan(0);
  const table = page.getByRole('region', { name: 'Figures of each step' }).locator('table');
  const head = await table.locator('thead th').allInnerTexts();
  const rows = await table.locator('tbody tr').evaluateAll(rows => rows.map(row => [...row.children].map(cell => (cell.querySelector('button') ?? cell).textContent ?? '')));
  const shown = rows.map(row => Object.fromEntries(head.map((name, nth) => [name, row[nth]])));
  expect(shown.map(row => [row.Step, row.entered, row.waiting, row['moved on'], row.ended, row.sent, row.opened])).toEqual(
    report.steps.map(step => [step.id, ...[step.entered, step.waiting, step.moved_on, sum(step.ended), step.sent, step.opened.human].map(String)]),
  );
  // S22, as the page has it.
  for (const row of shown) expect(Number(row.entered)).toBe(Number(row.waiting) + Number(row['moved on']) + Number(row.ended));

  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as CSV' }).click();
  const file = readFileSync(await (await download).path(), 'utf8').trim().split('\r\n');
  expect(file.length).toBe(report.steps.length + 1);
  expect(file[1]?.split(',').slice(0, 3)).toEqual([report.steps[0]?.id, expect.any(String), String(report.steps[0]?.entered)]);

  await eyes.go(page, `#/workflows/${workflow}`);
  const busy = report.steps.find(step => step.sent > 0);
  if (!busy) throw new Error('nothing was sent');
  const card = page.getByRole('button', { name: new RegExp(`^${busy.id}\\s*send`) });
  expect(await card.innerText()).toContain(`${busy.entered} entered`);
  await card.click();
  const who = page.getByRole('region', { name: 'Who', exact: true });
  await who.getByRole('button', { name: 'Sent' }).click();
  await eyes.calm(page);
  expect(await who.getByRole('listitem').count()).toBe(busy.sent);
  await shoot(page, `report-${workflow}`);
  await who.getByRole('link').first().click();
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
  await page.context().close();
});

it('forty steps are readable: no card lies over another, and the words are as large as words are', async () => {
  const id = (n: number) => (n >= 40 ? 'end' : `step_${n}`);
  const step = (n: number) => (n % 4 === 3 ? { branch: { cases: [{ when: { attribute: `a${n}`, eq: true }, next: id(n + 2) }], next: id(n + 1) } } : { wait: { for: '1d' }, next: id(n + 1) });
  await system.ok('PUT', '/v1/workflows/long', { id: 'long', class: 'care', entry: { api: true }, steps: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [id(n), step(n)])) });
  await system.ok('POST', '/v1/workflows/long/publish');
  const page = await eyes.page({ viewport: { width: 1360, height: 1400 } });
  await eyes.go(page, '#/workflows/long');
  await page.getByRole('button', { name: /^step_39/ }).waitFor();
  const cards = await page.locator('.flow-card').evaluateAll(cards => cards.map(card => card.getBoundingClientRect().toJSON() as { x: number; y: number; width: number; height: number }));
  expect(cards.length).toBe(42);
  for (const a of cards) for (const b of cards) expect(a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
  // Names are set in 13 pixels; at the zoom that a graph opens with they are still 8 or more.
  expect(Math.min(...cards.map(card => card.width)) / 232).toBeGreaterThanOrEqual(0.62);
  await shoot(page, 'workflow-forty');
  // Who comes to the last step by keyboard sees it.
  await page.getByRole('button', { name: /^step_39/ }).focus();
  await expect.poll(async () => (await page.getByRole('button', { name: /^step_39/ }).boundingBox())?.y ?? 9999).toBeLessThan(1400);
  await page.context().close();
});
