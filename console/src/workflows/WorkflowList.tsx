import { useQuery } from '@tanstack/react-query';
import { api, body, type Schemas } from '../api/client';
import { activity, type Activity } from '../api/report';
import { useMay } from '../app/roles';
import { count, plural } from '../lib/format';
import { to } from '../lib/router';
import { Answer, Badge, Empty, Failure, Title, When } from '../ui/parts';
import { NewWorkflow } from './NewWorkflow';

type Summary = Schemas['WorkflowSummary'];

export async function everyWorkflow(): Promise<Summary[]> {
  const items: Summary[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await body(api().GET('/v1/workflows', { params: { query: { limit: 1000, ...(cursor ? { cursor } : {}) } } }));
    items.push(...page.items);
    if (!page.next) return items;
    cursor = page.next;
  }
}

export const nameOf = ({ id, name }: { id: string; name?: unknown }): string => (typeof name === 'string' && name ? name : id);

/** A workflow as far as whoever looks may know it: viewers are told of its figures, editors of its draft too. */
interface Row { id: string; name: string; workflow: Summary | undefined; activity: Activity | undefined }

function rowsOf(workflows: Summary[] | undefined, activities: Activity[]): Row[] {
  const ids = workflows ? workflows.map(workflow => workflow.id) : activities.map(activity => activity.workflow);
  return ids.map(id => {
    const workflow = workflows?.find(workflow => workflow.id === id);
    return { id, name: workflow ? nameOf(workflow) : id, workflow, activity: activities.find(activity => activity.workflow === id) };
  });
}

function Rows({ rows, loading }: { rows: Row[]; loading: boolean }) {
  const drafts = rows.some(row => row.workflow);
  const told = (n: number | undefined) => (n === undefined ? (loading ? '…' : '–') : count(n));
  return (
    <div className="card scroll" tabIndex={0} role="region" aria-label="Workflows">
      <table>
        <thead>
          <tr><th scope="col">Workflow</th>{drafts && <><th scope="col">State</th><th scope="col" className="num">Version</th></>}<th scope="col" className="num">In it now</th>
            <th scope="col" className="num">Entered, 24 h</th><th scope="col" className="num">Ended, 24 h</th>{drafts && <th scope="col">Changed</th>}</tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, workflow, activity }) => (
            <tr key={id}>
              <th scope="row"><a href={to(['workflows', id])}>{name}</a>{name !== id && <div className="dim small mono">{id}</div>}</th>
              {drafts && <><td>{workflow && <Badge>{workflow.status}</Badge>}</td><td className="num">{workflow?.version ?? '–'}</td></>}
              <td className="num">{told(activity?.live)}</td>
              <td className="num">{told(activity?.entered)}</td>
              <td className="num">{told(activity?.ended)}</td>
              {drafts && <td>{workflow && <When at={workflow.updated_at} />}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function WorkflowList() {
  const editor = useMay('editor');
  const workflows = useQuery({ queryKey: ['workflows'], queryFn: everyWorkflow, enabled: editor });
  const activities = useQuery({ queryKey: ['activity'], queryFn: activity, refetchInterval: 30_000, retry: false });
  const rows = rowsOf(editor ? (workflows.data ?? []) : undefined, activities.data?.items ?? []);
  return (
    <>
      <div className="row spread">
        <div><Title name="Workflows">Workflows</Title>{rows.length > 0 && <p className="dim">{plural(rows.length, 'workflow')}</p>}</div>
        {editor && <NewWorkflow />}
      </div>
      {editor && activities.error !== null && <Failure error={activities.error} again={() => activities.refetch()} />}
      <Answer of={editor ? { ...workflows, data: workflows.data && true } : { ...activities, data: activities.data && true }} what="the workflows">
        {() => rows.length > 0 ? <Rows rows={rows} loading={activities.isPending} /> : (
          <div className="card"><Empty title="No workflow yet"><p>A workflow is one document: what starts it, and what happens then. Write one here, or bring one from Git with <code>carepath publish</code>.</p></Empty></div>
        )}
      </Answer>
    </>
  );
}
