// Five thousand people at one step: all of them can be come to, and the page stays as light as with twenty.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import { Eyes, shoot, System } from './support';

const PEOPLE = 5_000;
const BATCH = 500;
let system: System;
let eyes: Eyes;

beforeAll(async () => {
  system = await System.start();
  await system.ok('PUT', '/v1/segments/crowd', { name: 'Everybody', when: { attribute: 'crowd', eq: true } });
  await system.ok('PUT', '/v1/workflows/wait-a-while', { name: 'Wait a while', class: 'care', entry: { api: true }, steps: { rest: { wait: { for: '5d' }, next: 'end' } } });
  await system.ok('POST', '/v1/workflows/wait-a-while/publish', {});
  for (let from = 0; from < PEOPLE; from += BATCH) {
    const entries = Array.from({ length: BATCH }, (_, n) => ({ contact: { id: `person-${String(from + n).padStart(4, '0')}`, attributes: { crowd: true } } }));
    await system.ok('POST', '/v1/batch', { entries });
  }
  await system.settle();
  await system.ok('POST', '/v1/workflows/wait-a-while/enroll', { segment: 'crowd' });
  await system.settle();
  eyes = await Eyes.open(system);
}, 300_000);
afterAll(async () => {
  await eyes.close();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

/** Scrolls a list to its end as a wheel does, and says how many rows were on the page at most, and how long frames took. */
async function toTheEnd(pane: Locator, row: string): Promise<{ most: number; frames: number[] }> {
  return pane.evaluate(async (pane, row) => {
    const frames: number[] = [];
    let most = 0;
    let still = 0;
    let before = performance.now();
    const frame = () => new Promise<number>(done => requestAnimationFrame(done));
    // At the end nothing moves any more, and nothing more comes, for a second.
    while (still < 60) {
      const height = pane.scrollHeight;
      const top = pane.scrollTop;
      pane.scrollBy(0, 400);
      const now = await frame();
      frames.push(now - before);
      before = now;
      most = Math.max(most, pane.querySelectorAll(row).length);
      still = pane.scrollTop === top && pane.scrollHeight === height ? still + 1 : 0;
    }
    return { most, frames };
  }, row);
}

function told(what: string, frames: number[]): void {
  const sorted = [...frames].sort((a, b) => a - b);
  const mean = frames.reduce((sum, one) => sum + one, 0) / frames.length;
  console.log(`${what}: ${frames.length} frames, ${mean.toFixed(1)} ms on average, ${(sorted[Math.floor(sorted.length * 0.99)] ?? 0).toFixed(0)} ms at the 99th percentile, ${frames.filter(one => one > 100).length} over 100 ms`);
}

it('everybody at a step is scrolled through, with a few rows on the page', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/workflows/wait-a-while?step=rest&state=waiting');
  const pane = page.getByRole('list', { name: 'Contacts' });
  await pane.getByRole('listitem').first().waitFor();
  const { most, frames } = await toTheEnd(pane, '[role=listitem]');
  told('who is at a step', frames);
  const last = pane.getByRole('listitem').last();
  expect([await last.getAttribute('aria-posinset'), await last.getAttribute('aria-setsize')]).toEqual([String(PEOPLE), String(PEOPLE)]);
  expect(most).toBeLessThan(60);
  // By keyboard too: the list takes the focus and scrolls with the keys of every list.
  await pane.focus();
  await page.keyboard.press('Home');
  await pane.locator('[aria-posinset="1"]').waitFor();
  await shoot(page, 'long-step');
  await page.context().close();
}, 180_000);

it('everybody in a segment is scrolled through as rows of one table', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/segments/crowd');
  const pane = page.getByRole('region', { name: 'Contacts in it' });
  await pane.getByRole('row').nth(1).waitFor();
  const { most, frames } = await toTheEnd(pane, 'tbody tr');
  told('who is in a segment', frames);
  expect(await pane.getByRole('table').getAttribute('aria-rowcount')).toBe(String(PEOPLE + 1));
  expect(await pane.locator('tbody tr[aria-rowindex]').last().getAttribute('aria-rowindex')).toBe(String(PEOPLE + 1));
  expect(most).toBeLessThan(80);
  await page.getByText('5,000 in all.').waitFor();
  await shoot(page, 'long-segment');
  await page.context().close();
}, 180_000);
