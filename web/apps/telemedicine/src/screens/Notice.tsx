import { type ReactNode, useEffect, useRef } from 'react';

interface NoticeProps {
  heading: string;
  lead?: string;
  children?: ReactNode;
}

/** A page of few words: waiting, refusals, endings. Its heading takes the focus, so that it is heard. */
export function Notice({ heading, lead, children }: NoticeProps) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    title.current?.focus();
  }, [heading]);
  return (
    <main className="tm-page">
      <div className="tm-narrow">
        <h1 ref={title} tabIndex={-1} className="tm-headline">
          {heading}
        </h1>
        {lead !== undefined && <p className="tm-lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
}
