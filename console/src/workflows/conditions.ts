// Conditions of a document, as people say them.
import { shown, words } from '../lib/format';

type Fields = Record<string, unknown>;

const OPERATORS: Record<string, string> = {
  eq: 'is', ne: 'is not', gt: 'is over', gte: 'is at least', lt: 'is under', lte: 'is at most', in: 'is one of', not_in: 'is none of',
  contains: 'contains', starts_with: 'starts with', ends_with: 'ends with', before: 'is before', after: 'is after', on: 'is on',
  within: 'was within', within_next: 'is within the next', eq_entry: 'is the run’s',
};

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

function compared(subject: string, test: Fields, but: string): string {
  const rest = Object.entries(test).filter(([name]) => name !== but);
  const parts = rest.map(([name, value]) => {
    if (name === 'exists') return value === false ? 'is missing' : 'is there';
    return `${OPERATORS[name] ?? words(name)} ${shown(value)}`;
  });
  return `${words(subject)} ${parts.join(' and ')}`.trim();
}

function engaged(verb: string, test: Fields): string {
  const link = typeof test.link === 'string' ? ` “${test.link}” in` : '';
  const what = test[verb] === 'any' ? 'any mail' : words(String(test[verb]));
  const machines = test.machines === true ? ', machines too' : '';
  const within = typeof test.within === 'string' ? ` within ${test.within}` : '';
  return `${verb}${link} ${what}${within}${machines}`;
}

/** A condition in words: short enough for an edge, true enough for a decision. */
export function inWords(condition: unknown): string {
  if (!isFields(condition)) return shown(condition);
  for (const [name, join] of [['all', ' and '], ['any', ' or ']] as const) {
    const list = condition[name];
    if (Array.isArray(list)) {
      const parts = list.map(part => (isFields(part) && ('all' in part || 'any' in part) ? `(${inWords(part)})` : inWords(part)));
      return parts.join(join);
    }
  }
  if ('not' in condition) return `not ${inWords(condition.not)}`;
  for (const verb of ['opened', 'clicked', 'delivered', 'bounced', 'complained']) if (verb in condition) return engaged(verb, condition);
  if ('did' in condition) {
    const times = typeof condition.at_least === 'number' && condition.at_least > 1 ? ` ${condition.at_least} times` : '';
    return `did ${words(String(condition.did))}${times}${typeof condition.within === 'string' ? ` within ${condition.within}` : ''}`;
  }
  if ('segment' in condition) return `in segment ${String(condition.segment)}`;
  if ('subscribed' in condition) return `subscribed to ${String(condition.subscribed)}`;
  if ('visited' in condition) return `was at ${words(String(condition.visited))}`;
  if ('age' in condition) return compared('age', condition, 'age');
  for (const subject of ['attribute', 'event', 'entry', 'saved']) {
    const path = condition[subject];
    if (typeof path === 'string') return compared(path, condition, subject);
  }
  return JSON.stringify(condition);
}
