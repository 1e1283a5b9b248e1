// Writing a workflow through the pages: form and text are one document, what is wrong shows where it is wrong, and nothing is published unseen.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { axeFinds, Eyes, shoot, System } from './support';

let system: System;
let eyes: Eyes;
beforeAll(async () => {
  system = await System.start();
  eyes = await Eyes.open(system);
});
afterAll(async () => {
  await eyes.close();
  await system.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

interface Draft { version: number | null; status: string; draft: { steps: Record<string, Record<string, unknown>> } }

it('a step is added, filled in, checked and published, and live runs are moved after a look at the plan', async () => {
  const before = await system.ok<Draft>('GET', '/v1/workflows/new-member-onboarding');
  const page = await eyes.page({ viewport: { width: 1600, height: 1000 } });
  await eyes.go(page, '#/workflows/new-member-onboarding');
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByText('may be published').waitFor();
  await page.getByRole('button', { name: /^welcome\s*send/ }).click();
  await page.getByRole('button', { name: 'Add a step after welcome' }).click();
  await page.getByLabel('Kind').selectOption('send');
  await page.getByLabel('Name').fill('second');
  await page.getByRole('button', { name: 'Add', exact: true }).click();

  // A mail without a template is an error: at the step, in the list, and at its line of the text.
  await page.getByRole('button', { name: /^second.*has an error/ }).waitFor();
  await page.getByRole('button', { name: /^line \d+$/ }).first().click();
  await page.locator('.code .cm-lintRange-error').first().waitFor();
  await shoot(page, 'edit-error');
  await page.getByRole('button', { name: 'Publish…' }).click();
  expect(await page.getByRole('dialog').getByRole('button', { name: 'Publish', exact: true }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Not now' }).click();

  const template = (before.draft.steps.welcome?.send as { template: string }).template;
  await page.getByRole('region', { name: 'second' }).getByLabel('Template').fill(template);
  await page.getByText('may be published').waitFor();
  expect(await page.locator('.code .cm-content').innerText()).toContain('second:');
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'edit');

  await page.getByRole('button', { name: 'Save the draft' }).click();
  await page.getByRole('button', { name: 'Saved' }).waitFor();
  const saved = await system.ok<Draft>('GET', '/v1/workflows/new-member-onboarding');
  expect(saved.version).toBe(before.version);
  expect(saved.draft.steps.second).toMatchObject({ send: { template } });
  expect(saved.draft.steps.welcome?.next).toBe('second');

  await page.getByRole('button', { name: 'Publish…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/live runs? stays?/).waitFor();
  await dialog.getByText('+ second:', { exact: false }).or(dialog.getByText('second:')).first().waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'publish');
  await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByText('Version 2 is live.').waitFor();
  const published = await system.ok<Draft>('GET', '/v1/workflows/new-member-onboarding');
  expect(published.version).toBe(2);

  await eyes.calm(page);
  await page.getByRole('button', { name: 'Move live runs…' }).click();
  await dialog.getByText('To version 2:').waitFor();
  await shoot(page, 'migrate');
  await dialog.getByRole('button', { name: 'Move them' }).click();
  await page.getByText(/runs? moved\.$/).waitFor();
  const plan = await system.ok<{ totals: { runs: number; there: number } }>('POST', '/v1/workflows/new-member-onboarding/migrate', { action: 'plan' });
  expect(plan.totals.runs).toBe(0);
  expect(plan.totals.there).toBeGreaterThan(0);
  await page.context().close();
});

it('text that cannot be read says so at its place, and changes nothing else', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/workflows/feedback/edit');
  await page.getByText('may be published').waitFor();
  const editor = page.locator('.code .cm-content');
  await editor.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('broken: [1, ');
  await page.locator('.card', { hasText: 'Check' }).getByText('YAML').first().waitFor();
  expect(await page.getByRole('button', { name: 'Publish…' }).isDisabled()).toBe(true);
  // The graph shows what could be read last.
  await page.getByRole('button', { name: /^Entry/ }).waitFor();
  await page.context().close();
});

it('fields are offered as the schema has them', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/workflows/feedback/edit');
  await page.getByText('may be published').waitFor();
  await page.locator('.code .cm-content').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Enter');
  await page.keyboard.type('send_p');
  // Nothing that is typed gets lost, however fast it comes.
  expect((await page.locator('.code .cm-content').innerText()).trimEnd().split('\n').at(-1)).toBe('send_p');
  await page.locator('.code .cm-tooltip-autocomplete li', { hasText: 'send_policy' }).first().waitFor();
  await shoot(page, 'edit-completion');
  await page.context().close();
});

it('pausing asks once more, and is undone by resuming', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/workflows/feedback');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  expect((await system.ok<Draft>('GET', '/v1/workflows/feedback')).status).toBe('paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  expect((await system.ok<Draft>('GET', '/v1/workflows/feedback')).status).toBe('published');
  await page.context().close();
});

it('a template shows for a contact on a phone and a desktop, and runs nothing that it holds', async () => {
  const page = await eyes.page();
  await system.ok('PUT', '/v1/templates/odd', {
    subject: 'Odd', class: 'care',
    html: '<style>p { color: rgb(1, 2, 3) }</style><p style="font-weight: 700">Hello {{ contact.attributes.first_name | default("you") }}</p><script>parent.document.title = "owned"</script><img src="https://elsewhere.example/pixel.png" onerror="parent.document.title = 1"><a href="https://clinic.example/" name="book">Book</a>',
  });
  await eyes.go(page, '#/templates/odd');
  await page.getByLabel(/^For the contact/).fill('story-lee');
  const phone = page.frameLocator('iframe[title="Preview at phone width"]');
  await phone.getByText('Hello Lee').waitFor();
  const looks = await phone.getByText('Hello Lee').evaluate(element => [getComputedStyle(element).color, getComputedStyle(element).fontWeight, document.documentElement.clientWidth]);
  expect(looks).toEqual(['rgb(1, 2, 3)', '700', 375]);
  expect(await phone.locator('script, img[src]').count()).toBe(0);
  expect(await page.title()).toBe('Template odd · Carepath');
  await page.context().close();
});

it('a new workflow is a draft with a name and an id, and an id that is taken is told', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/workflows');
  await page.getByRole('button', { name: 'New workflow' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Flu season');
  await dialog.getByLabel(/^Id/).fill('new-member-onboarding');
  eyes.expected = [412];
  await dialog.getByRole('button', { name: 'Create the draft' }).click();
  await dialog.getByRole('alert').waitFor();
  eyes.expected = [];
  await dialog.getByLabel(/^Id/).fill('flu-season');
  await dialog.getByRole('button', { name: 'Create the draft' }).click();
  await page.getByRole('heading', { name: /Flu season/, level: 1 }).waitFor();
  expect((await system.ok<{ name: string }>('GET', '/v1/workflows/flu-season')).name).toBe('Flu season');
  await page.context().close();
});
