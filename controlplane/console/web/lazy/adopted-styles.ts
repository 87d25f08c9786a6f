// Lets xterm.js work under a policy without inline styles. It writes its rules into style elements, and colours into style attributes by
// setAttribute; the policy refuses both. Here the rules go into a style sheet that the document adopts, and the attributes are set by
// the object model: the policy allows both, because only a script of the page itself can do it.

let isDone = false;

/** Changes how this document creates elements. A second call has no effect. */
export function adoptStyles(): void {
  if (isDone) return;
  isDone = true;
  const create = document.createElement.bind(document);
  const adopted = (name: string, options?: ElementCreationOptions): HTMLElement => {
    // The policy refuses even an empty style element, so another one stands in its place.
    if (name === 'style') return withRules(create('template'));
    return name === 'span' ? withStyle(create(name, options)) : create(name, options);
  };
  document.createElement = adopted as typeof document.createElement;
}

/** The text of the element becomes the rules of a style sheet. */
function withRules(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (rules: string) => {
      text = rules;
      sheet.replaceSync(rules);
    },
  });
  const remove = element.remove.bind(element);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    remove();
  };
  return element;
}

function withStyle(element: HTMLElement): HTMLElement {
  const setAttribute = element.setAttribute.bind(element);
  element.setAttribute = (name, value) => {
    if (name === 'style') element.style.cssText = value;
    else setAttribute(name, value);
  };
  return element;
}
