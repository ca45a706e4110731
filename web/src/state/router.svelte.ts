//! History routes of the one page: `/`, `/chat`, `/statements`, `/desk/…`, `/audit/…`, `/evals/…`.

import { parseRoute, type Route } from "./route";

class Router {
  route = $state<Route>(parseRoute(location.pathname));

  constructor() {
    window.addEventListener("popstate", () => this.take());
    document.addEventListener("click", (event) => this.intercept(event));
  }

  go(path: string, replace = false): void {
    if (replace) history.replaceState(null, "", path);
    else if (path !== location.pathname) history.pushState(null, "", path);
    this.take();
  }

  private take(): void {
    const next = parseRoute(location.pathname);
    const changed = next.page !== this.route.page;
    this.route = next;
    if (changed) window.scrollTo(0, 0);
  }

  /** Plain clicks on our own links stay in the page; everything else is the browser's. */
  private intercept(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    if (link.origin !== location.origin || parseRoute(link.pathname).page === "unknown") return;
    if (link.hash !== "") return;
    event.preventDefault();
    this.go(link.pathname);
  }
}

export const router = new Router();
