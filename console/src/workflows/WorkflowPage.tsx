import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Suspense, lazy, useMemo } from 'react';
import { api, body } from '../api/client';
import { report, total, type WorkflowReport } from '../api/report';
import { useMay } from '../app/roles';
import { now } from '../lib/clock';
import { count, plural, words } from '../lib/format';
import { amend, to, usePlace } from '../lib/router';
import { Answer, Badge, Empty, Failure, Loading, Title, When } from '../ui/parts';
import { graphOf, isFields } from './document';
import { Funnel } from './Funnel';
import './graph.css';
import { StateActions } from './StateActions';
import { StepPanel } from './StepPanel';
import { StepTable } from './StepTable';

const FlowGraph = lazy(() => import('./FlowGraph').then(m => ({ default: m.FlowGraph })));

const PERIODS = { all: 'since the beginning', day: 'the last 24 hours', week: 'the last 7 days', month: 'the last 30 days', own: 'from … to …' } as const;
type PeriodName = keyof typeof PERIODS;
const DAYS: Partial<Record<PeriodName, number>> = { day: 1, week: 7, month: 30 };
const VIEWS = [['graph', 'Graph'], ['funnel', 'Funnel'], ['table', 'Table']] as const;

function span(name: PeriodName, query: URLSearchParams): { from?: string | undefined; to?: string | undefined } {
  const days = DAYS[name];
  if (days) return { from: new Date(Math.floor(now() / 60_000) * 60_000 - days * 86_400_000).toISOString() };
  if (name !== 'own') return {};
  // A day is the reader's: from its first moment, or to its last.
  const moment = (day: string | null, add: number) => {
    const at = day ? new Date(`${day}T00:00:00`) : undefined;
    if (!at || Number.isNaN(at.getTime())) return undefined;
    at.setDate(at.getDate() + add);
    return at.toISOString();
  };
  return { from: moment(query.get('from'), 0), to: moment(query.get('to'), 1) };
}

function Totals({ report }: { report: WorkflowReport }) {
  const { totals, steps } = report;
  const sent = steps.reduce((sum, step) => sum + step.sent, 0);
  const unknown = steps.reduce((sum, step) => sum + step.unknown, 0);
  const opened = steps.reduce((sum, step) => sum + step.opened.human, 0);
  const bounced = steps.reduce((sum, step) => sum + step.bounced + step.complained, 0);
  const figures: [string, number][] = [['entered', totals.entered], ['in it now', totals.active], ['ended', total(totals.ended)], ['mails sent', sent], ['opened by people', opened]];
  if (totals.goal > 0) figures.push(['reached the goal', totals.goal]);
  if (bounced > 0) figures.push(['bounced or complained', bounced]);
  if (unknown > 0) figures.push(['sends unknown', unknown]);
  return (
    <ul className="plain figures" aria-label="Totals">
      {figures.map(([name, n]) => <li className="figure" key={name}><b>{count(n)}</b><span>{name}</span></li>)}
    </ul>
  );
}

function Ends({ report }: { report: WorkflowReport }) {
  const ends = Object.entries(report.totals.ended).sort((a, b) => b[1] - a[1]);
  if (ends.length === 0) return null;
  return <p className="dim small">Ended: {ends.map(([reason, n]) => `${count(n)} ${words(reason)}`).join(', ')}. As of <When at={report.as_of} plain />.</p>;
}

function Controls({ versions, version, period }: { versions: number[]; version: number; period: PeriodName }) {
  const { query } = usePlace();
  return (
    <div className="row end" role="group" aria-label="What the figures are of">
      <label className="field"><span>Version</span>
        <select value={version} onChange={event => amend({ version: event.target.value, step: undefined })}>
          {versions.map(number => <option key={number} value={number}>{`Version ${number}`}</option>)}
        </select>
      </label>
      <label className="field"><span>Period</span>
        <select value={period} onChange={event => amend({ period: event.target.value })}>
          {Object.entries(PERIODS).map(([name, text]) => <option key={name} value={name}>{text}</option>)}
        </select>
      </label>
      {period === 'own' && (
        <>
          <label className="field"><span>From</span><input type="date" value={query.get('from') ?? ''} onChange={event => amend({ from: event.target.value })} /></label>
          <label className="field"><span>To</span><input type="date" value={query.get('to') ?? ''} onChange={event => amend({ to: event.target.value })} /></label>
        </>
      )}
    </div>
  );
}

function Version({ id, versions, number }: { id: string; versions: number[]; number: number }) {
  const { query, parts } = usePlace();
  const chosen = (query.get('period') ?? 'all') as PeriodName;
  const period = chosen in PERIODS ? chosen : 'all';
  const { from, to: until } = span(period, query);
  const view = query.get('view') ?? 'graph';
  const step = query.get('step') ?? undefined;
  const frozen = useQuery({
    queryKey: ['version', id, number], staleTime: Infinity,
    queryFn: () => body(api().GET('/v1/workflows/{id}/versions/{n}', { params: { path: { id, n: String(number) } } })),
  });
  const figures = useQuery({
    queryKey: ['report', id, number, from, until], queryFn: () => report(id, { version: number, from, to: until }), placeholderData: keepPreviousData, refetchInterval: 30_000,
  });
  const graph = useMemo(() => graphOf(frozen.data?.document), [frozen.data]);
  const steps = useMemo(() => figures.data && new Map(figures.data.steps.map(figures => [figures.id, figures])), [figures.data]);
  const select = (chosen: string) => amend({ step: chosen === step ? undefined : chosen });
  const here = (name: string) => to(parts, { ...Object.fromEntries(query), view: name });
  return (
    <>
      <Controls versions={versions} version={number} period={period} />
      {figures.error !== null && <Failure error={figures.error} again={() => figures.refetch()} />}
      {figures.data && <><Totals report={figures.data} /><Ends report={figures.data} /></>}
      <nav className="tabs" aria-label="Ways to look at it">
        {VIEWS.map(([name, text]) => <a key={name} href={here(name)} aria-current={view === name ? 'page' : undefined}>{text}</a>)}
      </nav>
      <Answer of={frozen} what="the version">
        {() => (
          <div className={`workflow-view ${step !== undefined ? 'with-panel' : ''}`}>
            <div className="card">
              {view === 'funnel' || view === 'table'
                ? (figures.data
                  ? (view === 'funnel' ? <Funnel report={figures.data} onSelect={select} /> : <StepTable report={figures.data} onSelect={select} />)
                  : figures.isPending ? <Loading what="the report" /> : <Empty title="There are no figures to show"><p>The graph shows what the workflow does.</p></Empty>)
                : <Suspense fallback={<Loading what="the graph" />}><FlowGraph graph={graph} figures={steps} selected={step} onSelect={select} /></Suspense>}
            </div>
            {step !== undefined && <StepPanel key={step} workflow={id} version={number} step={graph.steps.find(own => own.id === step)} figures={steps?.get(step)} ways={graph.ways} onClose={() => amend({ step: undefined, state: undefined })} />}
          </div>
        )}
      </Answer>
    </>
  );
}

export function WorkflowPage({ id }: { id: string }) {
  const { query } = usePlace();
  const editor = useMay('editor');
  const workflow = useQuery({ queryKey: ['workflow', id], queryFn: () => body(api().GET('/v1/workflows/{id}', { params: { path: { id } } })), enabled: editor });
  const versions = useQuery({ queryKey: ['versions', id], queryFn: () => body(api().GET('/v1/workflows/{id}/versions', { params: { path: { id } } })) });
  const draft = isFields(workflow.data?.draft) ? workflow.data.draft : undefined;
  const name = typeof draft?.name === 'string' ? draft.name : id;
  return (
    <>
      <div className="row spread">
        <div className="stack tight">
          <p className="small"><a href="#/workflows">Workflows</a></p>
          <div className="row"><Title name={name}>{name}</Title>{workflow.data && <Badge>{workflow.data.status}</Badge>}</div>
          <p className="dim small"><span className="mono">{id}</span>{draft && typeof draft.class === 'string' ? ` · ${draft.class}` : ''}</p>
        </div>
        {editor && (
          <div className="row">
            {workflow.data && <StateActions workflow={workflow.data} />}
            <a className="button primary" href={to(['workflows', id, 'edit'])}>Edit</a>
          </div>
        )}
      </div>
      <Answer of={versions} what="the workflow">
        {({ items }) => {
          const numbers = items.map(item => item.version).sort((a, b) => b - a);
          const wanted = Number(query.get('version'));
          const number = numbers.includes(wanted) ? wanted : numbers[0];
          if (number === undefined) {
            return (
              <div className="card"><Empty title="Not published yet">
                <p>This workflow is a draft: nobody can enter it, so there are no figures.</p>
                {editor && <p><a className="button" href={to(['workflows', id, 'edit'])}>Go on with the draft</a></p>}
              </Empty></div>
            );
          }
          return <><p className="visually-hidden">{plural(numbers.length, 'version')}</p><Version id={id} versions={numbers} number={number} /></>;
        }}
      </Answer>
    </>
  );
}
