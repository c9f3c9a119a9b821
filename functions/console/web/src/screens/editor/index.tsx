/** The editor; `?pin=<run>` opens it with that run's data. */
import { useParams, useSearch } from '@tanstack/react-router';

import { Editor } from '@/editor/Editor';

export default function EditorScreen() {
  const params: { workflowId?: string } = useParams({ strict: false });
  const { pin }: { pin?: string } = useSearch({ strict: false });
  const id = params.workflowId ?? '';
  return <Editor key={id} workflowId={id} pinnedRun={pin} />;
}
