// Fields of forms that write parts of a document.
import { useEffect, useId, useState, type ReactNode } from 'react';
import { parse, stringify } from 'yaml';
import { isFields } from '../workflows/document';
import { inWords } from '../workflows/conditions';

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value));

export function Field({ label, hint, children }: { label: string; hint?: string | undefined; children: ReactNode }) {
  return <label className="field"><span>{label} {hint && <span className="hint">{hint}</span>}</span>{children}</label>;
}

export function TextField({ label, hint, value, onSet, list, needed }: { label: string; hint?: string | undefined; value: unknown; onSet: (value: string | undefined) => void; list?: string[] | undefined; needed?: boolean }) {
  const id = useId();
  return (
    <Field label={label} hint={hint}>
      <input value={textOf(value)} list={list ? id : undefined} onChange={event => onSet(event.target.value === '' && !needed ? undefined : event.target.value)} />
      {list && <datalist id={id}>{list.map(one => <option key={one} value={one} />)}</datalist>}
    </Field>
  );
}

export function Select({ label, hint, value, options, onSet, none }: { label: string; hint?: string | undefined; value: unknown; options: (readonly [string, string])[]; onSet: (value: string | undefined) => void; none?: string | undefined }) {
  const own = textOf(value);
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

/** Payloads and the like: as YAML on their own, taken over as soon as they can be read. */
export function Snippet({ label, value, onSet, explain }: { label: string; value: unknown; onSet: (value: unknown) => void; explain?: boolean }) {
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
