//! Regulated wording arrives as HTML. Its text is shown unchanged; of its markup only structure is
//! kept, rebuilt from an allow-list without attributes, so that nothing in it can run, load or
//! restyle the page. The stored bytes stay one link away.

const KEPT = new Set([
  "H1", "H2", "H3", "H4", "P", "UL", "OL", "LI", "DL", "DT", "DD", "STRONG", "B", "EM", "I", "BR", "HR",
  "TABLE", "CAPTION", "THEAD", "TBODY", "TR", "TH", "TD", "SECTION", "ADDRESS", "BLOCKQUOTE", "DIV", "SPAN",
]);
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "EMBED", "TITLE", "HEAD", "SVG", "MATH"]);
/** Headings sink below the page's own, so that the outline of the page stays whole. */
const SUNK: Record<string, string> = { H1: "h3", H2: "h4", H3: "h5", H4: "h6" };

/** `html` as inert structure. A template's content is never connected, so nothing in it is applied. */
export function safeNodes(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fragment = document.createDocumentFragment();
  copyChildren(template.content, fragment);
  return fragment;
}

function copyChildren(from: Node, to: Node): void {
  for (const child of from.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      to.appendChild(document.createTextNode(child.textContent ?? ""));
    } else if (child instanceof Element && !DROPPED.has(child.tagName.toUpperCase())) {
      const name = child.tagName.toUpperCase();
      const kept = KEPT.has(name) ? to.appendChild(document.createElement(SUNK[name] ?? name.toLowerCase())) : to;
      copyChildren(child, kept);
    }
  }
}
