// Where the steps stand: top to bottom, in layers, with as few crossings as there may be.
import dagre, { type EdgeLabel, type GraphLabel, type NodeLabel } from '@dagrejs/dagre';
import type { Graph } from './document';

export interface Box { id: string; x: number; y: number; width: number; height: number }
export interface Line { from: string; to: string; labels: string[]; fault: boolean; points: { x: number; y: number }[]; at: { x: number; y: number } }
export interface Layout { boxes: Box[]; lines: Line[]; width: number; height: number }

export const WIDTH = 232;
const LABEL = 150;

export interface Sizes { height: (kind: string) => number }

/** Ways between the same two steps are one line: nobody counts them apart. */
export function layOut({ steps, ways }: Graph, sizes: Sizes): Layout {
  const graph = new dagre.graphlib.Graph<GraphLabel, NodeLabel, EdgeLabel>({ multigraph: false });
  graph.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 48, edgesep: 18, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(steps.map(step => step.id));
  for (const { id, kind } of steps) graph.setNode(id, { width: WIDTH, height: sizes.height(kind) });
  const lines = new Map<string, Line>();
  for (const { from, to, label, fault } of ways) {
    // A way to a step that is not there yet is a finding of the check, and no line.
    if (!known.has(from) || !known.has(to)) continue;
    const key = JSON.stringify([from, to]);
    const line = lines.get(key);
    if (!line) {
      lines.set(key, { from, to, labels: label ? [label] : [], fault: fault ?? false, points: [], at: { x: 0, y: 0 } });
      graph.setEdge(from, to, { width: label ? LABEL : 1, height: label ? 30 : 1, labelpos: 'c', weight: fault ? 1 : 4 });
    } else {
      if (label) line.labels.push(label);
      line.fault &&= fault ?? false;
    }
  }
  dagre.layout(graph);
  const boxes = steps.map(({ id, kind }) => {
    const { x = 0, y = 0 } = graph.node(id);
    const height = sizes.height(kind);
    return { id, x: x - WIDTH / 2, y: y - height / 2, width: WIDTH, height };
  });
  for (const line of lines.values()) {
    const found = graph.edge(line.from, line.to);
    line.points = found.points ?? [];
    line.at = { x: found.x ?? line.points[0]?.x ?? 0, y: found.y ?? line.points[0]?.y ?? 0 };
  }
  const { width = 0, height = 0 } = graph.graph();
  return { boxes, lines: [...lines.values()], width, height };
}

/** A line along points, rounded at its corners. */
export function path(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const last = rest.at(-1);
  if (!last) return '';
  let d = `M${first.x},${first.y}`;
  for (let nth = 0; nth < rest.length - 1; nth += 1) {
    const corner = rest[nth];
    const next = rest[nth + 1];
    if (!corner || !next) continue;
    const end = nth === rest.length - 2 ? next : { x: (corner.x + next.x) / 2, y: (corner.y + next.y) / 2 };
    d += ` Q${corner.x},${corner.y} ${end.x},${end.y}`;
  }
  return rest.length === 1 ? `${d} L${last.x},${last.y}` : d;
}

/** As wide as the share of people who took it, and never so thin that it is overlooked. */
export function lineWidth(people: number, most: number): number {
  return people <= 0 || most <= 0 ? 1.5 : 2 + 12 * Math.min(1, people / most);
}
