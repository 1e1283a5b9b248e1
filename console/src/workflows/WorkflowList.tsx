import { useQueries, useQuery } from '@tanstack/react-query';
import { api, body, type Schemas } from '../api/client';
import { report } from '../api/report';
import { useMay } from '../app/roles';
import { now } from '../lib/clock';
import { count, plural } from '../lib/format';
import { to } from '../lib/router';
import { Answer, Badge, Empty, Title, When } from '../ui/parts';
import { NewWorkflow } from './NewWorkflow';

type Summary = Schemas['WorkflowSummary'];

const DAY = 24 * 3_600_000;

/** The figures of the last 24 hours, to the minute, so that asking again within it asks the same. */
export const dayAgo = (): string => new Date(Math.floor((now() - DAY) / 60_000) * 60_000).toISOString();

async function everyWorkflow(): Promise<Summary[]> {
  const items: Summary[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await body(api().GET('/v1/workflows', { params: { query: { limit: 1000, ...(cursor ? { cursor } : {}) } } }));
    items.push(...page.items);
    if (!page.next) return items;
    cursor = page.next;
  }
}

export const nameOf = ({ id, name }: { id: string; name?: unknown }): string => (typeof name === 'string' && name ? name : id);

function Rows({ workflows }: { workflows: Summary[] }) {
  const from = dayAgo();
  const figures = useQueries({
    queries: workflows.map(({ id, version }) => ({
      queryKey: ['report', id, 'day', from], queryFn: () => report(id, { from }), enabled: version !== null, retry: false,
    })),
  });
  return (
    <div className="card scroll" tabIndex={0} role="region" aria-label="Workflows">
      <table>
        <thead>
          <tr><th scope="col">Workflow</th><th scope="col">State</th><th scope="col" className="num">Version</th><th scope="col" className="num">In it now</th>
            <th scope="col" className="num">Entered, 24 h</th><th scope="col" className="num">Sent, 24 h</th><th scope="col">Changed</th></tr>
        </thead>
        <tbody>
          {workflows.map((workflow, nth) => {
            const day = figures[nth]?.data;
            const told = (value: (day: NonNullable<typeof figures[number]['data']>) => number) => (day ? count(value(day)) : figures[nth]?.isLoading ? '…' : '–');
            return (
              <tr key={workflow.id}>
                <th scope="row"><a href={to(['workflows', workflow.id])}>{nameOf(workflow)}</a><div className="dim small mono">{workflow.id}</div></th>
                <td><Badge>{workflow.status}</Badge></td>
                <td className="num">{workflow.version ?? '–'}</td>
                <td className="num">{told(day => day.totals.active)}</td>
                <td className="num">{told(day => day.totals.entered)}</td>
                <td className="num">{told(day => day.steps.reduce((sum, step) => sum + step.sent, 0))}</td>
                <td><When at={workflow.updated_at} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function WorkflowList() {
  const workflows = useQuery({ queryKey: ['workflows'], queryFn: everyWorkflow });
  const editor = useMay('editor');
  return (
    <>
      <div className="row spread">
        <div><Title name="Workflows">Workflows</Title>{workflows.data && <p className="dim">{plural(workflows.data.length, 'workflow')}</p>}</div>
        {editor && <NewWorkflow />}
      </div>
      <Answer of={workflows} what="the workflows">
        {list => list.length > 0 ? <Rows workflows={list} /> : (
          <div className="card"><Empty title="No workflow yet"><p>A workflow is one document: what starts it, and what happens then. Write one here, or bring one from Git with <code>carepath publish</code>.</p></Empty></div>
        )}
      </Answer>
    </>
  );
}
