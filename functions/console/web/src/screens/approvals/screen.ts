import { Inbox } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';
import { useWaitingCount } from './api';

export default defineScreen({
  nav: { to: '/approvals', label: msg('Approvals'), icon: Inbox, order: 40, onPhone: true, key: 'a', useCount: useWaitingCount },
  routes: [
    { path: '/approvals', load: () => import('./index') },
    { path: '/approvals/$approvalId', load: () => import('./Approval') },
  ],
});
