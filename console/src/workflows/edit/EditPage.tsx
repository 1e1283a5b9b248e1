// Editing a draft: the graph, a form for the chosen step, and the document itself, which is the truth that the others show.
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Suspense, lazy, useEffect, useMemo, useState } from 'react';
import { api, body, revised, type Schemas } from '../../api/client';
import { NamesContext, useNames } from '../../conditions/names';
import { plural, words } from '../../lib/format';
import { to } from '../../lib/router';
import { Answer, Badge, Choice, Dialog, Empty, Failure, Loading, Title, say } from '../../ui/parts';
import { END, ENTRY, KINDS, graphOf, isFields, type Kind } from '../document';
import { StateActions } from '../StateActions';
import type { Mark } from './CodeEditor';
import './edit.css';
import { Migrate, Publish } from './Publish';
import { EntryForm } from './EntryForm';
import { addStep, connect, freshName, lineOf, rangeOf, read, removeStep, set, write, type Source } from './source';
import { StepForm } from './StepForm';

const FlowGraph = lazy(() => import('../FlowGraph').then(m => ({ default: m.FlowGraph })));
const CodeEditor = lazy(() => import('./CodeEditor').then(m => ({ default: m.CodeEditor })));

type Finding = Schemas['Finding'];
const SIDES = [['both', 'Both'], ['graph', 'Graph'], ['text', 'Text']] as const;
type Side = (typeof SIDES)[number][0];

/** The same, once it has not changed for so long. */
function useCalm<T>(value: T, milliseconds: number): T {
  const [calm, setCalm] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setCalm(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return calm;
}

function useFindings(id: string, source: Source): { findings: Finding[]; error: unknown; settled: boolean } {
  const calm = useCalm(source, 400);
  const check = useQuery({
    queryKey: ['check', id, calm.text], enabled: calm.document !== undefined, placeholderData: keepPreviousData, gcTime: 10_000,
    queryFn: () => body(api().POST('/v1/workflows/{id}/check', { params: { path: { id } }, body: calm.document as never })),
  });
  const unreadable = source.faults.map(({ message }): Finding => ({ rule: 'YAML', severity: 'error', pointer: '', message }));
  return {
    findings: unreadable.length > 0 ? unreadable : (check.data?.findings ?? []), error: check.error,
    settled: calm.text === source.text && !check.isFetching,
  };
}

/** The step that a finding is about: as it says, or as its pointer has it. */
function stepOf(finding: Finding): string {
  const [, section, id] = finding.pointer.split('/');
  return finding.step ?? (section === 'steps' && id ? id.replaceAll('~1', '/').replaceAll('~0', '~') : section === 'entry' || section === 'start' ? ENTRY : '');
}

function Findings({ findings, source, onShow }: { findings: Finding[]; source: Source; onShow: (finding: Finding) => void }) {
  const order = { error: 0, warning: 1, info: 2 };
  const sorted = [...findings].sort((a, b) => order[a.severity] - order[b.severity]);
  const counted = (severity: Finding['severity']) => findings.filter(finding => finding.severity === severity).length;
  return (
    <section className="card" aria-labelledby="findings">
      <header><h2 id="findings">Check</h2><span className="row" role="status"><Badge tone={counted('error') > 0 ? 'bad' : 'good'}>{counted('error') > 0 ? plural(counted('error'), 'error') : 'may be published'}</Badge>{counted('warning') > 0 && <Badge tone="warn">{plural(counted('warning'), 'warning')}</Badge>}</span></header>
      <ul className="plain findings">
        {sorted.map((finding, nth) => (
          <li key={nth}>
            <Badge tone={finding.severity === 'error' ? 'bad' : finding.severity === 'warning' ? 'warn' : 'info'}>{finding.rule}</Badge>
            <span className="grow break">{finding.message}</span>
            <button type="button" className="button quiet small" onClick={() => onShow(finding)}>{`line ${finding.rule === 'YAML' ? source.lines.linePos(source.faults[0]?.from ?? 0).line : lineOf(source, finding.pointer)}`}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function NewStep({ source, after, onAdd }: { source: Source; after: string | undefined; onAdd: (text: string, name: string) => void }) {
  const [open, setOpen] = useState(false);
  const [kind, setKind] = useState<Kind>('send');
  const [name, setName] = useState('');
  const fresh = freshName(source.document, kind);
  return (
    <>
      <button type="button" className="button" disabled={!source.document} onClick={() => setOpen(true)}>{after ? `Add a step after ${after}` : 'Add a step'}</button>
      {open && (
        <Dialog title="Add a step" onClose={() => setOpen(false)}>
          <form className="stack" onSubmit={event => { event.preventDefault(); const own = name || fresh; onAdd(addStep(source, kind, own, after), own); setName(''); setOpen(false); }}>
            <label className="field"><span>Kind</span><select value={kind} onChange={event => setKind(event.target.value as Kind)}>{KINDS.map(kind => <option key={kind} value={kind}>{words(kind)}</option>)}</select></label>
            <label className="field"><span>Name</span><input pattern="[a-z][a-z0-9_]{0,62}" placeholder={fresh} value={name} onChange={event => setName(event.target.value)} /></label>
            <p className="dim small">{after ? `It comes between ${after} and what follows there, where there is one way on.` : 'It stands by itself until a way leads to it.'}</p>
            <div className="actions"><button type="button" className="button" onClick={() => setOpen(false)}>Cancel</button><button className="button primary">Add</button></div>
          </form>
        </Dialog>
      )}
    </>
  );
}

function Editor({ workflow, tag, onSaved }: { workflow: Schemas['Workflow']; tag: string | null; onSaved: () => Promise<unknown> }) {
  const { id, version } = workflow;
  const stored = useMemo(() => write(workflow.draft), [workflow.draft]);
  const [text, setText] = useState(stored);
  const [revision, setRevision] = useState(tag);
  const [saved, setSaved] = useState(stored);
  const [selected, setSelected] = useState<string>();
  const [side, setSide] = useState<Side>('both');
  const [reveal, setReveal] = useState<{ at: number }>();
  const [dialog, setDialog] = useState<'publish' | 'migrate'>();
  const [fault, setFault] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const source = useMemo(() => read(text), [text]);
  // While the text cannot be read, the graph shows what could be read last.
  const [readable, setReadable] = useState(source);
  if (source.document && source !== readable) setReadable(source);
  const graph = useMemo(() => graphOf(readable.document), [readable]);
  const { findings, error, settled } = useFindings(id, source);
  const byStep = useMemo(() => {
    const map = new Map<string, Finding[]>();
    for (const finding of findings) map.set(stepOf(finding), [...(map.get(stepOf(finding)) ?? []), finding]);
    return map;
  }, [findings]);
  const marks = useMemo(() => findings.map(({ rule, severity, pointer, message }): Mark => ({ ...(rule === 'YAML' && source.faults[0] ? source.faults[0] : rangeOf(source, pointer)), severity, message: `${rule}: ${message}` })), [findings, source]);
  const templates = useQuery({ queryKey: ['templates'], queryFn: () => body(api().GET('/v1/templates', { params: { query: { limit: 1000 } } })) });
  const names = useNames(readable.document);
  const live = useQuery({
    queryKey: ['version', id, version], enabled: version !== null, staleTime: Infinity,
    queryFn: () => body(api().GET('/v1/workflows/{id}/versions/{n}', { params: { path: { id, n: String(version) } } })),
  });
  const changed = text !== saved;
  useEffect(() => {
    if (!changed) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [changed]);

  async function save(): Promise<string | null> {
    const { value, tag: next } = await revised(api().PUT('/v1/workflows/{id}', { params: { path: { id }, ...(revision ? { header: { 'If-Match': revision } } : {}) }, body: source.document as never }));
    setRevision(next);
    setSaved(text);
    return value.id ? next : null;
  }
  async function saveOnly() {
    setBusy(true);
    setFault(undefined);
    try {
      await save();
      say('The draft is saved. Nobody is concerned by it until it is published.');
    } catch (caught) {
      setFault(caught);
    } finally {
      setBusy(false);
    }
  }
  async function publish() {
    const held = changed ? await save() : revision;
    return body(api().POST('/v1/workflows/{id}/publish', { params: { path: { id }, ...(held ? { header: { 'If-Match': held } } : {}) } }));
  }
  function show(finding: Finding) {
    setReveal({ at: finding.rule === 'YAML' ? (source.faults[0]?.from ?? 0) : rangeOf(source, finding.pointer).from });
    if (side === 'graph') setSide('both');
    const step = stepOf(finding);
    if (step) setSelected(step);
  }
  const step = selected !== undefined && isFields(readable.document?.steps) ? readable.document.steps[selected] : undefined;
  return (
    <>
      <div className="row spread">
        <Choice label="What is shown" value={side} options={SIDES} onChoose={setSide} />
        <div className="row">
          <NewStep source={source} after={selected === END ? undefined : selected} onAdd={(text, name) => { setText(text); setSelected(name); }} />
          <button type="button" className="button" disabled={!changed || !source.document || busy} onClick={() => void saveOnly()}>{busy ? 'Saving…' : changed ? 'Save the draft' : 'Saved'}</button>
          <StateActions workflow={workflow} />
          {version !== null && <button type="button" className="button" onClick={() => setDialog('migrate')}>Move live runs…</button>}
          <button type="button" className="button primary" disabled={!source.document || !settled} onClick={() => setDialog('publish')}>Publish…</button>
        </div>
      </div>
      {fault !== undefined && <Failure error={fault} />}
      {error !== null && error !== undefined && <Failure error={error} />}
      <div className={`edit-view ${side}`}>
        {side !== 'text' && (
          <div className="stack">
            <div className="card"><Suspense fallback={<Loading what="the graph" />}>
              <FlowGraph graph={graph} findings={byStep} selected={selected} onSelect={id => setSelected(id === selected ? undefined : id)} onConnect={(from, target) => setText(connect(source, from, target))} />
            </Suspense></div>
            <NamesContext value={names}>
              {isFields(step) && selected !== undefined && (
                <section className="card" aria-labelledby="step-form">
                  <header><h2 id="step-form">{selected}</h2>
                    <span className="row"><button type="button" className="button small" onClick={() => setReveal({ at: rangeOf(source, `/steps/${selected}`).from })}>Show in the text</button>
                      <button type="button" className="button small danger" onClick={() => { setText(removeStep(source, selected, graph.ways)); setSelected(undefined); }}>Remove</button></span></header>
                  <div className="inner">
                    <StepForm
                      key={selected} id={selected} step={step} others={graph.steps.map(step => step.id).filter(id => id !== selected && id !== ENTRY && id !== END)} findings={byStep.get(selected) ?? []}
                      templates={(templates.data?.items ?? []).map(one => one.id ?? '')} segments={names.segments}
                      onSet={(path, value) => setText(set(source, ['steps', selected, ...path], value))}
                    />
                  </div>
                </section>
              )}
              {selected === ENTRY && isFields(readable.document) && (
                <section className="card" aria-labelledby="entry-form">
                  <header><h2 id="entry-form">What starts a run</h2><button type="button" className="button small" onClick={() => setReveal({ at: rangeOf(source, '/entry').from })}>Show in the text</button></header>
                  <div className="inner"><EntryForm entry={readable.document.entry} findings={byStep.get(ENTRY) ?? []} onSet={(path, value) => setText(set(source, ['entry', ...path], value))} /></div>
                </section>
              )}
            </NamesContext>
          </div>
        )}
        <div className="stack">
          {side !== 'graph' && (
            <div className="card code-card"><Suspense fallback={<Loading what="the editor" />}>
              <CodeEditor text={text} onChange={setText} marks={marks} steps={graph.steps.map(step => step.id).filter(id => id !== ENTRY && id !== END)} reveal={reveal} />
            </Suspense></div>
          )}
          <Findings findings={findings} source={source} onShow={show} />
        </div>
      </div>
      {dialog === 'publish' && (
        <Publish id={id} version={version} before={live.data ? write(live.data.document) : ''} after={write(source.document)} findings={findings} publish={publish} onClose={done => { setDialog(undefined); if (done) void onSaved(); }} />
      )}
      {dialog === 'migrate' && <Migrate id={id} onClose={() => setDialog(undefined)} />}
    </>
  );
}

export function EditPage({ id }: { id: string }) {
  const questions = useQueryClient();
  const workflow = useQuery({ queryKey: ['draft', id], queryFn: () => revised(api().GET('/v1/workflows/{id}', { params: { path: { id } } })), refetchOnWindowFocus: false, gcTime: 0 });
  const name = workflow.data && isFields(workflow.data.value.draft) ? workflow.data.value.draft.name : undefined;
  return (
    <>
      <div className="stack tight">
        <p className="small"><a href="#/workflows">Workflows</a> · <a href={to(['workflows', id])}>{typeof name === 'string' ? name : id}</a></p>
        <div className="row"><Title name={`Edit ${id}`}>Edit {typeof name === 'string' ? name : id}</Title>{workflow.data && <Badge>{workflow.data.value.status}</Badge>}</div>
      </div>
      <Answer of={workflow} what="the draft">
        {({ value, tag }) => isFields(value.draft)
          ? <Editor key={value.version} workflow={value} tag={tag} onSaved={() => questions.invalidateQueries()} />
          : <div className="card"><Empty title="There is no draft" /></div>}
      </Answer>
    </>
  );
}
