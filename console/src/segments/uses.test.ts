import { expect, it } from 'vitest';
import { names } from './uses';

it.each([
  { entry: { segment: 'vip', on: 'enter' } }, { entry: { schedule: { segment: 'vip' } } }, { steps: { a: { segment: { add: 'vip' } } } }, { steps: { a: { segment: { remove: ['x', 'vip'] } } } },
  { steps: { a: { branch: { cases: [{ when: { not: { all: [{ segment: 'vip' }] } } }] } } } },
])('%j has a part for the segment', document => expect(names(document, 'vip')).toBe(true));

it.each([{ name: 'vip', entry: { event: 'vip' } }, { steps: { vip: { send: { template: 'vip' } } } }, { steps: { a: { segment: { add: 'vips' } } } }, undefined])('%j has none', document => expect(names(document, 'vip')).toBe(false));
