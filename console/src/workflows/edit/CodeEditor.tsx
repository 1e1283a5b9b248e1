// The document as text. The editor makes its own style sheets; within a shadow root they are constructed ones, which the page's policy allows.
import { autocompletion, closeBrackets, completionKeymap, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { searchKeymap } from '@codemirror/search';
import { Annotation, EditorState } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { fieldsAt, pathBefore, valuesAt } from './complete';

export interface Mark { from: number; to: number; severity: 'error' | 'warning' | 'info'; message: string }

/** Marks a change that the form or the graph made. */
const fromOutside = Annotation.define<boolean>();

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '0.875rem', color: 'var(--text)', backgroundColor: 'var(--raised)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--dim)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent-soft) 45%, transparent)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '&.cm-focused': { outline: '3px solid var(--accent)', outlineOffset: '-3px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line-strong)', borderRadius: '8px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: 'var(--accent)' },
  { tag: [tags.string, tags.content], color: 'var(--text)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: 'var(--dim)' },
]);

function proposals(steps: () => string[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const match = /^(\s*)(- )?(?:([\w.-]+):\s+)?([\w.-]*)$/.exec(before);
    const [, spaces = '', dash = '', key, word = ''] = match ?? [];
    if (!match || (!word && !context.explicit)) return null;
    const above = context.state.sliceDoc(0, line.from).split('\n').slice(0, -1);
    // An entry of a list stands as deep as what follows its dash.
    const path = pathBefore(dash ? [...above, `${spaces}- `] : above, spaces.length + dash.length);
    const found = key === undefined ? fieldsAt(path) : valuesAt([...path, key], steps());
    if (found.length === 0) return null;
    const options = found.map(({ label, detail, kind }) => ({ label, detail, type: kind === 'field' ? 'property' : 'enum', apply: kind === 'field' ? `${label}: ` : label }));
    return { from: context.pos - word.length, options, validFor: /^[\w.-]*$/ };
  };
}

export function CodeEditor({ text, onChange, marks, steps, reveal }: {
  text: string; onChange: (text: string) => void; marks: Mark[]; steps: string[]; reveal: { at: number } | undefined;
}) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const typed = useRef(new Set<string>());
  const latest = useRef({ onChange, steps, text });
  useEffect(() => {
    latest.current = { onChange, steps, text };
  });
  useEffect(() => {
    const place = host.current;
    if (!place) return undefined;
    const root = place.shadowRoot ?? place.attachShadow({ mode: 'open' });
    const made = new EditorView({
      root, parent: root,
      state: EditorState.create({
        doc: latest.current.text,
        extensions: [
          lineNumbers(), history(), drawSelection(), highlightActiveLine(), bracketMatching(), closeBrackets(), indentUnit.of('  '), yaml(), syntaxHighlighting(colours), look, lintGutter(),
          autocompletion({ icons: false, override: [proposals(() => latest.current.steps)] }), EditorView.lineWrapping, EditorView.contentAttributes.of({ 'aria-label': 'The document, as YAML', tabindex: '0' }),
          // Tab leaves the editor, as it leaves every field.
          keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...searchKeymap, ...lintKeymap]),
          EditorView.updateListener.of(update => {
            if (!update.docChanged || update.transactions.some(one => one.annotation(fromOutside))) return;
            const now = update.state.doc.toString();
            typed.current.add(now);
            latest.current.onChange(now);
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, []);
  useEffect(() => {
    const shown = view.current;
    if (!shown) return;
    if (shown.state.doc.toString() === text) {
      typed.current.clear();
      return;
    }
    // What was typed comes back a moment later, when more may have been typed. That is nothing new.
    if (typed.current.has(text)) return;
    typed.current.clear();
    shown.dispatch({ changes: { from: 0, to: shown.state.doc.length, insert: text }, annotations: fromOutside.of(true) });
  }, [text]);
  useEffect(() => {
    const shown = view.current;
    if (!shown) return;
    const length = shown.state.doc.length;
    const diagnostics = marks.map((mark): Diagnostic => ({ ...mark, from: Math.min(mark.from, length), to: Math.min(mark.to, length) })).sort((a, b) => a.from - b.from);
    shown.dispatch(setDiagnostics(shown.state, diagnostics));
  }, [marks]);
  useEffect(() => {
    const shown = view.current;
    if (!shown || !reveal) return;
    shown.dispatch({ selection: { anchor: Math.min(reveal.at, shown.state.doc.length) }, effects: EditorView.scrollIntoView(Math.min(reveal.at, shown.state.doc.length), { y: 'center' }) });
    shown.focus();
  }, [reveal]);
  return <div className="code" ref={host} />;
}
