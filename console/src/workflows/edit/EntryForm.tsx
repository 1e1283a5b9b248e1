// What starts a run, as a form: one trigger, and whom it lets in.
import { useContext } from 'react';
import type { Schemas } from '../../api/client';
import { ConditionForm } from '../../conditions/ConditionForm';
import { NamesContext } from '../../conditions/names';
import { Select, Snippet, TextField } from '../../ui/fields';
import { isFields, type Fields } from '../document';
import type { Path } from './source';
import { Faults } from './StepForm';

const TRIGGERS = [
  ['event', 'an event arrives'], ['attribute', 'an attribute changes'], ['segment', 'somebody enters or leaves a segment'], ['milestone', 'a date of the contact comes round'],
  ['inactivity', 'nothing has happened for so long'], ['schedule', 'the time comes, for a whole segment'], ['api', 'a request asks for it'],
] as const;

const FIRST: Record<string, Fields> = {
  event: { event: '' }, attribute: { attribute: '' }, segment: { segment: '', on: 'enter' }, milestone: { milestone: { attribute: '', every: 'year' } },
  inactivity: { inactivity: { for: '90d', without: ['opened', 'clicked'] } }, schedule: { schedule: { segment: '' } }, api: { api: true },
};
/** What stands beside every trigger, and stays when it becomes another. */
const BESIDE = ['filter', 'key', 'reentry'];

interface Edited { entry: Fields; onSet: (path: Path, value: unknown) => void }

function Own({ entry, onSet }: Edited) {
  const { attributes, events, segments } = useContext(NamesContext);
  const set = (name: string) => (value: unknown) => onSet([name], value);
  if ('event' in entry) return <><TextField label="Event" value={entry.event} needed list={events} onSet={set('event')} /><ConditionForm label="Only where" value={entry.where} of="event" onSet={set('where')} /></>;
  if ('attribute' in entry) return <><TextField label="Attribute" value={entry.attribute} needed list={Object.keys(attributes)} onSet={set('attribute')} /><Snippet label="From" value={entry.from} onSet={set('from')} /><Snippet label="To" value={entry.to} onSet={set('to')} /></>;
  if ('segment' in entry) return <><TextField label="Segment" value={entry.segment} needed list={segments} onSet={set('segment')} /><Select label="When somebody" value={entry.on} options={[['enter', 'enters it'], ['leave', 'leaves it']]} onSet={set('on')} /></>;
  for (const [name, label] of [['milestone', 'Which date, and when'], ['inactivity', 'Of what, for how long'], ['schedule', 'When, and for whom']] as const) {
    if (name in entry) return <Snippet label={label} value={entry[name]} onSet={set(name)} />;
  }
  return <p className="dim">Only <code>POST /v1/workflows/…/enroll</code> starts it.</p>;
}

export function EntryForm({ entry, findings, onSet }: { entry: unknown; findings: Schemas['Finding'][]; onSet: (path: Path, value: unknown) => void }) {
  const own = isFields(entry) ? entry : {};
  const trigger = TRIGGERS.find(([name]) => name in own)?.[0] ?? '';
  const mode = isFields(own.reentry) ? own.reentry.mode : own.reentry;
  const beside = Object.fromEntries(Object.entries(own).filter(([name]) => BESIDE.includes(name)));
  return (
    <div className="stack">
      <Faults of={findings} />
      <Select label="It starts when" value={trigger} options={[...TRIGGERS]} onSet={next => onSet([], { ...FIRST[next ?? 'api'], ...beside })} />
      <Own entry={own} onSet={onSet} />
      <ConditionForm label="Only for contacts of whom this holds" value={own.filter} onSet={value => onSet(['filter'], value)} />
      <TextField label="One run for each" hint="a property that tells runs of one contact apart" value={own.key} onSet={value => onSet(['key'], value)} />
      <Select label="Whether somebody may come again" value={mode} none="not said: the default" options={[['never', 'never'], ['after_exit', 'when they have left'], ['always', 'always']]} onSet={value => onSet(isFields(own.reentry) && value !== undefined ? ['reentry', 'mode'] : ['reentry'], value)} />
    </div>
  );
}
