import { expect, it } from 'vitest';
import type { Schemas } from '../api/client';
import { alarmsOf } from './Standing';

const now = '2026-11-25T06:00:00Z';
const quiet: Schemas['Operations'] = {
  now, sweep: { at: now, late_seconds: 0 }, sending: null, unknown_open: 0, work_parked: 0,
  runs: { counted_at: '2026-11-25T03:00:00Z', live: 4, without_wakeup: 0 },
  reports: { started_at: '2026-11-25T03:00:00Z', finished_at: '2026-11-25T03:01:00Z', wrong: 0 },
};
const ringing = (of: Partial<Schemas['Operations']>, dev = false) => alarmsOf({ ...quiet, ...of }, dev).filter(({ rings }) => rings !== false).map(({ name, value }) => `${name} ${value}`);

it('nothing rings where nothing is wrong', () => expect(ringing({})).toEqual([]));

it('each of them rings by itself', () => {
  expect(ringing({ unknown_open: 2 })).toEqual(['Unknown sends 2']);
  expect(ringing({ work_parked: 100 })).toEqual(['Parked work 100 or more']);
  expect(ringing({ sweep: { at: now, late_seconds: 420 } })).toEqual(['Sweep lag 7 minutes']);
  expect(ringing({ runs: { counted_at: now, live: 4, without_wakeup: 1 } })).toEqual(['Runs that nobody wakes 1']);
  expect(ringing({ reports: { started_at: now, finished_at: now, wrong: 3 } })).toEqual(['Reports that differ from their runs 3']);
});

it('a proof that does not come to its end rings, and what was never counted is not called quiet', () => {
  const begun = { started_at: '2026-11-23T03:00:00Z', finished_at: null, wrong: 0 };
  expect(ringing({ reports: begun })).toEqual(['Reports that differ from their runs 0']);
  expect(ringing({ runs: null, reports: null })).toEqual(['Runs that nobody wakes –', 'Reports that differ from their runs –']);
  expect(ringing({ runs: null, reports: null }, true)).toEqual([]);
});
