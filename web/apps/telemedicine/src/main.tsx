import { createRoot } from 'react-dom/client';
import { App } from './App';
import { readEntry } from './entry/entry';
import './styles';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root element');
createRoot(root).render(<App entry={readEntry(window.location, window.history, window.sessionStorage)} />);
