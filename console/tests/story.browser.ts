// What people come for: to see a workflow live, and why each contact is where they are.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Eyes, shoot, System } from './support';

const CANARY = 'canary-gout-4711';
let system: System;
let eyes: Eyes;

beforeAll(async () => {
  system = await System.start();
  eyes = await Eyes.open(system);
  await system.ok('PUT', '/v1/contacts/ann', { email: 'ann@example.org', zone: 'America/Chicago', attributes: { first_name: 'Ann', diagnosis: CANARY } });
  await system.ok('POST', '/v1/contacts/ann/events', { name: 'member_joined', id: 'joined-ann', properties: { note: CANARY } });
  await system.settle();
});
afterAll(async () => {
  await eyes.close();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

interface Mail { id: string; to: string; subject: string }
const mailsTo = (address: string): Promise<Mail[]> => system.ok<Mail[]>('GET', `/_dev/mailbox?to=${address}`);

it('the story of onboarding is told by its pages', async () => {
  const page = await eyes.page();
  await eyes.go(page, '');
  await page.getByRole('link', { name: 'New member onboarding' }).click();
  await eyes.calm(page);
  await page.getByRole('button', { name: /^welcome\s*send/ }).waitFor();
  await eyes.go(page, '#/contacts');
  await page.getByLabel('Id or address').fill('ann@example.org');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('link', { name: 'ann', exact: true }).click();
  await eyes.calm(page);
  const happened = page.getByRole('region', { name: 'What happened' });
  await happened.getByText('Entered new-member-onboarding').waitFor();
  // She is at the wait for her opening the mail, and her run says so, by both clocks.
  const runs = page.getByRole('region', { name: 'Runs' });
  expect(await runs.innerText()).toMatch(/is at read, until .* · theirs: /);

  await happened.getByRole('button', { name: 'Look at the mail' }).click();
  const frame = page.frameLocator('dialog iframe');
  await frame.getByText('Ann').first().waitFor();
  expect(await page.locator('dialog iframe').getAttribute('sandbox')).toBe('allow-same-origin');
  // What the mail says about its looks came along, although the page's policy allows nothing inline.
  expect(await frame.locator('body').evaluate(body => getComputedStyle(body).backgroundColor)).not.toBe('rgba(0, 0, 0, 0)');
  await shoot(page, 'mail');
  await page.keyboard.press('Escape');

  const [mail] = await mailsTo('ann@example.org');
  await system.ok('POST', `/_dev/mailbox/${mail?.id}/open`, {});
  await system.settle();
  await page.reload();
  await eyes.calm(page);
  await happened.getByText('They opened the mail of welcome.').waitFor();
  await happened.getByText(/they opened “welcome” on/).waitFor();
  await shoot(page, 'contact-after-open');
  await page.context().close();
});

it('S24: health data is hidden until somebody says why, and is not even on the page before', async () => {
  const page = await eyes.page();
  const bodies: string[] = [];
  page.on('response', response => void response.text().then(text => bodies.push(text), () => undefined));
  await eyes.go(page, '#/contacts/ann');
  await page.getByText('hidden', { exact: true }).first().waitFor();
  expect(await page.content()).not.toContain(CANARY);
  expect(bodies.filter(text => text.includes(CANARY))).toEqual([]);
  await page.getByRole('button', { name: 'Show health data…' }).click();
  const show = page.getByRole('button', { name: 'Show', exact: true });
  expect(await show.isDisabled()).toBe(true);
  await page.getByLabel(/^Support/).check();
  const asked = page.waitForRequest(/\/v1\/contacts\/ann\?phi=shown&why=support/);
  await show.click();
  await asked;
  await page.getByText(CANARY).first().waitFor();
  // It is forgotten with the page.
  await eyes.go(page, '#/contacts/story-maria');
  await eyes.go(page, '#/contacts/ann');
  expect(await page.content()).not.toContain(CANARY);
  await page.context().close();
});

it('who may only look is offered nothing that changes, and is told so where the API refuses', async () => {
  const viewer = await eyes.pageWith(await system.newKey('viewer'));
  eyes.expected = [403];
  await eyes.go(viewer, '#/workflows/new-member-onboarding');
  await viewer.getByRole('button', { name: /^welcome\s*send/ }).waitFor();
  for (const name of ['Pause', 'Archive']) expect(await viewer.getByRole('button', { name }).count()).toBe(0);
  expect(await viewer.getByRole('link', { name: 'Edit' }).count()).toBe(0);
  expect(await viewer.getByRole('link', { name: 'Templates' }).count()).toBe(0);
  await eyes.go(viewer, '#/contacts/ann');
  await viewer.getByRole('heading', { name: 'What happened' }).waitFor();
  expect(await viewer.getByRole('button', { name: 'End this run…' }).count()).toBe(0);
  await eyes.go(viewer, '#/templates/appointment-confirmation');
  await viewer.getByText('does not have the role').first().waitFor();
  await viewer.context().close();
  eyes.expected = [];
});

it('a key that nobody has is refused with words, and signing out forgets what was shown', async () => {
  const page = await eyes.page();
  await page.route('**/_dev/session', route => route.fulfill({ status: 403, contentType: 'application/json', body: '{}' }));
  eyes.expected = [401, 403];
  await eyes.go(page, '#/contacts/ann');
  await page.getByLabel('API key').fill('cp_nobodys');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Nobody has this key').waitFor();
  await shoot(page, 'sign-in');
  await page.getByLabel('API key').fill(system.key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'ann' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.content()).not.toContain('ann@example.org');
  await page.context().close();
  eyes.expected = [];
});

it('everything is reached by keyboard: from the list to a step, and to why somebody is there', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/workflows');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  const tabTo = async (name: RegExp) => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab');
      const own = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '');
      if (name.test(own)) return;
    }
    throw new Error(`nothing that is called ${name.source} is reached with Tab`);
  };
  await tabTo(/^New member onboarding$/);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^welcome\s*send/ }).waitFor();
  await tabTo(/^welcome\s*send/);
  // What has the focus can be seen.
  expect(await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)).toBe('solid');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'welcome' }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('welcome');
  await page.context().close();
});
