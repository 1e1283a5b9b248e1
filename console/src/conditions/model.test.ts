import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { isFields } from '../workflows/document';
import { compareBy, fresh, read, write, type Comparison } from './model';

const examples = join(import.meta.dirname, '../../../examples');
const files = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter(name => /workflow\.yaml$|segments\/.*\.yaml$/.test(name));

/** Every condition of a document, wherever it stands. */
function conditions(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(conditions);
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => (['when', 'where', 'filter'].includes(name) ? [inner] : conditions(inner)));
}

const all = files.flatMap(file => conditions(parse(readFileSync(join(examples, file), 'utf8'))).map(condition => [file, condition] as const));

it('the examples have conditions', () => expect(all.length).toBeGreaterThan(20));

it.each(all)('a condition of %s comes out of the form as it went in: %j', (_, condition) => {
  const known = read(condition);
  expect(known).toBeDefined();
  expect(known && JSON.stringify(write(known))).toBe(JSON.stringify(condition));
});

it.each([
  { within: '90d', did: 'visit', at_least: 2, where: { event: 'kind', eq: 'x' } }, { not: { not: { any: [] } } }, { clicked: 'any', link: 'book', machines: true, within: '3d' },
  { attribute: 'plan', in: ['gold', 'silver'] }, { attribute: 'n', not_in: [1, 2.5] }, { in: [1, 2], age: 'birth_date' }, { saved: 'lab.status', starts_with: '' },
  { entry: 'at', before: '-2h' }, { event: 'id', eq_entry: 'id' }, { subscribed: 'news' }, { visited: 'welcome' }, { bounced: 'welcome' }, { attribute: 'x', eq: false }, { attribute: 'x', eq: 0 },
])('so does %j', condition => {
  const known = read(condition);
  expect(known && JSON.stringify(write(known))).toBe(JSON.stringify(condition));
});

it.each([
  undefined, null, 'x', [], {}, { attribute: 'x' }, { attribute: 'x', eq: null }, { attribute: 'x', eq: { a: 1 } }, { attribute: 'x', eq: 1, ne: 2 }, { attribute: 'x', in: ['a', 1] },
  { attribute: 'x', in: ['a\nb'] }, { attribute: 'x', like: 'y' }, { age: 'x', gte: '50' }, { opened: 'a', link: 'b' }, { did: 'x', where: { eq: 1 } }, { all: [{ attribute: 'x' }] },
  { all: [], any: [] }, { segment: ['a'] }, { did: 'x', at_least: '2' }, { not: 3 },
])('what the form cannot show stays text: %j', condition => expect(read(condition)).toBeUndefined());

it('a comparison that is changed keeps what still fits, and is one that the form can show', () => {
  const test: Comparison = { kind: 'attribute', path: 'plan', operator: 'eq', value: 'gold' };
  expect(write(compareBy(test, 'in'))).toEqual({ attribute: 'plan', in: ['gold'] });
  expect(write(compareBy(compareBy(test, 'in'), 'ne'))).toEqual({ attribute: 'plan', ne: 'gold' });
  expect(write(compareBy(test, 'exists'))).toEqual({ attribute: 'plan', exists: true });
  for (const kind of ['attribute', 'age'] as const) {
    for (const operator of kind === 'age' ? ['eq', 'in', 'not_in', 'lt'] : ['eq', 'in', 'exists', 'before', 'within', 'starts_with', 'eq_entry']) {
      expect(read(write(compareBy(fresh(kind) as Comparison, operator)))).toBeDefined();
    }
  }
});
