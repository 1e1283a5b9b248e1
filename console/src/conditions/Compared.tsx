// A test that compares a value.
import { useContext, useState } from 'react';
import { Field, Select, TextField } from '../ui/fields';
import { compareBy, OF_AGE, OPERATORS, type Comparison, type Condition, type Plain } from './model';
import { NamesContext } from './names';

const HINTS: Record<string, string> = { duration: 'such as 30d', moment: 'a date, now, or such as -2h', path: 'the path of a value' };
const TYPES = [['string', 'text'], ['number', 'a number'], ['boolean', 'yes or no']] as const;

function as(type: string, text: string): Plain {
  if (type === 'number') return Number.isFinite(Number(text)) ? Number(text) : 0;
  return type === 'boolean' ? text === 'true' : text;
}

/** One value with its type: a comparison of different types never holds. */
function Value({ value, types, onSet }: { value: Plain; types: readonly (readonly [string, string])[]; onSet: (value: Plain) => void }) {
  const type = typeof value;
  return (
    <>
      {type === 'boolean' ? <Select label="Value" value={String(value)} options={[['true', 'yes'], ['false', 'no']]} onSet={next => onSet(next === 'true')} />
        : type === 'number' ? <Field label="Value"><input type="number" step="any" value={String(value)} onChange={event => onSet(event.target.valueAsNumber || 0)} /></Field>
          : <TextField label="Value" value={value} needed onSet={next => onSet(next ?? '')} />}
      {types.length > 1 && <Select label="Which is" value={type} options={[...types]} onSet={next => onSet(as(next ?? 'string', String(value)))} />}
    </>
  );
}

/** Several values, one a line. What is not finished yet stays here. */
function Values({ values, numbers, onSet }: { values: Plain[]; numbers: boolean; onSet: (values: Plain[]) => void }) {
  const written = values.join('\n');
  const [draft, setDraft] = useState(written);
  const [seen, setSeen] = useState(written);
  // What changed elsewhere shows here, unless it is what was just written here.
  if (written !== seen) {
    setSeen(written);
    setDraft(written);
  }
  function change(next: string) {
    setDraft(next);
    const lines = next.split('\n').map(line => line.trim()).filter(Boolean);
    if (numbers && !lines.every(line => Number.isFinite(Number(line)))) return;
    const read = numbers ? lines.map(Number) : lines;
    setSeen(read.join('\n'));
    onSet(read);
  }
  return <Field label="Values" hint={numbers ? 'numbers, one a line' : 'one a line'}><textarea className="snippet" rows={Math.max(2, Math.min(8, draft.split('\n').length))} value={draft} onChange={event => change(event.target.value)} /></Field>;
}

export function Compared({ of, onSet }: { of: Comparison; onSet: (next: Condition) => void }) {
  const { attributes } = useContext(NamesContext);
  const age = of.kind === 'age';
  const takes = OPERATORS[of.operator]?.takes ?? 'value';
  const operators = Object.entries(OPERATORS).filter(([name]) => !age || OF_AGE.includes(name)).map(([name, { says }]) => [name, says] as const);
  const named = Object.keys(attributes).filter(name => !age || attributes[name] === 'date');
  const first = Array.isArray(of.value) ? of.value[0] : of.value;
  const numbers = age || typeof first === 'number' || (first === undefined && attributes[of.path] === 'number');
  return (
    <>
      <TextField label={age ? 'Years since' : of.kind === 'attribute' ? 'Attribute' : of.kind === 'event' ? 'Property' : 'Value of'} value={of.path} needed list={of.kind === 'attribute' || age ? named : undefined} onSet={path => onSet({ ...of, path: path ?? '' })} />
      <Select label="Comparison" value={of.operator} options={operators} onSet={operator => onSet(compareBy(of, operator ?? 'eq'))} />
      {takes === 'flag' ? <Select label="Value" value={String(of.value)} options={[['true', 'yes'], ['false', 'no']]} onSet={next => onSet({ ...of, value: next === 'true' })} />
        : takes === 'list' ? <Values key={of.operator} values={[of.value].flat()} numbers={numbers} onSet={value => onSet({ ...of, value })} />
          : takes === 'value' ? <Value value={[of.value].flat()[0] ?? ''} types={age ? [] : TYPES} onSet={value => onSet({ ...of, value })} />
            : <TextField label="Value" hint={HINTS[takes]} value={of.value} needed onSet={value => onSet({ ...of, value: value ?? '' })} />}
    </>
  );
}
