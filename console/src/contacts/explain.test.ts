import { describe, expect, it } from 'vitest';
import { because, clause, type Compared } from './explain';

const one = (test: string, observed: unknown, expected: unknown, result: boolean, source = 'contact', hidden?: boolean): Compared => ({ test, observed, expected, result, source, ...(hidden ? { hidden } : {}) });

describe('a comparison in words', () => {
  it.each([
    [one('attribute prefers_online eq', null, true, false), 'prefers online is not there, and is not yes'],
    [one('entry category in', 'fitness', ['fitness', 'food'], true, 'entry'), 'category of what started the run is fitness, and is one of fitness, food'],
    [one('attribute email_ok eq', true, true, true), 'email ok is yes'],
    [one('event appointment_at exists', 'x', true, true, 'event'), 'appointment at of the event is there'],
    [one('send window open', 'Tue 13:50', null, true, 'zone of the contact'), 'it was Tue 13:50, by the clock of the contact, when mail may go out'],
    [one('subscribed to news', 'unsubscribed', 'subscribed', false), 'they are not subscribed to news'],
    [one('share', 61, 100, true, 'hash of run and step'), 'the draw gave 61 of 100'],
    [one('opened remind', null, true, false, 'engagement'), 'they had not opened “remind”'],
  ])('%j', (compared, words) => expect(clause(compared)).toBe(words));

  it('tells nothing of what is hidden', () => {
    for (const test of ['attribute risk eq', 'entry appointment_at', 'event plan gte', 'set risk', 'age birth_date gte', 'something else']) {
      for (const result of [true, false]) expect(clause(one(test, 'CANARY', 'CANARY', result, 'contact', true))).not.toContain('CANARY');
    }
  });
});

describe('a decision', () => {
  const visit = { step: 'fits', kind: 'branch', edge: 'classes', via: 'case 1', explanation: [] as Compared[] };
  it('says which way was taken, and why', () => {
    const explanation = [one('entry category in', 'fitness', ['fitness'], true, 'entry')];
    expect(because({ ...visit, explanation })).toBe('Case 2 held, so the run went on to classes: category of what started the run is fitness, and is one of fitness.');
    expect(because({ ...visit, via: 'next' })).toBe('No case held, so the run went on to classes.');
    expect(because({ ...visit, kind: 'wait_for', via: 'timeout', edge: 'end' })).toBe('Nothing that it waited for came in time, so the run went to the end.');
  });
});
