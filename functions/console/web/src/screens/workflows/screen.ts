import { Plus, Workflow } from 'lucide-react';

import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/workflows', label: msg('Workflows'), icon: Workflow, order: 20, onPhone: true, key: 'w' },
  routes: [{ path: '/workflows', load: () => import('./index') }],
  commands: [{ label: msg('New workflow'), icon: Plus, to: '/workflows?new=1', needs: 'edit' }],
});
