// The same figures as a table, and as a file.
import { lost, total, type StepFigures, type WorkflowReport } from '../api/report';
import { csv, save } from '../lib/csv';
import { count, words } from '../lib/format';

const COLUMNS: readonly (readonly [string, (step: StepFigures) => number])[] = [
  ['entered', step => step.entered],
  ['waiting', step => step.waiting],
  ['moved on', step => step.moved_on],
  ['ended', step => total(step.ended)],
  ['left early', lost],
  ['sent', step => step.sent],
  ['skipped', step => total(step.skipped)],
  ['delivered', step => step.delivered],
  ['opened', step => step.opened.human],
  ['opened by machines', step => step.opened.machine],
  ['clicked', step => step.clicked.human],
  ['clicked by machines', step => step.clicked.machine],
  ['bounced', step => step.bounced],
  ['complained', step => step.complained],
  ['unsubscribed', step => step.unsubscribed],
  ['unknown', step => step.unknown],
];

/** The report as a file: one row a step. */
export function reportCsv(report: WorkflowReport): string {
  const rows = report.steps.map(step => [step.id, step.kind, ...COLUMNS.map(([, of]) => of(step))]);
  return csv(['step', 'kind', ...COLUMNS.map(([name]) => name.replaceAll(' ', '_'))], rows);
}

export function StepTable({ report, onSelect }: { report: WorkflowReport; onSelect: (step: string) => void }) {
  const name = `${report.workflow}-v${report.version ?? 'all'}-${report.as_of.slice(0, 10)}.csv`;
  return (
    <>
      <header className="row spread inner"><h2>Figures of each step</h2><button type="button" className="button small" onClick={() => save(name, reportCsv(report))}>Save as CSV</button></header>
      <div className="scroll" tabIndex={0} role="region" aria-label="Figures of each step">
        <table>
          <thead><tr><th scope="col">Step</th>{COLUMNS.map(([name]) => <th key={name} scope="col" className="num">{name}</th>)}</tr></thead>
          <tbody>
            {report.steps.map(step => (
              <tr key={step.id}>
                <th scope="row"><button type="button" className="button quiet small" onClick={() => onSelect(step.id)}>{step.id}</button><div className="dim small">{step.kind === step.id ? '' : words(step.kind)}</div></th>
                {COLUMNS.map(([name, of]) => <td key={name} className={`num ${of(step) === 0 ? 'dim' : ''}`}>{count(of(step))}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
