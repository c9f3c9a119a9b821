/** The editor; `?pin=<run>` opens it with that run's data. */
import { useParams, useSearch } from '@tanstack/react-router';

import { Editor } from '@/editor/Editor';

export default function EditorScreen() {
  const { workflowId } = useParams({ strict: false }) as { workflowId: string };
  const { pin } = useSearch({ strict: false }) as { pin?: string };
  return <Editor key={workflowId} workflowId={workflowId} pinnedRun={pin} />;
}
