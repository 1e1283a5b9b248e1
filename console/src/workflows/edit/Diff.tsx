import { diffLines } from 'diff';

/** What would change, line by line; long stretches that stay are left out. */
export function Diff({ before, after }: { before: string; after: string }) {
  const parts = diffLines(before, after);
  if (!parts.some(part => part.added || part.removed)) return <p className="dim">Nothing differs from the live version.</p>;
  return (
    <div className="diff" tabIndex={0} role="region" aria-label="What would change">
      {parts.map((part, nth) => {
        const lines = part.value.replace(/\n$/, '').split('\n');
        const name = part.added ? 'added' : part.removed ? 'removed' : 'same';
        const shown = name === 'same' && lines.length > 6 ? [...lines.slice(0, nth === 0 ? 0 : 3), `… ${lines.length - 6} lines that stay …`, ...lines.slice(nth === parts.length - 1 ? lines.length : -3)] : lines;
        return <pre key={nth} className={name}>{shown.map(line => `${part.added ? '+' : part.removed ? '−' : ' '} ${line}`).join('\n')}</pre>;
      })}
    </div>
  );
}
