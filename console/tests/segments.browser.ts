// Segments and keys through their pages; conditions by fields.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { axeFinds, Eyes, shoot, System } from './support';

let system: System;
let eyes: Eyes;
beforeAll(async () => {
  system = await System.start();
  await system.ok('POST', '/v1/batch', { entries: Array.from({ length: 60 }, (_, n) => ({ contact: { id: `member-${n}`, attributes: { plan: n < 25 ? 'gold' : 'plain' } } })) });
  await system.settle();
  eyes = await Eyes.open(system);
});
afterAll(async () => {
  await eyes.close();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

interface Segment { name: string; size: number; when?: unknown }
const segment = (id: string) => system.ok<Segment>('GET', `/v1/segments/${id}`);

it('a segment is made, filled by a condition that is put together from fields, and shows who is in it', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/segments');
  // The list has the number that the API counts.
  const row = page.getByRole('row', { name: /Needs a call/ });
  await row.getByText(String((await segment('needs-a-call')).size), { exact: true }).waitFor();
  await page.getByRole('button', { name: 'New segment' }).click();
  await page.getByLabel('Name').fill('Gold members');
  await page.getByLabel(/^Id/).fill('gold');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Gold members', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'By a condition' }).click();
  await page.getByLabel('Attribute', { exact: true }).fill('plan');
  await page.getByLabel('Comparison').selectOption('eq');
  await page.getByLabel('Value', { exact: true }).fill('gold');
  await page.getByLabel('Looks at').selectOption('all');
  await page.getByRole('button', { name: 'And another test' }).click();
  const second = page.getByRole('group', { name: 'and test 2' });
  await second.getByLabel('Looks at').selectOption('segment');
  await second.getByLabel('Segment', { exact: true }).fill('deceased');
  await second.getByLabel('must not hold').check();
  await page.getByText('plan is gold and not in segment deceased').first().waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'segment-condition');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. Whoever').waitFor();
  expect((await segment('gold')).when).toEqual({ all: [{ attribute: 'plan', eq: 'gold' }, { not: { segment: 'deceased' } }] });
  await system.settle();
  await page.reload();
  await page.getByRole('link', { name: 'member-7', exact: true }).waitFor();
  expect((await segment('gold')).size).toBe(25);
  expect(await page.locator('.figure', { hasText: 'in it now' }).innerText()).toContain('25');
  expect(await page.getByText('25 in all.').count()).toBe(1);

  // Whoever changed it meanwhile is not overwritten.
  await system.ok('PUT', '/v1/segments/gold', { ...(await segment('gold')), name: 'Golden members' });
  await page.getByLabel('Name').fill('Silver members');
  eyes.expected = [412];
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('That did not work').waitFor();
  eyes.expected = [];
  expect((await segment('gold')).name).toBe('Golden members');

  // Nothing is lost between the fields and the text.
  await page.getByRole('button', { name: 'As text' }).click();
  expect(await page.locator('textarea').inputValue()).toContain('attribute: plan');
  await page.locator('textarea').fill('attribute: plan\neq: { odd: 1 }\n');
  await page.getByText('There are no fields for this one.').waitFor({ state: 'detached' });
  await page.context().close();
});

it('somebody is put into a segment by hand and taken out, and workflows that use it are named', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/segments/needs-a-call');
  await page.getByRole('link', { name: 'Appointment reminder' }).waitFor();
  const before = (await segment('needs-a-call')).size;
  await page.getByLabel('Id of a contact').fill('member-3');
  await page.getByRole('button', { name: 'Put in' }).click();
  await page.getByRole('link', { name: 'member-3', exact: true }).waitFor();
  expect((await segment('needs-a-call')).size).toBe(before + 1);
  await page.getByLabel('Id of a contact').fill('member-3');
  await page.getByRole('button', { name: 'Take out' }).click();
  await page.getByRole('link', { name: 'member-3', exact: true }).waitFor({ state: 'detached' });
  // What a live workflow uses stays, and the page says why.
  eyes.expected = [409];
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByText(/uses it/).waitFor();
  eyes.expected = [];
  await page.context().close();
});

it('a condition of a step is changed by fields, and the text says the same', async () => {
  const page = await eyes.page({ viewport: { width: 1600, height: 1000 } });
  await eyes.go(page, '#/workflows/appointment-reminder/edit');
  await page.getByText('may be published').waitFor();
  await page.getByRole('button', { name: /^Entry/ }).click();
  await page.getByLabel('It starts when').waitFor();
  const filter = page.getByRole('group', { name: 'Only for contacts of whom this holds' });
  await filter.getByLabel('Looks at').selectOption('did');
  await filter.getByLabel('Event', { exact: true }).fill('visit_completed');
  await filter.getByLabel(/^Within the last/).fill('90d');
  await filter.getByLabel('must not hold').check();
  const text = page.locator('.code .cm-content');
  await text.getByText('visit_completed').first().waitFor();
  await page.getByText('may be published').waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'edit-entry');
  await page.getByRole('button', { name: 'Save the draft' }).click();
  await page.getByRole('button', { name: 'Saved' }).waitFor();
  const { draft } = await system.ok<{ draft: { entry: { filter: unknown } } }>('GET', '/v1/workflows/appointment-reminder');
  expect(draft.entry.filter).toEqual({ not: { did: 'visit_completed', within: '90d' } });
  await page.context().close();
});

it('a key is made with its roles, shown once, opens what it should, and is revoked', async () => {
  const page = await eyes.page({ permissions: ['clipboard-read', 'clipboard-write'] });
  await eyes.go(page, '#/keys');
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Make the key' }).isDisabled()).toBe(true);
  await dialog.getByLabel(/^Name/).fill('reporting');
  await dialog.getByLabel(/^viewer/).check();
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  const secret = await dialog.getByLabel('The key').inputValue();
  await dialog.getByRole('button', { name: 'Copy' }).click();
  await dialog.getByRole('button', { name: 'Copied' }).waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  expect(await axeFinds(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'I have it' }).click();
  const row = page.getByRole('row', { name: /reporting/ });
  await row.waitFor();
  expect(await page.content()).not.toContain(secret);
  expect((await system.ask('GET', '/v1/me', undefined, secret)).body).toMatchObject({ roles: ['viewer'] });

  await row.getByRole('button', { name: 'Revoke the key of reporting' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  expect((await system.ask('GET', '/v1/me', undefined, secret)).status).toBe(401);
  await page.context().close();
});

it('who is no admin is not led to keys, and who only looks not to segments', async () => {
  const editor = await eyes.pageWith(await system.newKey('editor'));
  await eyes.go(editor, '#/workflows');
  expect(await editor.getByRole('link', { name: 'Segments' }).count()).toBe(1);
  expect(await editor.getByRole('link', { name: 'API keys' }).count()).toBe(0);
  eyes.expected = [403];
  await eyes.go(editor, '#/keys');
  await editor.getByText('does not have the role').first().waitFor();
  const viewer = await eyes.pageWith(await system.newKey('viewer'));
  await eyes.go(viewer, '#/workflows');
  expect(await viewer.getByRole('link', { name: 'Segments' }).count()).toBe(0);
  await eyes.go(viewer, '#/segments');
  await viewer.getByText('does not have the role').first().waitFor();
  eyes.expected = [];
  await editor.context().close();
  await viewer.context().close();
});
