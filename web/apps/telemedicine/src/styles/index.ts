/** In this order: what comes later may restyle what came before. */
import '@callclock/react/dist/css/styles.css';
import './tokens.css';
import './base.css';
import './call.css';
import './rows.css';
import './rules.css';
import './controls.css';
import './timeline.css';
import './pages.css';
import './prejoin.css';
import './narrow.css';
