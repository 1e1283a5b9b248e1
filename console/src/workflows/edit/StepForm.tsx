// One step as a form. What it writes goes into the text; what somebody writes in the text shows here.
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/client';
import { ConditionForm } from '../../conditions/ConditionForm';
import { words } from '../../lib/format';
import { Field, Select, Snippet, TextField, textOf } from '../../ui/fields';
import { isFields, kindOf, type Fields } from '../document';
import { leadsOn, type Path } from './source';

export interface FormContext {
  id: string;
  step: Fields;
  /** Ids of the other steps. */
  others: string[];
  templates: string[];
  segments: string[];
  findings: Schemas['Finding'][];
  onSet: (path: Path, value: unknown) => void;
}

const rows = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

function Next({ of, label, value, onSet, none }: { of: FormContext; label: string; value: unknown; onSet: (value: string | undefined) => void; none?: string | undefined }) {
  return <Select label={label} value={value} options={[...of.others.map(id => [id, id] as const), ['end', 'the end'] as const]} onSet={onSet} none={none} />;
}

/** A list of ways out: paths, cases or shares. */
function Ways({ of, kind, list, add, children }: { of: FormContext; kind: string; list: string; add: Fields; children: (row: Fields, path: Path, nth: number) => ReactNode }) {
  const own = of.step[kind];
  const items = rows(isFields(own) ? own[list] : undefined);
  const path = [kind, list];
  return (
    <div className="stack">
      {items.map((row, nth) => (
        <fieldset key={nth} className="way-form">
          <legend>{`${words(list).replace(/s$/, '')} ${nth + 1}`}</legend>
          {children(row, [...path, nth], nth)}
          <Next of={of} label="leads to" value={row.next} onSet={value => of.onSet([...path, nth, 'next'], value)} />
          <button type="button" className="button quiet small" onClick={() => of.onSet(path, items.filter((_, other) => other !== nth))}>Remove</button>
        </fieldset>
      ))}
      <div><button type="button" className="button small" onClick={() => of.onSet(path, [...items, { ...add, next: 'end' }])}>Add</button></div>
    </div>
  );
}

const UNTIL = [['attribute', 'a date of the contact'], ['entry', 'a date of what started the run'], ['at', 'a fixed date']] as const;

function Wait({ of, own }: { of: FormContext; own: Fields }) {
  const set = (name: string) => (value: unknown) => of.onSet(['wait', name], value);
  const until = isFields(own.until) ? own.until : undefined;
  const source = UNTIL.find(([name]) => until && name in until)?.[0] ?? 'attribute';
  return (
    <>
      <Select label="Waits" value={until ? 'until' : 'for'} options={[['for', 'for so long'], ['until', 'until a date']]} onSet={value => of.onSet(['wait'], value === 'until' ? { until: { attribute: '' } } : { for: '1d' })} />
      {until ? (
        <>
          <Select label="Until" value={source} options={[...UNTIL]} onSet={value => of.onSet(['wait', 'until'], { [value ?? 'attribute']: '' })} />
          <TextField label={source === 'at' ? 'Date' : 'Name'} value={until[source]} needed onSet={value => of.onSet(['wait', 'until', source], value)} />
          <TextField label="Moved by" hint="such as -1d" value={own.offset} onSet={set('offset')} />
          <TextField label="At the time of day" hint="such as 10:00" value={own.at} onSet={set('at')} />
          <Next of={of} label="When the date is missing or past" value={own.else} none="fails the check" onSet={set('else')} />
        </>
      ) : <TextField label="For" hint="such as 3d or 4h 30m" value={own.for} needed onSet={set('for')} />}
    </>
  );
}

function Own({ of, kind, own }: { of: FormContext; kind: string; own: Fields }) {
  const set = (...path: Path) => (value: unknown) => of.onSet([kind, ...path], value);
  switch (kind) {
    case 'send':
      return (
        <>
          <TextField label="Template" value={own.template} needed list={of.templates} onSet={set('template')} />
          <Next of={of} label="After a definite refusal" value={own.on_failure} none="the run fails" onSet={set('on_failure')} />
          <Select label="When nobody knows whether it was sent" value={own.on_unknown} none="it is taken for sent" options={[['treat_as_sent', 'take it for sent'], ['resend', 'send it again, at the risk of twice']]} onSet={set('on_unknown')} />
        </>
      );
    case 'wait': return <Wait of={of} own={own} />;
    case 'wait_for':
      return (
        <>
          <Ways of={of} kind={kind} list="paths" add={{ event: 'something_happened' }}>
            {(row, path) => ('when' in row
              ? <ConditionForm label="When" value={row.when} onSet={value => of.onSet([...path, 'when'], value)} />
              : <><TextField label="Event" value={row.event} needed onSet={value => of.onSet([...path, 'event'], value)} /><ConditionForm label="Where" value={row.where} of="event" onSet={value => of.onSet([...path, 'where'], value)} /></>)}
          </Ways>
          <TextField label="At most" hint="such as 20h" value={own.timeout} needed onSet={set('timeout')} />
          <Next of={of} label="When the time is up" value={own.next} onSet={set('next')} />
        </>
      );
    case 'branch':
      return (
        <>
          <Ways of={of} kind={kind} list="cases" add={{ when: { attribute: 'name', exists: true } }}>{(row, path) => <ConditionForm label="When" value={row.when} onSet={value => of.onSet([...path, 'when'], value)} />}</Ways>
          <Next of={of} label="When none holds" value={own.next} onSet={set('next')} />
        </>
      );
    case 'split':
      return (
        <Ways of={of} kind={kind} list="shares" add={{ weight: 10 }}>
          {(row, path) => <Field label="Weight"><input type="number" min={0} max={1_000_000} value={textOf(row.weight)} onChange={event => of.onSet([...path, 'weight'], event.target.valueAsNumber || 0)} /></Field>}
        </Ways>
      );
    case 'update':
      return <>{['set', 'increment', 'append', 'remove', 'unset'].map(verb => <Snippet key={verb} label={words(verb)} value={own[verb]} onSet={set(verb)} />)}</>;
    case 'segment':
      return <><TextField label="Put into" value={own.add} list={of.segments} onSet={set('add')} /><TextField label="Take out of" value={own.remove} list={of.segments} onSet={set('remove')} /></>;
    case 'emit': return <><TextField label="Event" value={own.event} needed onSet={set('event')} /><Snippet label="Properties" value={own.properties} onSet={set('properties')} /></>;
    case 'webhook':
      return (
        <>
          <TextField label="Address" value={own.url} needed onSet={set('url')} /><Snippet label="Body" value={own.body} onSet={set('body')} />
          <TextField label="Keep the answer as" value={own.save_as} onSet={set('save_as')} /><Next of={of} label="After a refusal" value={own.on_failure} none="the run fails" onSet={set('on_failure')} />
        </>
      );
    case 'jump':
      return 'workflow' in own
        ? <><TextField label="Workflow" value={own.workflow} needed onSet={set('workflow')} /><label className="check"><input type="checkbox" checked={own.stay === true} onChange={event => set('stay')(event.target.checked || undefined)} />This run goes on too</label></>
        : <Next of={of} label="To the step" value={own.step} onSet={set('step')} />;
    case 'exit': return <TextField label="Reason" value={own.reason} needed onSet={set('reason')} />;
    default: return <p className="dim">This step has no kind that there is a form for. Mend it in the text.</p>;
  }
}

/** What `check` found here. */
export function Faults({ of }: { of: Schemas['Finding'][] }) {
  return of.map((finding, nth) => <p key={nth} className={`notice ${finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'warn' : 'info'} small`}><span><b>{finding.rule}</b> {finding.message}</span></p>);
}

export function StepForm(of: FormContext) {
  const kind = kindOf(of.step);
  const own = of.step[kind];
  return (
    <div className="stack">
      <Faults of={of.findings} />
      <Own of={of} kind={kind} own={isFields(own) ? own : {}} />
      {leadsOn(kind) && kind !== '?' && <Next of={of} label="Leads to" value={of.step.next} none="the end, as the last step" onSet={value => of.onSet(['next'], value)} />}
    </div>
  );
}
