import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { graphOf } from './document';
import { inWords } from './conditions';
import { layOut, lineWidth, path } from './layout';

const examples = join(import.meta.dirname, '../../../examples');
const documents = readdirSync(examples).map(name => [name, parse(readFileSync(join(examples, name, 'workflow.yaml'), 'utf8')) as Record<string, unknown>] as const);
const sizes = { height: () => 98 };

/** A workflow of so many steps, in which every third decides. */
function long(steps: number) {
  const id = (n: number) => (n >= steps ? 'end' : `s${n}`);
  const one = (n: number) => (n % 3 === 0 ? { branch: { cases: [{ when: { attribute: 'x', eq: n }, next: id(n + 2) }], next: id(n + 1) } } : { wait: { for: '1d' }, next: id(n + 1) });
  return { entry: { event: 'x' }, steps: Object.fromEntries(Array.from({ length: steps }, (_, n) => [`s${n}`, one(n)])) };
}

describe('the graph of a document', () => {
  it.each(documents)('has every step of %s, and every way leads to one', (_, document) => {
    const { steps, ways } = graphOf(document);
    const ids = new Set(steps.map(step => step.id));
    expect([...ids]).toEqual(expect.arrayContaining(Object.keys(document.steps as object)));
    expect(ways.filter(way => !ids.has(way.from) || !ids.has(way.to))).toEqual([]);
    expect(steps.filter(step => step.kind === '?')).toEqual([]);
    // Nobody gets to a step but by a way.
    const reached = new Set(ways.map(way => way.to));
    expect([...ids].filter(id => id !== 'entry' && !reached.has(id))).toEqual([]);
  });

  it('takes a draft of which nothing is right', () => {
    for (const odd of [null, 7, [], {}, { steps: 3 }, { steps: { a: null, b: { send: 4 }, c: { nonsense: {} } } }]) expect(() => graphOf(odd)).not.toThrow();
    expect(graphOf({ steps: { a: { send: {}, next: 'gone' } } }).ways.map(way => way.to)).toEqual(['a', 'gone']);
  });

  it('says where each way is written in the document', () => {
    const document = long(4) as Record<string, unknown>;
    for (const { to, pointer } of graphOf(document).ways) {
      const written = pointer.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part as string], document);
      if (pointer[0] !== 'start') expect(written).toBe(to);
    }
  });
});

describe('the layout', () => {
  it.each([...documents, ['forty steps', long(40)] as const])('of %s lays no step over another', (_, document) => {
    const { boxes, lines } = layOut(graphOf(document), sizes);
    for (const a of boxes) {
      for (const b of boxes) {
        const apart = a === b || a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart, `${a.id} and ${b.id}`).toBe(true);
      }
    }
    expect(lines.every(line => line.points.length >= 2)).toBe(true);
  });

  it('leads down: a step stands below where one comes to it from', () => {
    const { boxes, lines } = layOut(graphOf(long(40)), sizes);
    const y = new Map(boxes.map(box => [box.id, box.y]));
    for (const { from, to } of lines) expect(y.get(to) ?? 0).toBeGreaterThan(y.get(from) ?? 0);
  });

  it('draws lines as wide as the people who took them', () => {
    expect(lineWidth(0, 100)).toBe(1.5);
    expect(lineWidth(100, 100)).toBe(14);
    expect(lineWidth(50, 100)).toBe(8);
    expect(lineWidth(1, 100_000)).toBeGreaterThan(lineWidth(0, 100_000));
  });

  it('begins and ends a line where its points do', () => {
    const drawn = path([{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 0, y: 10 }, { x: 3, y: 20 }]);
    expect(drawn.startsWith('M0,0')).toBe(true);
    expect(drawn.endsWith('3,20')).toBe(true);
    expect(path([])).toBe('');
  });
});

describe('a condition in words', () => {
  it.each([
    [{ attribute: 'plan', eq: 'gold' }, 'plan is gold'],
    [{ entry: 'category', in: ['a', 'b'] }, 'category is one of a, b'],
    [{ attribute: 'x', exists: false }, 'x is missing'],
    [{ clicked: 'remind', link: 'confirm' }, 'clicked “confirm” in remind'],
    [{ opened: 'any', within: '7d' }, 'opened any mail within 7d'],
    [{ not: { segment: 'deceased' } }, 'not in segment deceased'],
    [{ any: [{ clicked: 'any' }, { all: [{ opened: 'a' }, { visited: 'b' }] }] }, 'clicked any mail or (opened a and was at b)'],
    [{ age: 'birth_date', gte: 50 }, 'age is at least 50'],
  ])('%j', (condition, words) => expect(inWords(condition)).toBe(words));
});
