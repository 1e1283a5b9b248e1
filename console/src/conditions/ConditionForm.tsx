// A condition by fields: groups of tests, and what each looks at. It reads and writes what the document has; what it cannot show is text.
import { useContext, useState } from 'react';
import { plural } from '../lib/format';
import { Field, Select, Snippet, TextField } from '../ui/fields';
import { inWords } from '../workflows/conditions';
import './conditions.css';
import { Compared } from './Compared';
import { fresh, read, write, ENGAGED, NAMED, SUBJECTS, type Condition, type Engaged, type Kind, type Named } from './model';
import { NamesContext } from './names';

const KINDS: (readonly [Kind, string])[] = [
  ['attribute', 'an attribute of the contact'], ['age', 'an age'], ['did', 'something that happened'], ['segment', 'being in a segment'], ['subscribed', 'a subscription'],
  ['opened', 'a mail opened'], ['clicked', 'a link clicked'], ['delivered', 'a mail delivered'], ['bounced', 'a mail bounced'], ['complained', 'a mail called spam'],
  ['visited', 'a step visited'], ['event', 'the event at hand'], ['entry', 'what started the run'], ['saved', 'what a webhook answered'], ['all', 'a group: all of …'], ['any', 'a group: any of …'],
];

interface Edited<T extends Condition = Condition> { of: T; onSet: (next: Condition) => void }

function Named({ of, onSet }: Edited<Extract<Condition, { kind: Named }>>) {
  const { segments, topics, steps } = useContext(NamesContext);
  const label = { segment: 'Segment', subscribed: 'Topic', visited: 'Step' }[of.kind];
  return <TextField label={label} value={of.name} needed list={{ segment: segments, subscribed: topics, visited: steps }[of.kind]} onSet={name => onSet({ ...of, name: name ?? '' })} />;
}

/** Without what has no value. */
const kept = <T extends object>(fields: T): T => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

function Did({ of, onSet }: Edited<Extract<Condition, { kind: 'did' }>>) {
  const { events } = useContext(NamesContext);
  const change = (next: { [name in keyof typeof of]?: (typeof of)[name] | undefined }) => onSet(kept({ ...of, ...next }) as Condition);
  return (
    <>
      <TextField label="Event" value={of.event} needed list={events} onSet={event => change({ event: event ?? '' })} />
      <TextField label="Within the last" hint="such as 90d" value={of.within} onSet={within => change({ within })} />
      <Field label="At least so many times"><input type="number" min={1} placeholder="1" value={of.atLeast ?? ''} onChange={event => change({ atLeast: event.target.value === '' ? undefined : Number(event.target.value) })} /></Field>
      {of.where
        ? <div className="whole"><Node label="Where its property" of={of.where} onSet={where => change({ where })} onRemove={() => change({ where: undefined })} /></div>
        : <div className="whole"><button type="button" className="button small" onClick={() => change({ where: fresh('event') })}>Only with certain properties…</button></div>}
    </>
  );
}

function EngagedBy({ of, onSet }: Edited<Extract<Condition, { kind: Engaged }>>) {
  const { steps } = useContext(NamesContext);
  const change = (next: object) => onSet(kept({ ...of, ...next }));
  return (
    <>
      <TextField label="Mail of the step" hint="or any" value={of.step} needed list={['any', ...steps]} onSet={step => change({ step: step ?? '' })} />
      {of.kind === 'clicked' && <TextField label="Link" hint="any where empty" value={of.link} onSet={link => change({ link })} />}
      <TextField label="Within the last" hint="such as 3d" value={of.within} onSet={within => change({ within })} />
      {(of.kind === 'opened' || of.kind === 'clicked') && <label className="check"><input type="checkbox" checked={of.machines === true} onChange={event => change({ machines: event.target.checked || undefined })} />By machines too</label>}
    </>
  );
}

function Group({ of, onSet }: Edited<Extract<Condition, { kind: 'all' | 'any' }>>) {
  const change = (nth: number, next: Condition) => onSet({ ...of, parts: of.parts.map((part, other) => (other === nth ? next : part)) });
  return (
    <div className="whole stack">
      {of.parts.map((part, nth) => (
        <Node key={nth} label={`${nth === 0 ? '' : of.kind === 'all' ? 'and ' : 'or '}test ${nth + 1}`} of={part} onSet={next => change(nth, next)} onRemove={() => onSet({ ...of, parts: of.parts.filter((_, other) => other !== nth) })} />
      ))}
      {of.parts.length === 0 && <p className="dim small">{of.kind === 'all' ? 'Without a test it always holds.' : 'Without a test it never holds.'}</p>}
      <div><button type="button" className="button small" onClick={() => onSet({ ...of, parts: [...of.parts, fresh('attribute')] })}>{of.kind === 'all' ? 'And another test' : 'Or another test'}</button></div>
    </div>
  );
}

function Own({ of, onSet }: Edited) {
  if (of.kind === 'did') return <Did of={of} onSet={onSet} />;
  if (isEngaged(of)) return <EngagedBy of={of} onSet={onSet} />;
  if (isNamed(of)) return <Named of={of} onSet={onSet} />;
  if (of.kind === 'not') return <div className="whole"><Node label="Not" of={of.inner} onSet={inner => onSet({ kind: 'not', inner })} /></div>;
  return isGroup(of) ? <Group of={of} onSet={onSet} /> : <Compared of={of} onSet={onSet} />;
}

const isGroup = (of: Condition): of is Extract<Condition, { parts: Condition[] }> => of.kind === 'all' || of.kind === 'any';
const isEngaged = (of: Condition): of is Extract<Condition, { kind: Engaged }> => (ENGAGED as readonly string[]).includes(of.kind);
const isNamed = (of: Condition): of is Extract<Condition, { kind: Named }> => (NAMED as readonly string[]).includes(of.kind);

/** A test of another kind; a group takes in what was there. */
function turned(of: Condition, kind: Kind): Condition {
  if (kind === 'all' || kind === 'any') return { kind, parts: of.kind === 'all' || of.kind === 'any' ? of.parts : [of] };
  const subjects: readonly string[] = SUBJECTS;
  if (subjects.includes(of.kind) && subjects.includes(kind) && 'operator' in of) return { kind, path: of.path, operator: of.operator, value: of.value } as Condition;
  return fresh(kind);
}

/** A test or a group, with what turns it into another. */
function Node({ label, of, onSet, onRemove }: Edited & { label: string; onRemove?: () => void }) {
  const negated = of.kind === 'not' && of.inner.kind !== 'not';
  const inner = negated ? of.inner : of;
  const set = (next: Condition) => onSet(negated ? { kind: 'not', inner: next } : next);
  return (
    <fieldset className="condition">
      <legend>{label}</legend>
      <div className="row end">
        {inner.kind !== 'not' && <Select label="Looks at" value={inner.kind} options={KINDS} onSet={kind => set(turned(inner, (kind ?? 'attribute') as Kind))} />}
        <label className="check"><input type="checkbox" checked={of.kind === 'not'} onChange={event => onSet(event.target.checked ? { kind: 'not', inner: of } : of.kind === 'not' ? of.inner : of)} />must not hold</label>
        {onRemove && <button type="button" className="button quiet small" onClick={onRemove}>Remove</button>}
      </div>
      <div className="tests"><Own of={inner} onSet={set} /></div>
    </fieldset>
  );
}

/** A condition of a document: by fields where these can show it, as text where they cannot or somebody prefers that. */
export function ConditionForm({ label, value, of = 'attribute', onSet }: { label: string; value: unknown; of?: Kind; onSet: (value: unknown) => void }) {
  const [asText, setAsText] = useState(false);
  const known = read(value);
  const size = known && (known.kind === 'all' || known.kind === 'any') ? plural(known.parts.length, 'test') : undefined;
  if (value === undefined && !asText) {
    return <div><button type="button" className="button small" onClick={() => onSet(write(fresh(of)))}>{`${label}: add a condition`}</button></div>;
  }
  return (
    <div className="stack tight">
      {asText || !known
        ? <Snippet label={label} value={value} explain onSet={onSet} />
        : <Node label={label} of={known} onSet={next => onSet(write(next))} onRemove={() => onSet(undefined)} />}
      <div className="row spread">
        {!asText && known ? <p className="dim small">In words: {inWords(value)}{size !== undefined && <span className="visually-hidden">, {size}</span>}</p> : <span />}
        {known ? <button type="button" className="button quiet small" onClick={() => setAsText(!asText)}>{asText ? 'By fields' : 'As text'}</button> : !asText && <span className="dim small">There are no fields for this one.</span>}
      </div>
    </div>
  );
}
