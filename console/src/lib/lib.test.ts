import { describe, expect, it } from 'vitest';
import { csv } from './csv';
import { relative, share, shown } from './format';
import { placeOf, to } from './router';

describe('a table as a file', () => {
  it('quotes what would break it, and defuses what a spreadsheet would run', () => {
    expect(csv(['a', 'b'], [['x,y', 1], ['say "hi"', -2], ['=1+1', 0], ['@cmd', 0]])).toBe('a,b\r\n"x,y",1\r\n"say ""hi""",-2\r\n\'=1+1,0\r\n\'@cmd,0\r\n');
  });
});

describe('an address', () => {
  it('keeps ids of any kind, and leaves out what has no value', () => {
    const id = '患者 #42/a?b';
    const address = to(['contacts', id], { run: 'r', none: undefined, empty: '' });
    expect(address).not.toContain(' ');
    expect(placeOf(address).parts).toEqual(['contacts', id]);
    expect([...placeOf(address).query.keys()]).toEqual(['run']);
  });
  it('is read even where it was mangled', () => expect(placeOf('#/contacts/%E0%A4%A').parts).toEqual(['contacts', '%E0%A4%A']));
});

describe('figures', () => {
  it('have a share only of something', () => {
    expect(share(1, 0)).toBe('–');
    expect(share(1, 8)).toBe('12.5%');
  });
  it('are told as people tell them', () => {
    expect(shown(true)).toBe('yes');
    expect(shown(['a', 1])).toBe('a, 1');
    expect(relative('2026-01-03T00:00:00Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('in 2 days');
  });
});
