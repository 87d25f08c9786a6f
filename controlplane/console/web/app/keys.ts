// The keys that work everywhere: `/`, `?`, `g` and a letter, Escape, and the arrows that lead into a list.
import { useEffect } from 'preact/hooks';
import type { Resource } from '../../model/discovery';
import type { Route } from '../../model/routes';
import { resourceOfKey, toolKeys } from '../../model/sections';

interface Keys {
  readonly resources: readonly Resource[];
  readonly route: Route;
  readonly namespace: string;
  readonly go: (route: Route) => void;
  readonly openHelp: () => void;
}

/** How long `g` waits for its letter. */
const waitMs = 1_500;

/** Parts that the keys look for in the document. */
export const filterId = 'filter';
export const gridId = 'grid';
export const contentId = 'content';

export function useKeys({ resources, route, namespace, go, openHelp }: Keys): void {
  useEffect(() => {
    let goneSince = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      const target = event.target instanceof HTMLElement ? event.target : document.body;
      // A dialog and a terminal have keys of their own.
      if (target.closest('dialog, .terminal-box, .editor')) return;
      if (event.key === 'Escape') return leave(target, route, go);
      if (target.matches('input, select, textarea')) return;
      const isSecond = performance.now() - goneSince < waitMs;
      goneSince = Number.NEGATIVE_INFINITY;
      if (isSecond) {
        const tool = toolKeys[event.key];
        if (tool) {
          event.preventDefault();
          return go({ view: tool, namespace, query: {} });
        }
        const resource = resourceOfKey(resources, event.key);
        if (resource) {
          event.preventDefault();
          go({ view: 'list', resource, namespace: resource.namespaced ? namespace : '', labelSelector: '' });
        }
      } else if (event.key === 'g') goneSince = performance.now();
      else if (event.key === '?') openHelp();
      else if (event.key === '/') focus(filterId, event);
      else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && target === document.body) focus(gridId, event);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [resources, route, namespace, go, openHelp]);
}

function focus(id: string, event: Event): void {
  const element = document.getElementById(id);
  if (!element) return;
  event.preventDefault();
  element.focus();
}

/** Out of a field first, then out of an object. */
function leave(target: HTMLElement, route: Route, go: (route: Route) => void): void {
  if (target.matches('input, select, textarea')) target.blur();
  else if (route.view === 'object') {
    const { resource, namespace } = route;
    go({ view: 'list', resource, namespace, labelSelector: '' });
  }
}
