// What a document says, read leniently: drafts are shown whatever is wrong with them.
import { shown, words } from '../lib/format';
import { inWords } from './conditions';

export type Fields = Record<string, unknown>;
export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const fields = (value: unknown): Fields => (isFields(value) ? value : {});
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const KINDS = ['send', 'wait', 'wait_for', 'branch', 'split', 'update', 'segment', 'emit', 'webhook', 'jump', 'exit'] as const;
export type Kind = (typeof KINDS)[number];

/** One way out of a step. `pointer` leads to the name of the step that it goes to, within the document. */
export interface Way {
  from: string;
  to: string;
  label: string;
  pointer: (string | number)[];
  /** Whether it leads where things go wrong. */
  fault?: boolean;
}

export interface Step {
  id: string;
  kind: string;
  /** What it does, in a few words. */
  gist: string;
}

export interface Graph {
  steps: Step[];
  ways: Way[];
}

/** What ids of workflows and segments look like, as a `pattern` of an input: the browser takes a bare hyphen in a class for a fault. */
export const ID = '[a-z0-9][a-z0-9\\-]{0,62}';

export const END = 'end';
export const ENTRY = 'entry';

export function kindOf(step: unknown): string {
  const own = fields(step);
  return KINDS.find(kind => kind in own) ?? '?';
}

const names = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(', ') : String(value));

function waitGist(wait: Fields): string {
  if (typeof wait.for === 'string') return `for ${wait.for}`;
  const until = fields(wait.until);
  const date = text(until.attribute) ?? text(until.entry) ?? text(until.at) ?? 'a date';
  const offset = text(wait.offset);
  return `until ${words(date)}${offset ? ` ${offset}` : ''}${typeof wait.at === 'string' ? `, ${wait.at}` : ''}`;
}

function gistOf(kind: string, own: Fields): string {
  switch (kind) {
    case 'send': return text(own.template) ?? 'no template yet';
    case 'wait': return waitGist(own);
    case 'wait_for': return `${list(own.paths).map(pathLabel).join(' or ')}${typeof own.timeout === 'string' ? `, at most ${own.timeout}` : ''}`;
    case 'branch': return list(own.cases).map(one => inWords(one.when)).join(' · ') || 'no case yet';
    case 'split': return `${list(own.shares).length} shares`;
    case 'update': return Object.entries(own).map(([verb, what]) => `${verb} ${isFields(what) ? Object.keys(what).join(', ') : names(what)}`).join('; ');
    case 'segment': return [own.add !== undefined && `into ${names(own.add)}`, own.remove !== undefined && `out of ${names(own.remove)}`].filter(Boolean).join('; ');
    case 'emit': return text(own.event) ?? '';
    case 'webhook': return text(own.url) ?? '';
    case 'jump': return text(own.workflow) ?? text(own.step) ?? '';
    case 'exit': return text(own.reason) ?? '';
    default: return 'of no known kind';
  }
}

function pathLabel(path: Fields): string {
  if (typeof path.event === 'string') return words(path.event);
  return path.when === undefined ? 'a condition' : inWords(path.when);
}

function percent(shares: Fields[], nth: number): string {
  const weights = shares.map(share => (typeof share.weight === 'number' ? share.weight : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  return sum > 0 ? `${Math.round((100 * (weights[nth] ?? 0)) / sum)} %` : 'share';
}

/** The ways out of one step; `after` is where a step leads that does not say. */
function waysOf(id: string, kind: string, step: Fields, after: string): Way[] {
  const own = fields(step[kind]);
  const at = ['steps', id];
  const ways: Way[] = [];
  const add = (target: unknown, label: string, pointer: (string | number)[], fault = false) => {
    if (typeof target === 'string' && target) ways.push({ from: id, to: target, label, pointer: [...at, ...pointer], ...(fault ? { fault } : {}) });
  };
  switch (kind) {
    case 'wait_for':
      list(own.paths).forEach((path, nth) => add(path.next, pathLabel(path), [kind, 'paths', nth, 'next']));
      add(own.next, `after ${text(own.timeout) ?? 'the time is up'}`, [kind, 'next']);
      break;
    case 'branch':
      list(own.cases).forEach((one, nth) => add(one.next, inWords(one.when), [kind, 'cases', nth, 'next']));
      add(own.next, 'otherwise', [kind, 'next']);
      break;
    case 'split': {
      const shares = list(own.shares);
      shares.forEach((one, nth) => add(one.next, percent(shares, nth), [kind, 'shares', nth, 'next']));
      break;
    }
    case 'jump':
      if (typeof own.workflow !== 'string') add(own.step, 'jump', [kind, 'step']);
      else if (own.stay === true) add(step.next ?? after, '', ['next']);
      break;
    case 'exit':
      break;
    default:
      add(step.next ?? after, '', ['next']);
      add(own.else, 'no date, or past', [kind, 'else'], true);
      add(own.on_failure, 'refused', [kind, 'on_failure'], true);
  }
  return ways;
}

export function startOf(document: Fields): string | undefined {
  return text(document.start) ?? Object.keys(fields(document.steps))[0];
}

/** What is behind a document: its steps and the ways between them, `entry` and `end` among them. */
export function graphOf(document: unknown): Graph {
  const whole = fields(document);
  const steps = fields(whole.steps);
  const ids = Object.keys(steps);
  const last = ids.at(-1);
  const graph: Graph = { steps: [{ id: ENTRY, kind: ENTRY, gist: triggerOf(whole) }], ways: [] };
  const start = startOf(whole);
  if (start) graph.ways.push({ from: ENTRY, to: start, label: '', pointer: ['start'] });
  for (const id of ids) {
    const step = fields(steps[id]);
    const kind = kindOf(step);
    graph.steps.push({ id, kind, gist: gistOf(kind, fields(step[kind])) });
    graph.ways.push(...waysOf(id, kind, step, id === last ? END : ''));
  }
  if (graph.ways.some(way => way.to === END)) graph.steps.push({ id: END, kind: END, gist: 'completed' });
  return graph;
}

/** What starts a run, in words. */
export function triggerOf(document: Fields): string {
  const entry = fields(document.entry);
  if (typeof entry.event === 'string') return `when ${words(entry.event)}`;
  if (typeof entry.attribute === 'string') return `when ${words(entry.attribute)} changes${entry.to !== undefined ? ` to ${shown(entry.to)}` : ''}`;
  if (typeof entry.segment === 'string') return `when somebody ${entry.on === 'leave' ? 'leaves' : 'enters'} ${entry.segment}`;
  const milestone = fields(entry.milestone);
  if (typeof milestone.attribute === 'string') return `${text(milestone.offset) ?? 'on'} ${words(milestone.attribute)}${milestone.every === 'year' ? ', each year' : ''}`;
  const inactivity = fields(entry.inactivity);
  if (typeof inactivity.for === 'string') return `after ${inactivity.for} of silence`;
  const schedule = fields(entry.schedule);
  if (typeof schedule.segment === 'string') return `on a schedule, for ${schedule.segment}`;
  if (entry.api === true) return 'by request';
  return 'nothing starts it yet';
}
