// The page of the console: a program in a browser, which talks to the API server that it came from.
import { render } from 'preact';
import { App } from './app/app';
// The rules of xterm.js are small; a style sheet that comes with a script would need a loader.
import '@xterm/xterm/css/xterm.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/list.css';
import './styles/object.css';
import './styles/texts.css';
import './styles/topology.css';
import './styles/panel.css';
import './styles/timeline.css';
import './styles/path.css';

render(<App />, document.getElementById('app')!);
