import { describe, expect, it } from 'vitest';
import { fieldsAt, pathBefore, valuesAt } from './complete';

const names = (path: (string | number)[]) => fieldsAt(path).map(one => one.label);

describe('completion by the schema', () => {
  it('knows the fields of every place', () => {
    expect(names([])).toEqual(expect.arrayContaining(['id', 'entry', 'steps', 'send_policy']));
    expect(names(['steps', 'any'])).toEqual(expect.arrayContaining(['send', 'wait_for', 'next']));
    expect(names(['steps', 'any', 'send'])).toEqual(expect.arrayContaining(['template', 'on_failure']));
    expect(names(['steps', 'any', 'wait_for', 'paths', 0])).toEqual(expect.arrayContaining(['when', 'event', 'next']));
    expect(names(['steps', 'any', 'branch', 'cases', 3, 'when'])).toEqual(expect.arrayContaining(['attribute', 'opened', 'all']));
    expect(names(['nowhere', 'at all'])).toEqual([]);
  });
  it('knows the words of a list, and the steps', () => {
    expect(valuesAt(['class'], []).map(one => one.label)).toEqual(['care', 'operational', 'marketing']);
    expect(valuesAt(['steps', 'x', 'next'], ['a']).map(one => one.label)).toEqual(['a', 'end']);
  });
  it('finds where a line stands', () => {
    const lines = ['id: x', 'steps:', '  a:', '    wait_for:', '      paths:', '        - { event: x, next: end }', '        - event: y'];
    expect(pathBefore(lines.slice(0, 3), 4)).toEqual(['steps', 'a']);
    expect(pathBefore(lines, 10)).toEqual(['steps', 'a', 'wait_for', 'paths', 1]);
    expect(pathBefore(lines, 0)).toEqual([]);
  });
});
