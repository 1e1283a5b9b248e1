// What only a person can decide is decided on its page: a send of which nobody knows, and work that got stuck.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { axeFinds, Eyes, shoot, System } from './support';
import { HangsUp } from './smtp';

let server: HangsUp;
let system: System;
let eyes: Eyes;

interface Unknowns { items: { contact: string; run: string }[] }
interface Parked { items: { id: string; code: string }[] }
interface Runs { items: { id: string; status: string; visits: { step: string; message?: { state: string } }[] }[] }
const unknowns = () => system.ok<Unknowns>('GET', '/v1/unknown-sends');
const parked = () => system.ok<Parked>('GET', '/v1/parked');

beforeAll(async () => {
  server = await HangsUp.listen();
  system = await System.start(['--smtp', server.url]);
  eyes = await Eyes.open(system);
  await system.ok('PUT', '/v1/templates/note', { subject: 'A note', class: 'care', html: '<p>Hello</p>' });
  await system.ok('PUT', '/v1/workflows/notes', {
    name: 'Notes', class: 'care', entry: { event: 'note_wanted' }, steps: { write: { send: { template: 'note' }, next: 'rest' }, rest: { wait: { for: '3d' }, next: 'end' } },
  });
  await system.ok('POST', '/v1/workflows/notes/publish', {});
  // What it keeps of this contact does not fit beside itself: the step fails however often it is tried.
  await system.ok('PUT', '/v1/workflows/copies', {
    name: 'Copies', class: 'care', entry: { event: 'copy_wanted' }, steps: { copy: { update: { set: { second: '{{ contact.attributes.first | default("") }}' } }, next: 'end' } },
  });
  await system.ok('POST', '/v1/workflows/copies/publish', {});
});
afterAll(async () => {
  await eyes.close();
  await system.stop();
  await server.stop();
});
afterEach(() => expect(eyes.complained()).toEqual([]));

async function wants(contact: string, name: string, attributes: Record<string, unknown> = {}): Promise<void> {
  await system.ok('PUT', `/v1/contacts/${contact}`, { email: `${contact}@example.org`, attributes });
  await system.ok('POST', `/v1/contacts/${contact}/events`, { name, id: `${name}-${contact}` });
  await system.settle();
}

it('S8: what became of an unknown send is said by who knows it: one was sent, and one was not and is sent now', async () => {
  for (const who of ['ann', 'bob']) await wants(who, 'note_wanted');
  const handed = server.mails;
  expect((await unknowns()).items.filter(one => ['ann', 'bob'].includes(one.contact)).length).toBe(2);
  const page = await eyes.page();
  await eyes.go(page, '#/operations');
  const region = page.getByRole('region', { name: 'Unknown sends' });
  const row = (who: string) => region.getByRole('row', { name: new RegExp(`notes · write.* ${who} `) });
  await row('ann').waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'operations-unknown');
  await row('ann').getByRole('button', { name: 'I know what happened…' }).click();
  const dialog = page.getByRole('dialog');
  expect(await axeFinds(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'It was sent', exact: true }).click();
  await row('ann').waitFor({ state: 'detached' });
  expect(server.mails).toBe(handed);
  const runs = await system.ok<Runs>('GET', '/v1/contacts/ann/runs');
  expect(runs.items[0]?.visits.find(visit => visit.step === 'write')?.message?.state).toBe('sent');

  server.answers = true;
  await row('bob').getByRole('button', { name: 'I know what happened…' }).click();
  await dialog.getByRole('button', { name: 'It was not sent' }).click();
  await row('bob').waitFor({ state: 'detached' });
  await system.settle();
  expect(server.mails).toBe(handed + 1);
  expect((await unknowns()).items.filter(one => ['ann', 'bob'].includes(one.contact))).toEqual([]);
  await page.context().close();
});

it('work that got stuck is done once its cause is gone', async () => {
  await wants('cat', 'copy_wanted', { first: 'x'.repeat(200_000) });
  const [stuck] = (await parked()).items;
  expect(stuck).toBeDefined();
  const page = await eyes.page();
  await eyes.go(page, '#/operations');
  const region = page.getByRole('region', { name: 'Work that is parked' });
  await region.getByText(stuck?.id ?? '', { exact: true }).waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'operations-parked');
  // Done again while its cause is there, it comes back.
  await page.getByRole('button', { name: 'Have all of it done again' }).click();
  await page.getByText('1 piece of work put back.').waitFor();
  await system.settle();
  expect((await parked()).items.map(({ id }) => id)).toEqual([stuck?.id]);
  await system.ok('PATCH', '/v1/contacts/cat', { attributes: { first: 'small' } });
  await system.settle();
  await page.reload();
  await eyes.calm(page);
  // The contact was mended, and its run knows nothing of that.
  await region.getByRole('button', { name: 'Do it again' }).click();
  await page.getByText('1 piece of work put back.').waitFor();
  await system.settle();
  expect((await parked()).items).toEqual([]);
  const { attributes } = await system.ok<{ attributes: Record<string, unknown> }>('GET', '/v1/contacts/cat');
  expect(attributes.second).toBe('small');
  await page.reload();
  await page.getByText('No work is stuck.').waitFor();
  await page.context().close();
});

it('the page shows when it was swept, that nothing is late, and which alarms ring', async () => {
  const page = await eyes.page();
  await eyes.go(page, '#/operations');
  const told = await system.ok<{ sweep: { late_seconds: number }; unknown_open: number; work_parked: number }>('GET', '/v1/operations');
  expect(told.sweep.late_seconds).toBe(0);
  await page.getByText('nothing is late').waitFor();
  const alarms = page.getByRole('region', { name: 'Alarms' });
  // The mails of the examples that were let in at the start are unknown as well.
  const rings: [string, boolean][] = [['Unknown sends', told.unknown_open > 0], ['Parked work', told.work_parked > 0], ['Sweep lag', false]];
  expect(rings.map(([, rung]) => rung)).toEqual([true, false, false]);
  for (const [name, rung] of rings) await alarms.getByRole('listitem').filter({ hasText: `${name}:` }).getByText(rung ? 'look at this' : 'quiet').waitFor();
  expect(await axeFinds(page)).toEqual([]);
  await shoot(page, 'operations-alarms');
  await page.context().close();
});

it('who may only look sees what waits for a decision, and is offered none', async () => {
  server.answers = false;
  await wants('dan', 'note_wanted');
  const viewer = await eyes.pageWith(await system.newKey('viewer'));
  eyes.expected = [403];
  await eyes.go(viewer, '#/operations');
  await viewer.getByRole('region', { name: 'Unknown sends' }).getByRole('link', { name: 'dan', exact: true }).waitFor();
  await viewer.getByRole('region', { name: 'Alarms' }).getByRole('listitem').filter({ hasText: 'Unknown sends:' }).getByText('look at this').waitFor();
  for (const name of ['I know what happened…', 'Do it again', 'Have all of it done again']) expect(await viewer.getByRole('button', { name }).count()).toBe(0);
  const { items } = await unknowns();
  const run = items.find(one => one.contact === 'dan')?.run;
  const key = await system.newKey('viewer');
  expect((await system.ask('POST', `/v1/runs/${run}/settle`, { sent: true }, key)).status).toBe(403);
  expect((await system.ask('POST', '/v1/parked/redrive', { all: true }, key)).status).toBe(403);
  eyes.expected = [];
  await viewer.context().close();
});
