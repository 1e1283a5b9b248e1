// The same figures as bars: how many came to each step, and where they left.
import { dropsOff, lost, type WorkflowReport } from '../api/report';
import { count, share, words } from '../lib/format';
import { Badge } from '../ui/parts';

export function Funnel({ report, onSelect }: { report: WorkflowReport; onSelect: (step: string) => void }) {
  const most = Math.max(1, ...report.steps.map(step => step.entered));
  const width = (n: number) => ({ width: `${(100 * n) / most}%` });
  return (
    <div className="inner stack">
      <p className="legend" aria-hidden="true"><span><i className="on" />went on or came through</span><span><i className="here" />here now</span><span><i className="left" />left here</span></p>
      <ol className="plain funnel" aria-label="Steps, in the order of the document">
        {report.steps.map(step => {
          const left = lost(step);
          return (
            <li key={step.id}>
              <span className="break"><button type="button" className="button quiet small" onClick={() => onSelect(step.id)}>{step.id}</button> <span className="dim small">{step.kind === step.id ? '' : words(step.kind)}</span></span>
              <span className="bar" aria-hidden="true">
                <i className="on" style={width(step.entered - step.waiting - left)} /><i className="here" style={width(step.waiting)} /><i className="left" style={width(left)} />
              </span>
              <span className="row">
                <span><b>{count(step.entered)}</b> <span className="dim">{share(step.entered, report.totals.entered)}</span></span>
                {step.waiting > 0 && <Badge tone="info">{`${count(step.waiting)} here`}</Badge>}
                {left > 0 && <Badge tone={dropsOff(step) ? 'bad' : ''}>{`${count(left)} left, ${share(left, step.entered)}`}</Badge>}
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
