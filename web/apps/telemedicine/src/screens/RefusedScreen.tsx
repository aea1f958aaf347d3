import { refusalFor } from '../words/refusals';
import { Notice } from './Notice';

/** The call cannot be entered, and what to do about it. */
export function RefusedScreen({ code, onRetry }: { code: string; onRetry: () => void }) {
  const { heading, advice, canRetry } = refusalFor(code);
  return (
    <Notice heading={heading} lead={advice}>
      {canRetry && (
        <div className="tm-actions">
          <button type="button" className="cc-button cc-button-accent tm-main-button" onClick={onRetry}>
            Try again
          </button>
        </div>
      )}
    </Notice>
  );
}
