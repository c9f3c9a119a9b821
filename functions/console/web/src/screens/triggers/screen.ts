import { Zap } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/triggers', label: msg('Triggers'), icon: Zap, order: 50, key: 't' },
  routes: [
    { path: '/triggers', load: () => import('./index') },
    { path: '/triggers/$workflowId/$triggerId', load: () => import('./Trigger') },
  ],
});
