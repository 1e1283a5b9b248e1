// A condition as a form has it. What the form cannot show is not taken apart: it stays text.
import { isFields, type Fields } from '../workflows/document';

export const SUBJECTS = ['attribute', 'event', 'entry', 'saved'] as const;
export const ENGAGED = ['opened', 'clicked', 'delivered', 'bounced', 'complained'] as const;
export const NAMED = ['segment', 'subscribed', 'visited'] as const;
export type Subject = (typeof SUBJECTS)[number];
export type Engaged = (typeof ENGAGED)[number];
export type Named = (typeof NAMED)[number];
export type Plain = string | number | boolean;

/** Order of fields as their author wrote them. What is written keeps it, so that a form that changes nothing changes nothing. */
interface Written { keys?: string[] }

export type Condition =
  | { kind: 'all' | 'any'; parts: Condition[] }
  | { kind: 'not'; inner: Condition }
  | ({ kind: Subject | 'age'; path: string; operator: string; value: Plain | Plain[] } & Written)
  | ({ kind: 'did'; event: string; where?: Condition; within?: string; atLeast?: number } & Written)
  | ({ kind: Engaged; step: string; link?: string; within?: string; machines?: boolean } & Written)
  | { kind: Named; name: string };

export type Kind = Condition['kind'];
export type Comparison = Extract<Condition, { operator: string }>;

export type Takes = 'value' | 'list' | 'flag' | 'text' | 'duration' | 'moment' | 'path';

/** What compares, in words, and what it takes. */
export const OPERATORS: Record<string, { says: string; takes: Takes }> = {
  eq: { says: 'is', takes: 'value' }, ne: { says: 'is not', takes: 'value' }, gt: { says: 'is over', takes: 'value' }, gte: { says: 'is at least', takes: 'value' },
  lt: { says: 'is under', takes: 'value' }, lte: { says: 'is at most', takes: 'value' }, in: { says: 'is one of', takes: 'list' }, not_in: { says: 'is none of', takes: 'list' },
  contains: { says: 'contains', takes: 'value' }, starts_with: { says: 'starts with', takes: 'text' }, ends_with: { says: 'ends with', takes: 'text' }, exists: { says: 'is there', takes: 'flag' },
  before: { says: 'is before', takes: 'moment' }, after: { says: 'is after', takes: 'moment' }, on: { says: 'is on', takes: 'moment' },
  within: { says: 'was within the last', takes: 'duration' }, within_next: { says: 'is within the next', takes: 'duration' }, eq_entry: { says: 'is the run’s', takes: 'path' },
};
export const OF_AGE = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'not_in'];

const isPlain = (value: unknown): value is Plain => typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));

/** Whether a form can show what is compared with. A line of a list is one value, and all are of one type. */
function showable(takes: Takes, value: unknown): value is Plain | Plain[] {
  if (takes === 'list') return Array.isArray(value) && value.every(one => isPlain(one) && typeof one === typeof value[0] && typeof one !== 'boolean' && !/\n|^\s|\s$|^$/.test(String(one)));
  if (takes === 'flag') return typeof value === 'boolean';
  if (takes === 'value') return isPlain(value) && !(typeof value === 'string' && value.includes('\n'));
  return typeof value === 'string';
}

function comparison(kind: Subject | 'age', test: Fields): Comparison | undefined {
  const path = test[kind];
  const [operator, ...others] = Object.keys(test).filter(name => name !== kind);
  if (typeof path !== 'string' || operator === undefined || others.length > 0) return undefined;
  const takes = OPERATORS[operator]?.takes;
  const value = test[operator];
  if (!takes || !showable(takes, value)) return undefined;
  if (kind === 'age' && !(OF_AGE.includes(operator) && [value].flat().every(one => typeof one === 'number'))) return undefined;
  return { kind, path, operator, value, keys: Object.keys(test) };
}

/** Fields of these types and no others. */
function only(test: Fields, types: Record<string, 'string' | 'number' | 'boolean' | 'object'>): boolean {
  return Object.entries(test).every(([name, value]) => types[name] === typeof value);
}

function did(test: Fields): Condition | undefined {
  if (!only(test, { did: 'string', where: 'object', within: 'string', at_least: 'number' })) return undefined;
  const where = test.where === undefined ? undefined : read(test.where);
  if (test.where !== undefined && !where) return undefined;
  return {
    kind: 'did', event: String(test.did), keys: Object.keys(test), ...(where ? { where } : {}),
    ...(typeof test.within === 'string' ? { within: test.within } : {}), ...(typeof test.at_least === 'number' ? { atLeast: test.at_least } : {}),
  };
}

function engaged(kind: Engaged, test: Fields): Condition | undefined {
  if (!only(test, { [kind]: 'string', within: 'string', machines: 'boolean', ...(kind === 'clicked' ? { link: 'string' } : {}) })) return undefined;
  return {
    kind, step: String(test[kind]), keys: Object.keys(test), ...(typeof test.link === 'string' ? { link: test.link } : {}),
    ...(typeof test.within === 'string' ? { within: test.within } : {}), ...(typeof test.machines === 'boolean' ? { machines: test.machines } : {}),
  };
}

/** A condition of a document; undefined where a form cannot show all of it. */
export function read(value: unknown): Condition | undefined {
  if (!isFields(value)) return undefined;
  const alone = Object.keys(value).length === 1;
  for (const kind of ['all', 'any'] as const) {
    const parts = value[kind];
    if (!alone || !Array.isArray(parts)) continue;
    const known = parts.map(read);
    return known.every(part => part !== undefined) ? { kind, parts: known } : undefined;
  }
  if (alone && 'not' in value) {
    const inner = read(value.not);
    return inner && { kind: 'not', inner };
  }
  for (const kind of NAMED) if (alone && typeof value[kind] === 'string') return { kind, name: value[kind] };
  if ('did' in value) return did(value);
  for (const kind of ENGAGED) if (kind in value) return engaged(kind, value);
  for (const kind of [...SUBJECTS, 'age'] as const) if (kind in value) return comparison(kind, value);
  return undefined;
}

function inOrder(fields: Fields, keys: string[] = []): Fields {
  const place = (name: string) => (keys.includes(name) ? keys.indexOf(name) : keys.length);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined).sort(([a], [b]) => place(a) - place(b)));
}

/** A condition as a document has it. */
export function write(condition: Condition): Fields {
  switch (condition.kind) {
    case 'all': case 'any': return { [condition.kind]: condition.parts.map(write) };
    case 'not': return { not: write(condition.inner) };
    case 'segment': case 'subscribed': case 'visited': return { [condition.kind]: condition.name };
    case 'did': return inOrder({ did: condition.event, where: condition.where && write(condition.where), within: condition.within, at_least: condition.atLeast }, condition.keys);
    case 'opened': case 'clicked': case 'delivered': case 'bounced': case 'complained':
      return inOrder({ [condition.kind]: condition.step, link: condition.link, within: condition.within, machines: condition.machines }, condition.keys);
    default: return inOrder({ [condition.kind]: condition.path, [condition.operator]: condition.value }, condition.keys);
  }
}

/** A test of a kind, to begin with. */
export function fresh(kind: Kind): Condition {
  switch (kind) {
    case 'all': case 'any': return { kind, parts: [fresh('attribute')] };
    case 'not': return { kind, inner: fresh('attribute') };
    case 'segment': case 'subscribed': case 'visited': return { kind, name: '' };
    case 'did': return { kind, event: '' };
    case 'opened': case 'clicked': case 'delivered': case 'bounced': case 'complained': return { kind, step: 'any' };
    case 'age': return { kind, path: '', operator: 'gte', value: 18 };
    default: return { kind, path: '', operator: 'exists', value: true };
  }
}

/** The same test with another comparison; what it compared with stays where that still fits. */
export function compareBy(test: Comparison, operator: string): Comparison {
  const { takes } = OPERATORS[operator] ?? { takes: 'value' };
  const age = test.kind === 'age';
  const first = [test.value].flat()[0] ?? '';
  const begin = (): Plain | Plain[] => {
    switch (takes) {
      case 'flag': return true;
      case 'list': return Array.isArray(test.value) ? test.value : typeof first === 'boolean' || first === '' ? (age ? [18] : []) : [first];
      case 'value': return Array.isArray(test.value) || OPERATORS[test.operator]?.takes === 'value' ? first : age ? 18 : '';
      case 'duration': return '30d';
      case 'moment': return 'now';
      default: return typeof first === 'string' ? first : '';
    }
  };
  return { kind: test.kind, path: test.path, operator, value: OPERATORS[test.operator]?.takes === takes ? test.value : begin() };
}
