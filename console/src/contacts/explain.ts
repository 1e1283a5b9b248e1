// Decisions as sentences. What the API compared is data; here it becomes what a person would say.
import type { Schemas } from '../api/client';
import { shown, time, words } from '../lib/format';

export interface Compared {
  test: string;
  observed?: unknown;
  expected?: unknown;
  result: boolean;
  source: string;
  hidden?: boolean;
}

const HIDDEN = '(hidden)';

const OPERATORS: Record<string, [string, string]> = {
  eq: ['is', 'is not'], ne: ['is not', 'is'], gt: ['is over', 'is not over'], gte: ['is at least', 'is under'], lt: ['is under', 'is at least'], lte: ['is at most', 'is over'],
  in: ['is one of', 'is none of'], not_in: ['is none of', 'is one of'], contains: ['contains', 'does not contain'], starts_with: ['starts with', 'does not start with'], ends_with: ['ends with', 'does not end with'],
  before: ['is before', 'is not before'], after: ['is after', 'is not after'], on: ['is on', 'is not on'], within: ['lies within the last', 'does not lie within the last'], within_next: ['lies within the next', 'does not lie within the next'],
  eq_entry: ['is that of the start', 'is not that of the start'],
};
const OF: Record<string, string> = { attribute: '', event: ' of the event', entry: ' of what started the run', saved: ' of the answer', age: '' };

const was = (one: Compared): string => (one.hidden ? `is ${HIDDEN}` : one.observed === null || one.observed === undefined ? 'is not there' : `is ${shown(one.observed)}`);

function comparison(one: Compared): string | undefined {
  const match = /^(attribute|event|entry|saved|age) (\S+) (\S+)$/.exec(one.test);
  const [, kind = '', path = '', operator = ''] = match ?? [];
  if (!match) return undefined;
  const subject = `${kind === 'age' ? 'the age by ' : ''}${words(path)}${OF[kind] ?? ''}`;
  if (operator === 'exists') return `${subject} ${one.result === (one.expected !== false) ? 'is there' : 'is missing'}`;
  const verbs = OPERATORS[operator];
  if (!verbs) return undefined;
  const wanted = one.hidden ? 'what is asked for' : shown(one.expected);
  // What is so needs no second telling.
  if (one.result && operator === 'eq') return one.hidden ? `${subject} is what is asked for` : `${subject} is ${shown(one.observed)}`;
  return `${subject} ${was(one)}, which ${verbs[one.result ? 0 : 1]} ${wanted}`.replace(/, which (is|is not) /, ', and $1 ');
}

function engagement(one: Compared): string | undefined {
  const match = /^(opened|clicked|delivered|bounced|complained) (\S+)(?: (?:link )?(\S+))?/.exec(one.test);
  const [, verb = '', step = '', link] = match ?? [];
  if (!match) return undefined;
  const what = step === 'any' ? 'a mail' : `“${words(step)}”`;
  const how = link ? `${verb} “${link}” in ${what}` : `${verb} ${what}`;
  const at = typeof one.observed === 'string' ? ` on ${time(one.observed)}` : '';
  const passive = verb === 'delivered' ? `${what} was delivered` : verb === 'bounced' ? `${what} bounced` : verb === 'complained' ? `there was a complaint about ${what}` : undefined;
  if (one.result) return passive ? `${passive}${at}` : `they ${how}${at}`;
  return passive ? `${what} had not ${verb === 'complained' ? 'been complained about' : verb === 'delivered' ? 'been delivered' : verb}` : `they had not ${how}`;
}

/** One comparison as a clause. */
export function clause(one: Compared): string {
  const found = comparison(one) ?? engagement(one);
  if (found) return found;
  const { test, observed, expected, result } = one;
  const zone = one.source.startsWith('zone') ? `, by the ${one.source.replace('zone of the', 'clock of the')}` : '';
  if (test === 'time is up') return typeof expected === 'string' ? `time was up on ${time(expected)}` : 'time was up';
  if (test === 'send window open') return `it was ${one.hidden ? 'a time' : shown(observed)}${zone}, when mail ${result ? 'may' : 'may not'} go out`;
  if (test === 'share') return `the draw gave ${shown(observed)} of ${shown(expected)}`;
  if (test === 'has an address') return result ? 'there is an address' : 'there is no address to write to';
  if (test === 'not suppressed') return result ? 'the address is open' : `the address is closed: ${shown(observed)}`;
  if (test === 'mails under the cap') return `${shown(observed)} mails had gone out, of at most ${shown(expected)}`;
  if (test === 'step visited before') return `the run had been at ${shown(observed)} before`;
  if (test.startsWith('subscribed')) return result ? `they are subscribed to ${test.split(' ').at(-1) ?? ''}` : `they are not subscribed to ${test.split(' ').at(-1) ?? ''}`;
  if (test.startsWith('segment ')) return `they ${result ? 'are' : 'are not'} in ${test.slice(8)}`;
  if (test.startsWith('moved to version')) return test;
  const change = /^(set|unset|increment|append|remove) (\S+)$/.exec(test);
  if (change) {
    const what = `${words(change[2] ?? '')}${expected !== null && expected !== undefined && !one.hidden ? ` to ${shown(expected)}` : ''}`;
    return result ? `${change[1] ?? ''} ${what}` : `${what} could not be changed`;
  }
  const date = /^(entry|attribute|contact) (\S+)$/.exec(test);
  if (date && one.hidden) return `${words(date[2] ?? '')} decides until when`;
  if (date) return `${words(date[2] ?? '')} ${was(one)}${typeof expected === 'string' ? `, so until ${time(expected)}` : ''}`;
  const event = /^event (\S+)$/.exec(test);
  if (event) return `${words(event[1] ?? '')} ${result ? 'arrived' : 'had not arrived'}`;
  const values = [!one.hidden && observed !== null && observed !== undefined && `found ${shown(observed)}`, !one.hidden && expected !== null && expected !== undefined && `asked for ${shown(expected)}`].filter(Boolean);
  return `${words(test)}: ${result ? 'yes' : 'no'}${values.length > 0 ? ` (${values.join(', ')})` : ''}`;
}

export interface VisitTold {
  step: string;
  kind: string;
  edge: string | null;
  via: string | null;
  explanation: Compared[];
}

function went(visit: VisitTold): string {
  const target = visit.edge === null ? '' : visit.edge === 'end' ? 'to the end' : `on to ${visit.edge}`;
  const via = visit.via ?? '';
  if (!target) return '';
  if (via === 'timeout') return `Nothing that it waited for came in time, so the run went ${target}`;
  if (via === 'on_failure') return `It was refused, so the run went ${target}`;
  if (via === 'else') return visit.kind === 'branch' ? `No case held, so the run went ${target}` : `The date was missing or past, so the run went ${target}`;
  if (via === 'skipped') return `It was skipped, and the run went ${target}`;
  const [name, nth] = via.split(' ');
  const ordinal = nth === undefined ? '' : `${Number(nth) + 1}`;
  if (name === 'case') return `Case ${ordinal} held, so the run went ${target}`;
  if (name === 'path') return `Path ${ordinal} came true, so the run went ${target}`;
  if (name === 'share') return `Share ${ordinal} was drawn, so the run went ${target}`;
  if (via === 'next' && visit.kind === 'branch') return `No case held, so the run went ${target}`;
  return `The run went ${target}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What was decided at a visit, and why, in a sentence or two. */
export function because(visit: VisitTold): string {
  const why = visit.explanation.map(clause);
  const led = went(visit);
  if (visit.kind === 'end') return 'The run came to its end.';
  if (why.length === 0) return led ? `${led}.` : visit.edge === null ? 'The run is here.' : '';
  if (!led) return `${capital(why.join('; '))}.`;
  return `${led}: ${why.join('; ')}.`;
}

/** Why a trigger let nobody in. */
export function refusal(why: string, explanation: Compared[]): string {
  const reasons: Record<string, string> = { filter: 'The contact did not pass the filter', paused: 'The workflow was paused', reentry: 'The contact may not come in again', live: 'The contact was in it already' };
  const detail = explanation.map(clause).join('; ');
  return `${reasons[why] ?? `Not let in (${words(why)})`}${detail ? `: ${detail}` : ''}.`;
}

export type Message = Schemas['Message'];

/** What became of a mail. */
export function fate(message: Message): string {
  const reason = message.reason ? `: ${words(message.reason)}` : '';
  switch (message.state) {
    case 'sent': return 'Sent';
    case 'skipped': return `Not sent${reason}`;
    case 'failed': return `Failed${reason}`;
    case 'unknown': return 'Nobody knows yet whether it went out';
    case 'claimed': return 'On its way';
    case 'released': return `To be tried again${reason}`;
    default: return message.state;
  }
}
