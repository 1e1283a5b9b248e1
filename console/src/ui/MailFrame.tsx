// A mail in a frame that runs nothing, loads nothing and leads nowhere. The page's policy allows no inline style; what the mail says about
// its looks is therefore carried over rule by rule, by the page, into the frame's own document.
import { useEffect, useRef } from 'react';

/** Elements that have no business in a shown mail. */
const BANNED = 'style, script, iframe, object, embed, form, base, meta, link, noscript, audio, video';
const OWN = 'html { background: #fff; color: #111; overflow-wrap: anywhere; } body { margin: 0; } a { cursor: default; }';

function sheet(view: Window & typeof globalThis, text: string, media: string | null): CSSStyleSheet {
  const made = new view.CSSStyleSheet(media ? { media } : {});
  // `@import` would load something, and constructed sheets leave it out by themselves.
  made.replaceSync(text);
  return made;
}

/** Its style sheets apart from it, and its style attributes under a name of ours: a parser that met them would be stopped by the policy,
 * as it would be by handlers of events, which are dropped. */
function takeApart(html: string): { html: string; styles: { text: string; media: string | null }[] } {
  const styles: { text: string; media: string | null }[] = [];
  const bare = html.replace(/<!--[\s\S]*?-->/g, '').replace(/<style\b([^>]*)>([\s\S]*?)<\/style\s*>/gi, (_, attributes: string, text: string) => {
    styles.push({ text, media: /\bmedia\s*=\s*"([^"]*)"/i.exec(attributes)?.[1] ?? null });
    return '';
  });
  return { html: bare.replace(/<[a-z][^>]*>/gi, tag => tag.replace(/\sstyle(\s*=)/gi, ' data-kept-style$1').replace(/([\s"'/])on[a-z]+(\s*=)/gi, '$1data-dropped$2')), styles };
}

function fill(frame: HTMLIFrameElement, html: string): void {
  const view = frame.contentWindow as (Window & typeof globalThis) | null;
  const target = frame.contentDocument;
  if (!view || !target) return;
  const mail = takeApart(html);
  const source = new DOMParser().parseFromString(mail.html, 'text/html');
  source.querySelectorAll(BANNED).forEach(element => element.remove());
  const sheets = [sheet(view, OWN, null), ...mail.styles.map(({ text, media }) => sheet(view, text, media))];
  const styled: [Element, string][] = [];
  const walk = (from: Element, into: Element) => {
    for (const { name, value } of from.attributes) {
      if (name === 'data-kept-style') styled.push([into, value]);
      else if (name !== 'style' && name !== 'data-dropped' && !name.startsWith('on') && name !== 'srcset' && !(name === 'background' && !value.startsWith('data:'))) {
        // Where a link leads is shown, and not followed: a click here would count as theirs.
        if (name === 'href') into.setAttribute('title', value);
        else if (name !== 'src' || value.startsWith('data:')) into.setAttribute(name, value);
      }
    }
    for (const child of from.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) into.append(target.createTextNode(child.textContent ?? ''));
      else if (child instanceof Element) {
        const made = target.createElement(child.localName);
        walk(child, made);
        into.append(made);
      }
    }
  };
  target.body.replaceChildren();
  for (const { name } of [...target.body.attributes]) target.body.removeAttribute(name);
  target.documentElement.lang = source.documentElement.lang || 'en';
  target.title = source.title || 'Mail';
  walk(source.body, target.body);
  target.adoptedStyleSheets = sheets;
  for (const [element, text] of styled) if ('style' in element) (element as HTMLElement).style.cssText = text;
  frame.style.height = `${Math.min(1600, Math.max(160, target.documentElement.scrollHeight + 4))}px`;
}

export function MailFrame({ html, title, width }: { html: string; title: string; width?: number | undefined }) {
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    const shown = frame.current;
    if (!shown) return undefined;
    fill(shown, html);
    // Some browsers lay their own empty document over the first one.
    const again = () => fill(shown, html);
    shown.addEventListener('load', again);
    return () => shown.removeEventListener('load', again);
  }, [html, width]);
  return (
    <div className="mail-pane" tabIndex={0} role="region" aria-label={title}>
      <iframe ref={frame} title={title} sandbox="allow-same-origin" referrerPolicy="no-referrer" style={width ? { width, maxWidth: '100%' } : { width: '100%' }} />
    </div>
  );
}
