// A template beside what it looks like for somebody, on a phone and on a desktop.
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { api, body, revised, type Schemas } from '../api/client';
import { Answer, Choice, Failure, Loading, Title, say } from '../ui/parts';
import { MailFrame } from '../ui/MailFrame';
import './template.css';

type Template = Schemas['Template'];

const WIDTHS = [['both', 'Both'], ['wide', 'Desktop'], ['phone', 'Phone'], ['text', 'Text']] as const;
type Width = (typeof WIDTHS)[number][0];

function sample(text: string): Record<string, unknown> | undefined {
  try {
    const read: unknown = JSON.parse(text || '{}');
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Values for what a template asks for, so that it has something to show: dates where a name sounds like one. */
export function madeUp(template: Template, of: string): string {
  const source = [template.subject, template.preheader, template.mjml, template.html, template.text].join('\n');
  const names = [...source.matchAll(new RegExp(`\\b${of.replace('.', '\\.')}\\.([a-z_][a-z0-9_]*)`, 'g'))].map(([, name = '']) => name);
  const value = (name: string) => (/_at$|^at$/.test(name) ? '2027-03-04T10:30:00' : /date/.test(name) ? '2027-03-04' : name === 'first_name' ? 'Ada' : name.replaceAll('_', ' '));
  return JSON.stringify(Object.fromEntries(names.map(name => [name, value(name)])));
}

/** The preview is of the stored template: what is not saved yet is not in it, and the page says so. */
function Preview({ id, tag, stored }: { id: string; tag: string | null; stored: Template }) {
  const [contact, setContact] = useState('');
  const [attributes, setAttributes] = useState(() => madeUp(stored, 'contact.attributes'));
  const [entry, setEntry] = useState(() => madeUp(stored, 'entry'));
  const [width, setWidth] = useState<Width>('both');
  const wanted = useDeferredValue(contact.trim());
  const [made, started] = [sample(attributes), sample(entry)];
  const preview = useQuery({
    queryKey: ['preview', id, tag, wanted, made, started], gcTime: 0, enabled: made !== undefined && started !== undefined, retry: false, placeholderData: keepPreviousData,
    queryFn: () => body(api().POST('/v1/templates/{id}/preview', { params: { path: { id } }, body: { ...(wanted ? { contact: wanted } : { attributes: made ?? {} }), entry: started ?? {} } })),
  });
  return (
    <section className="card" aria-labelledby="preview">
      <header><h2 id="preview">Preview</h2><Choice label="Width" value={width} options={WIDTHS} onChoose={setWidth} /></header>
      <div className="inner stack">
        <div className="row end">
          <label className="field grow"><span>For the contact <span className="hint">an id; looking is written to the audit log</span></span><input value={contact} spellCheck={false} autoComplete="off" onChange={event => setContact(event.target.value)} /></label>
          {!wanted && <label className="field grow"><span>… or for made-up attributes</span><input className="mono" value={attributes} spellCheck={false} aria-invalid={made === undefined} onChange={event => setAttributes(event.target.value)} /></label>}
          <label className="field grow"><span>What started the run</span><input className="mono" value={entry} spellCheck={false} aria-invalid={started === undefined} onChange={event => setEntry(event.target.value)} /></label>
        </div>
        {(made === undefined || started === undefined) && <p className="small" role="alert">Write a JSON object, such as {'{ "first_name": "Ada" }'}.</p>}
        {preview.error !== null && <Failure error={preview.error} />}
        {preview.isPending && preview.fetchStatus === 'fetching' && <Loading what="the preview" />}
        {preview.data && !preview.error && (
          <>
            <p><span className="dim">Subject</span> <b>{preview.data.subject}</b></p>
            <div className={`previews ${width}`}>
              {width !== 'phone' && width !== 'text' && <figure><MailFrame html={preview.data.html} title="Preview at desktop width" width={width === 'both' ? undefined : 720} /><figcaption className="dim small">Desktop</figcaption></figure>}
              {width !== 'wide' && width !== 'text' && <figure><MailFrame html={preview.data.html} title="Preview at phone width" width={375} /><figcaption className="dim small">Phone, 375 wide</figcaption></figure>}
              {width === 'text' && <pre>{preview.data.text}</pre>}
            </div>
            {preview.data.links.length > 0 && <dl className="facts small">{preview.data.links.map(({ name, url }) => [<dt key={name}>Link “{name}”</dt>, <dd key={`${name} url`} className="mono">{url}</dd>])}</dl>}
          </>
        )}
      </div>
    </section>
  );
}

function Editor({ id, stored, tag }: { id: string; stored: Template; tag: string | null }) {
  const questions = useQueryClient();
  const [edited, setEdited] = useState<Template>(stored);
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const changed = JSON.stringify(edited) !== JSON.stringify(stored);
  const part = edited.mjml !== undefined ? 'mjml' : 'html';
  const set = (name: keyof Template, value: string) => setEdited(before => {
    const next: Record<string, unknown> = { ...before, [name]: value };
    // What is empty is left out; `text` is then derived from the body.
    if (value === '' && (name === 'preheader' || name === 'text')) Reflect.deleteProperty(next, name);
    return next as unknown as Template;
  });
  async function save() {
    setBusy(true);
    setFault(undefined);
    try {
      await body(api().PUT('/v1/templates/{id}', { params: { path: { id }, ...(tag ? { header: { 'If-Match': tag } } : {}) }, body: edited }));
      await questions.invalidateQueries({ queryKey: ['template', id] });
      say('Saved. Workflows that are published keep the text that they were published with.');
    } catch (caught) {
      setFault(caught);
    } finally {
      setBusy(false);
    }
  }
  return (
    <section className="card" aria-labelledby="source">
      <header><div><h2 id="source">Text</h2>{changed && <p className="dim small" role="status">The preview shows it once it is saved.</p>}</div><button type="button" className="button primary small" disabled={!changed || busy} onClick={() => void save()}>{busy ? 'Saving…' : changed ? 'Save' : 'Saved'}</button></header>
      <div className="inner stack">
        {fault !== undefined && <Failure error={fault} />}
        <label className="field"><span>Subject</span><input value={edited.subject} onChange={event => set('subject', event.target.value)} /></label>
        <label className="field"><span>Preheader <span className="hint">what inboxes show after the subject</span></span><input value={edited.preheader ?? ''} onChange={event => set('preheader', event.target.value)} /></label>
        <label className="field"><span>{part === 'mjml' ? 'MJML' : 'HTML'}</span><textarea className="mono source" spellCheck={false} value={edited[part] ?? ''} onChange={event => set(part, event.target.value)} /></label>
        <label className="field"><span>Plain text <span className="hint">derived from the above where it is empty</span></span><textarea className="mono" spellCheck={false} value={edited.text ?? ''} onChange={event => set('text', event.target.value)} /></label>
      </div>
    </section>
  );
}

export function TemplatePage({ id }: { id: string }) {
  const template = useQuery({ queryKey: ['template', id], queryFn: () => revised(api().GET('/v1/templates/{id}', { params: { path: { id } } })), refetchOnWindowFocus: false });
  return (
    <>
      <div className="stack tight"><p className="small"><a href="#/templates">Templates</a></p><Title name={`Template ${id}`}>{id}</Title></div>
      <Answer of={template} what="the template">
        {({ value, tag }) => <div className="template-page"><Editor key={tag} id={id} stored={value} tag={tag} /><Preview id={id} tag={tag} stored={value} /></div>}
      </Answer>
    </>
  );
}
