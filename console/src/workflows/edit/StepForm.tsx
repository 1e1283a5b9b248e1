// One step as a form. What it writes goes into the text; what somebody writes in the text shows here.
import { useEffect, useId, useState, type ReactNode } from 'react';
import { parse, stringify } from 'yaml';
import type { Schemas } from '../../api/client';
import { words } from '../../lib/format';
import { inWords } from '../conditions';
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

const text = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value));
const rows = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

function Field({ label, hint, children }: { label: string; hint?: string | undefined; children: ReactNode }) {
  return <label className="field"><span>{label} {hint && <span className="hint">{hint}</span>}</span>{children}</label>;
}

function TextField({ label, hint, value, onSet, list, needed }: { label: string; hint?: string | undefined; value: unknown; onSet: (value: unknown) => void; list?: string[] | undefined; needed?: boolean }) {
  const id = useId();
  return (
    <Field label={label} hint={hint}>
      <input value={text(value)} list={list ? id : undefined} onChange={event => onSet(event.target.value === '' && !needed ? undefined : event.target.value)} />
      {list && <datalist id={id}>{list.map(one => <option key={one} value={one} />)}</datalist>}
    </Field>
  );
}

function Select({ label, hint, value, options, onSet, none }: { label: string; hint?: string | undefined; value: unknown; options: (readonly [string, string])[]; onSet: (value: string | undefined) => void; none?: string | undefined }) {
  const own = text(value);
  const known = options.some(([option]) => option === own);
  return (
    <Field label={label} hint={hint}>
      <select value={own} onChange={event => onSet(event.target.value || undefined)}>
        {(none !== undefined || own === '') && <option value="">{none ?? 'choose'}</option>}
        {own !== '' && !known && <option value={own}>{own} (not there)</option>}
        {options.map(([option, shown]) => <option key={option} value={option}>{shown}</option>)}
      </select>
    </Field>
  );
}

function Next({ of, label, value, onSet, none }: { of: FormContext; label: string; value: unknown; onSet: (value: string | undefined) => void; none?: string | undefined }) {
  return <Select label={label} value={value} options={[...of.others.map(id => [id, id] as const), ['end', 'the end'] as const]} onSet={onSet} none={none} />;
}

/** Conditions, payloads and the like: as YAML on their own, taken over as soon as they can be read. */
function Snippet({ label, value, onSet, explain }: { label: string; value: unknown; onSet: (value: unknown) => void; explain?: boolean }) {
  const written = value === undefined ? '' : stringify(value, { lineWidth: 0 }).trimEnd();
  const [draft, setDraft] = useState(written);
  const [broken, setBroken] = useState(false);
  const [seen, setSeen] = useState(written);
  useEffect(() => {
    // What changed elsewhere shows here, unless it is what was just written here.
    if (written !== seen) {
      setSeen(written);
      setDraft(written);
      setBroken(false);
    }
  }, [written, seen]);
  function change(next: string) {
    setDraft(next);
    try {
      const read: unknown = next.trim() === '' ? undefined : parse(next);
      setBroken(false);
      setSeen(read === undefined ? '' : stringify(read, { lineWidth: 0 }).trimEnd());
      onSet(read);
    } catch {
      setBroken(true);
    }
  }
  return (
    <div className="stack tight">
      <Field label={label}><textarea className="mono snippet" rows={Math.min(8, draft.split('\n').length)} spellCheck={false} value={draft} aria-invalid={broken} onChange={event => change(event.target.value)} /></Field>
      {broken ? <p className="small" role="alert">This cannot be read as YAML yet.</p> : explain && isFields(value) && <p className="dim small">In words: {inWords(value)}</p>}
    </div>
  );
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
              ? <Snippet label="When" value={row.when} explain onSet={value => of.onSet([...path, 'when'], value)} />
              : <><TextField label="Event" value={row.event} needed onSet={value => of.onSet([...path, 'event'], value)} /><Snippet label="Where" value={row.where} explain onSet={value => of.onSet([...path, 'where'], value)} /></>)}
          </Ways>
          <TextField label="At most" hint="such as 20h" value={own.timeout} needed onSet={set('timeout')} />
          <Next of={of} label="When the time is up" value={own.next} onSet={set('next')} />
        </>
      );
    case 'branch':
      return (
        <>
          <Ways of={of} kind={kind} list="cases" add={{ when: { attribute: 'name', exists: true } }}>{(row, path) => <Snippet label="When" value={row.when} explain onSet={value => of.onSet([...path, 'when'], value)} />}</Ways>
          <Next of={of} label="When none holds" value={own.next} onSet={set('next')} />
        </>
      );
    case 'split':
      return (
        <Ways of={of} kind={kind} list="shares" add={{ weight: 10 }}>
          {(row, path) => <Field label="Weight"><input type="number" min={0} max={1_000_000} value={text(row.weight)} onChange={event => of.onSet([...path, 'weight'], event.target.valueAsNumber || 0)} /></Field>}
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

export function StepForm(of: FormContext) {
  const kind = kindOf(of.step);
  const own = of.step[kind];
  return (
    <div className="stack">
      {of.findings.map((finding, nth) => <p key={nth} className={`notice ${finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'warn' : 'info'} small`}><span><b>{finding.rule}</b> {finding.message}</span></p>)}
      <Own of={of} kind={kind} own={isFields(own) ? own : {}} />
      {leadsOn(kind) && kind !== '?' && <Next of={of} label="Leads to" value={of.step.next} none="the end, as the last step" onSet={value => of.onSet(['next'], value)} />}
    </div>
  );
}
