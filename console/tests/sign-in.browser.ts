// Signing in with an identity provider, with the built files under the headers that they have in AWS.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { axeFinds, Eyes, shoot, System } from './support';
import { Provider, Site } from './provider';

let system: System;
let provider: Provider;
let site: Site;
let eyes: Eyes;

beforeAll(async () => {
  system = await System.start();
  provider = new Provider();
  await provider.start();
  site = new Site(system, provider);
  await site.start();
  eyes = await Eyes.open(system, [site.url, provider.url]);
});
afterAll(async () => {
  await eyes.close();
  site.stop();
  provider.stop();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

const begin = (page: Page) => page.getByRole('button', { name: 'Sign in with your organisation' }).click();

async function signIn(page: Page, user: string, hash = '#/workflows'): Promise<void> {
  await page.goto(`${site.url}/${hash}`);
  await begin(page);
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await page.getByRole('link', { name: user, exact: true }).click();
}

it('somebody signs in, comes to the page that they wanted, and leaves no token where it would stay', async () => {
  const page = await eyes.page();
  await page.goto(`${site.url}/#/contacts/story-maria`);
  await page.getByRole('button', { name: 'Sign in with your organisation' }).waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'sign-in-provider');
  await begin(page);
  await page.getByRole('link', { name: 'editor', exact: true }).click();
  await page.getByRole('heading', { name: 'story-maria' }).waitFor();
  expect(page.url()).toBe(`${site.url}/#/contacts/story-maria`);
  const kept = await page.evaluate(() => ({ always: JSON.stringify(Object.entries(localStorage)), tab: Object.keys(sessionStorage), cookies: document.cookie }));
  // What this tab keeps goes with it; of the sign-in itself nothing is left.
  expect([kept.tab, kept.cookies]).toEqual([['carepath.session'], '']);
  expect(kept.always).not.toContain('token');
  // No server is told who was looked at but the API, and none is told the token in an address.
  expect(site.asked.filter(address => !address.startsWith('/people/') && address.includes('story-maria'))).toEqual([]);
  expect(site.asked.filter(address => address.includes('eyJ'))).toEqual([]);
  // A reading of the same tab needs no new sign-in; another tab does.
  await page.reload();
  await page.getByRole('heading', { name: 'story-maria' }).waitFor();
  await page.context().close();
});

it('signing out is signing out of the provider as well', async () => {
  const page = await eyes.page();
  await signIn(page, 'viewer');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with your organisation' }).waitFor();
  await page.waitForURL(`${site.url}/`);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  const asked = provider.asked;
  await begin(page);
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  expect(provider.asked).toBe(asked + 1);
  await page.context().close();
});

it('a token that has run out leads to a new sign-in, and back to where one was', async () => {
  const page = await eyes.page();
  await signIn(page, 'editor', '#/contacts/story-lee');
  await page.getByRole('heading', { name: 'story-lee' }).waitFor();
  const clock = provider.now;
  provider.now = () => clock() + 31 * 60;
  eyes.expected = [401];
  // Not by its link: what the page still asks for may be refused first, and then the link is gone.
  await page.evaluate(() => void (window.location.hash = '#/operations'));
  await page.getByRole('button', { name: 'Sign in with your organisation' }).waitFor();
  expect(await page.content()).not.toContain('story-lee');
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  // The provider still knows who this is.
  await begin(page);
  await page.getByRole('heading', { name: 'Operations' }).waitFor();
  provider.now = clock;
  eyes.expected = [];
  await page.context().close();
});

it('roles come from the provider: who may look is offered nothing that changes, an administrator is', async () => {
  const viewer = await eyes.page();
  await signIn(viewer, 'viewer', '#/workflows/new-member-onboarding');
  await viewer.getByRole('button', { name: /^welcome\s*send/ }).waitFor();
  for (const name of ['Segments', 'Templates', 'API keys', 'Edit']) expect(await viewer.getByRole('link', { name, exact: true }).count()).toBe(0);
  for (const name of ['Pause', 'Archive']) expect(await viewer.getByRole('button', { name }).count()).toBe(0);
  const admin = await eyes.page();
  await signIn(admin, 'admin', '#/keys');
  await admin.getByRole('button', { name: 'New key' }).waitFor();
  await viewer.context().close();
  await admin.context().close();
});

it('who leads here without having been sent is not let in, and who is refused is told so', async () => {
  const page = await eyes.page();
  await page.goto(`${site.url}/?code=stolen&state=made-up`);
  await page.getByText('The sign-in was not begun here.').waitFor();
  expect(page.url()).toBe(`${site.url}/`);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await begin(page);
  await page.getByRole('link', { name: 'nobody', exact: true }).click();
  await page.getByText('The identity provider did not let you in.').waitFor();
  expect(page.url()).not.toContain('error=');
  // A token that nobody signed opens nothing.
  const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"cognito:groups":["admin"]}').toString('base64url')}.`;
  expect((await fetch(`${site.url}/people/v1/me`, { headers: { authorization: `Bearer ${forged}` } })).status).toBe(401);
  await page.context().close();
});
