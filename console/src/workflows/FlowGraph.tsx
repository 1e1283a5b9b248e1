// The graph of a workflow: steps as cards, ways as wide as the people who took them.
import { BaseEdge, Background, Controls, EdgeLabelRenderer, Handle, Position, ReactFlow, useReactFlow, ReactFlowProvider, type Edge, type EdgeProps, type Node, type NodeProps } from '@xyflow/react';
import { useEffect, useMemo, useRef } from 'react';
import '@xyflow/react/dist/style.css';
import type { Schemas } from '../api/client';
import { dropsOff, lost, type StepFigures } from '../api/report';
import { count, plural, share, words } from '../lib/format';
import { Icon } from '../ui/icons';
import { END, ENTRY, type Graph, type Step } from './document';
import './graph.css';
import { layOut, lineWidth, path, WIDTH, type Line } from './layout';

interface Shown {
  graph: Graph;
  /** By step; without it the graph is drawn bare. */
  figures?: Map<string, StepFigures> | undefined;
  findings?: Map<string, Schemas['Finding'][]> | undefined;
  selected: string | undefined;
  onSelect: (step: string) => void;
  /** Where steps may be connected. */
  onConnect?: ((from: string, to: string) => void) | undefined;
}

interface CardData extends Record<string, unknown> {
  step: Step;
  figures: StepFigures | undefined;
  bare: boolean;
  worst: 'error' | 'warning' | undefined;
  selected: boolean;
  connects: boolean;
  onSelect: (step: string) => void;
}
interface LineData extends Record<string, unknown> { line: Line; people: number | undefined; most: number }

type CardNode = Node<CardData, 'card'>;
type LineEdge = Edge<LineData, 'line'>;

const TITLES: Record<string, string> = { [ENTRY]: 'Entry', [END]: 'End' };

function Figures({ step, figures }: { step: Step; figures: StepFigures }) {
  const drop = lost(figures);
  return (
    <span className="card-figures">
      <span><b>{count(figures.entered)}</b> {step.id === END ? 'came through' : 'entered'}</span>
      {figures.waiting > 0 && <span><b>{count(figures.waiting)}</b> here now</span>}
      {step.kind === 'send' && <span><b>{count(figures.sent)}</b> sent</span>}
      {step.kind === 'send' && <span><b>{share(figures.opened.human, figures.sent)}</b> opened</span>}
      {step.kind === 'send' && <span><b>{share(figures.clicked.human, figures.sent)}</b> clicked</span>}
      {drop > 0 && <span className={dropsOff(figures) ? 'drop' : ''}><b>{count(drop)}</b> left here</span>}
    </span>
  );
}

function Card({ data, id, height }: NodeProps<CardNode>) {
  const { step, figures, bare, worst, selected, connects, onSelect } = data;
  const flow = useReactFlow();
  /** Who comes here by keyboard sees where they are. Measured in the graph's own terms: the browser may have scrolled, and is scrolled back. */
  function comeIntoView(event: React.FocusEvent<HTMLButtonElement>) {
    const pane = event.currentTarget.closest('.flow');
    const node = flow.getNode(id);
    if (!pane || !node) return;
    const { x, y, zoom } = flow.getViewport();
    const [left, top, tall] = [node.position.x * zoom + x, node.position.y * zoom + y, height ?? 100];
    if (left >= 0 && top >= 0 && left + WIDTH * zoom <= pane.clientWidth && top + tall * zoom <= pane.clientHeight) return;
    void flow.setCenter(node.position.x + WIDTH / 2, node.position.y + tall / 2, { zoom });
  }
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={connects && step.id !== ENTRY} className={connects ? '' : 'unseen'} />
      <button
        type="button" className={`flow-card kind-${step.kind} ${worst ?? ''}`} aria-pressed={selected}
        onClick={() => onSelect(id)} onFocus={comeIntoView}
      >
        <span className="card-head"><Icon name={step.kind} /><span className="card-name">{TITLES[step.id] ?? step.id}</span>
          {worst && <span className={`mark ${worst}`}><span aria-hidden="true">{worst === 'error' ? '!' : '?'}</span><span className="visually-hidden">has {worst === 'error' ? 'an error' : 'a warning'}</span></span>}</span>
        <span className="card-gist">{step.kind === step.id ? step.gist : `${words(step.kind)}: ${step.gist}`}</span>
        {!bare && (figures ? <Figures step={step} figures={figures} /> : <span className="card-figures"><span>nobody yet</span></span>)}
      </button>
      <Handle type="source" position={Position.Bottom} isConnectable={connects && step.id !== END} className={connects ? '' : 'unseen'} />
    </>
  );
}

function Way({ data, id }: EdgeProps<LineEdge>) {
  if (!data) return null;
  const { line, people, most } = data;
  const width = people === undefined ? 2 : lineWidth(people, most);
  const label = line.labels.join(' · ');
  return (
    <>
      <BaseEdge id={id} path={path(line.points)} className={`way ${line.fault ? 'fault' : ''} ${people === 0 ? 'untaken' : ''}`} style={{ strokeWidth: width }} markerEnd="url(#way-end)" />
      {(label || (people !== undefined && people > 0)) && (
        <EdgeLabelRenderer>
          <div className="way-label" style={{ transform: `translate(-50%, -50%) translate(${line.at.x}px, ${line.at.y}px)` }} title={label}>
            {label && <span className="way-words">{label}</span>}
            {people !== undefined && people > 0 && <b>{count(people)}</b>}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

const nodeTypes = { card: Card };
const edgeTypes = { line: Way };

function worstOf(findings: Schemas['Finding'][] | undefined): 'error' | 'warning' | undefined {
  if (findings?.some(finding => finding.severity === 'error')) return 'error';
  return findings?.some(finding => finding.severity === 'warning') ? 'warning' : undefined;
}

function Drawn({ graph, figures, findings, selected, onSelect, onConnect }: Shown) {
  const pane = useRef<HTMLDivElement>(null);
  const flow = useReactFlow();
  const bare = figures === undefined;
  const layout = useMemo(() => layOut(graph, { height: kind => (bare ? 68 : kind === 'send' ? 122 : 98) }), [graph, bare]);
  const nodes = useMemo(() => layout.boxes.map((box): CardNode => {
    const step = graph.steps.find(step => step.id === box.id) ?? { id: box.id, kind: '?', gist: '' };
    const data: CardData = {
      step, figures: figures?.get(box.id), bare, worst: worstOf(findings?.get(box.id)), selected: selected === box.id, connects: onConnect !== undefined, onSelect,
    };
    return { id: box.id, type: 'card', position: { x: box.x, y: box.y }, width: box.width, height: box.height, data };
  }), [layout, graph, figures, findings, bare, selected, onSelect, onConnect]);
  const edges = useMemo(() => {
    const people = ({ from, to }: Line) => (figures ? (figures.get(from)?.edges[to] ?? 0) : undefined);
    const most = Math.max(1, ...layout.lines.map(line => people(line) ?? 0));
    return layout.lines.map((line): LineEdge => ({ id: `${line.from}→${line.to}`, source: line.from, target: line.to, type: 'line', data: { line, people: people(line), most } }));
  }, [layout, figures]);

  // Read from its beginning: as wide as the pane takes, and never so small that words cannot be read.
  useEffect(() => {
    const width = pane.current?.clientWidth ?? 800;
    const zoom = Math.min(1, Math.max(0.62, (width - 24) / Math.max(layout.width, 1)));
    const entry = layout.boxes.find(box => box.id === ENTRY);
    const fits = layout.width * zoom <= width;
    const middle = fits || !entry ? layout.width / 2 : entry.x + entry.width / 2;
    void flow.setViewport({ x: width / 2 - middle * zoom, y: 0, zoom });
  }, [layout, flow]);

  return (
    <div className="flow" ref={pane} role="region" aria-label={`Graph of ${plural(graph.steps.length, 'step')}; the table has the same`}>
      <svg className="markers" aria-hidden="true"><defs>
        <marker id="way-end" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 10 5 0 10z" className="way-tip" /></marker>
      </defs></svg>
      <ReactFlow
        nodes={nodes} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes} minZoom={0.2} maxZoom={1.6} nodesDraggable={false}
        nodesConnectable={onConnect !== undefined} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false} panOnScroll zoomOnDoubleClick={false}
        onConnect={({ source, target }) => onConnect?.(source, target)} proOptions={{ hideAttribution: true }} deleteKeyCode={null}
      >
        <Background gap={22} />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

export function FlowGraph(props: Shown) {
  return <ReactFlowProvider><Drawn {...props} /></ReactFlowProvider>;
}
