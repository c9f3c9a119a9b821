/** Going out of the workspace by oneself. */
import { useMutation } from '@tanstack/react-query';
import { t } from '@/app/i18n';
import { forgetPlace } from '@/app/place';
import { consoleBase } from '@/app/base';
import { useSession } from '@/app/session';
import { Button, confirm, toastError } from '@/ui';
import { calls, useWorkspace } from './api';

/** The last owner cannot: the role beside it says so. Nor does anybody leave their own workspace. */
export function Leave({ isLastOwner }: { isLastOwner: boolean }) {
  const name = useSession((state) => state.me?.workspace_name ?? '');
  const { data: workspace } = useWorkspace();
  const leave = useMutation({
    mutationFn: calls.leave,
    onSuccess: () => {
      forgetPlace();
      location.assign(consoleBase);
    },
    onError: (error) => toastError(t('That did not work'), error),
  });
  if (!workspace || workspace.is_personal) return null;
  const ask = async () => {
    const isSure = await confirm({
      title: t('Leave {name}?', { name }),
      text: t('Somebody has to invite you again if you want to come back. What you made stays.'),
      action: t('Leave'),
      danger: true,
    });
    if (isSure) leave.mutate();
  };
  return (
    <Button size="sm" variant="danger" disabled={isLastOwner} loading={leave.isPending || leave.isSuccess} onClick={() => void ask()}>
      {t('Leave')}
    </Button>
  );
}
